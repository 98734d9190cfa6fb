"""`postvak config …`: the whole set-up as one TOML file."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.log import audit
from postvak.setup import file as config_file
from postvak.setup.fields import SettingError

config = typer.Typer(help="The whole set-up as one TOML file.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@config.command("export")
def config_export() -> None:
    """Print the set-up as TOML. Passwords are not printed; leave them out to keep them."""
    prepare_database()
    audit.exported(audit.COMMAND, "config")
    sys.stdout.write(config_file.export())
    for line in config_file.left_out():
        sys.stderr.write(f"postvak: left out – {line}\n")


@config.command("apply")
def config_apply(
    path: Annotated[Path, typer.Argument(help="TOML file, as config export prints it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the difference.")] = False,
    as_object: Json = False,
) -> None:
    """Make the set-up as the file says; repeating it changes nothing. What the file doesn't name stays."""
    prepare_database()
    try:
        changes = config_file.apply(path.read_text("utf-8"), base=path.parent, dry_run=dry_run)
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}.")
    except UnicodeDecodeError:
        fail(f"{path} is not in UTF-8, as TOML must be. Save it in that encoding.")
    except SettingError as error:
        fail(f"{path}: {error} Nothing was changed.")
    if as_object:
        print(json.dumps([change.as_json() for change in changes], indent=2))
        return
    for change in changes:
        print(change.as_text())
    print("Nothing to change." if not changes else "Nothing was written (dry run)." if dry_run else "Done.")

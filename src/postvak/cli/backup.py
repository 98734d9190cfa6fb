"""`postvak backup` and `postvak restore`: everything of an installation into a safe place, and back."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from django.db import DatabaseError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from postvak.blobs.vault import VaultUnreachable
from postvak.cli import prepare
from postvak.cli.failing import fail
from postvak.keep import backup as making
from postvak.keep import keys, restore, source
from postvak.keep.calm import Calmed, calm
from postvak.keep.copying import CannotCopy
from postvak.keep.manifest import BadBackup, Manifest
from postvak.keep.places import Busy
from postvak.log import audit
from postvak.models import Lease
from postvak.notify.health.mails import WORKER
from postvak.worker.identity import is_dead

EXPECTED = (
    making.CannotBackUp, restore.CannotRestore, keys.WrongPassphrase, CannotCopy, BadBackup, Busy, VaultUnreachable, OSError,
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file with the passphrase for the keys; without it you are asked.")
]
WithoutKeys = Annotated[bool, typer.Option("--without-keys", help="Leave secret.key and sealing.keys out.")]


def backup(
    path: Annotated[Path, typer.Argument(help="A folder, which may hold backups already, or a new file ….tar.")],
    passphrase_file: PassphraseFile = None,
    without_keys: WithoutKeys = False,
    verify: Annotated[bool, typer.Option("--verify", help="Make none: read the one at PATH, and compare.")] = False,
    as_object: Json = False,
) -> None:
    """Back up everything while Postvak runs. Large mails that a folder has already are not copied again."""
    with told():
        if verify:
            tell_manifest(verified(path), path, as_object=as_object)
            return
        passphrase = "" if without_keys else read_passphrase(passphrase_file, is_new=True)
        prepare.prepare_database()
        with bar("Large mails") as progress:
            made = making.back_up(path, passphrase=passphrase, progress=progress)
    tell_manifest(made.manifest, made.path, as_object=as_object)
    if made.manifest.lost:
        fail(f"{made.manifest.lost} large mails can't be read and are not in it: see “postvak blobs check”.")


def restore_command(
    path: Annotated[
        Path | None, typer.Argument(help="A folder of backups (its newest), one in it, or a tar file.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move aside what is there already.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Mailboxes work on at once, instead of only looking.")] = False,
    before_upgrade: Annotated[
        bool, typer.Option("--before-upgrade", help="The database as it was before the last update.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    without_keys: WithoutKeys = False,
) -> None:
    """Put a backup back, verified, into an empty data directory. Nothing that waited in it is sent without a person."""
    if before_upgrade == (path is not None):
        raise typer.BadParameter("give the path of a backup, or --before-upgrade")
    with told():
        restore.check_stopped(is_alive=not restore.is_empty() and workers_live())
        if path is None:
            go_back()
            return
        with source.opened(path) as found, bar("Reading") as progress:
            wish = wish_of(found, replace, without_keys, passphrase_file)
            done = restore.put_back(found, wish, progress, prepare.prepare_database)
        calmed = calm(looks_only=not live)
        facts: dict[str, list[object]] = {"made_at": ["", found.manifest.made_at.isoformat()]}
        audit.record(audit.COMMAND, audit.Action.RESTORED, changes=facts, kind="backup", name=found.name)
    tell_restored(found.manifest, done, calmed)


def wish_of(found: source.Backup, replace: bool, without_keys: bool, passphrase_file: Path | None) -> restore.Wish:
    has_keys = found.manifest.has_keys and not without_keys
    passphrase = read_passphrase(passphrase_file, is_new=False) if has_keys else ""
    return restore.Wish(replaces=replace, passphrase=passphrase, takes_keys=not without_keys)


@contextmanager
def told() -> Iterator[None]:
    """What may happen is one sentence."""
    try:
        yield
    except EXPECTED as error:
        fail(str(error))


def verified(path: Path) -> Manifest:
    with source.opened(path) as found, bar("Reading") as progress:
        source.verify(found, progress)
        return found.manifest


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def read_passphrase(path: Path | None, *, is_new: bool) -> str:
    if path is not None:
        phrase = path.read_text("utf-8").strip()
    elif sys.stdin.isatty():
        phrase = typer.prompt("Passphrase for the keys", hide_input=True, confirmation_prompt=is_new, err=True)
    else:
        raise typer.BadParameter("give --passphrase-file, or --without-keys")
    if is_new and len(phrase) < keys.SHORTEST:
        fail(f"The passphrase is too short: take {keys.SHORTEST} letters or more. It protects every stored password.")
    return str(phrase)


def tell_manifest(manifest: Manifest, path: Path, *, as_object: bool) -> None:
    if as_object:
        print(json.dumps(json.loads(manifest.as_bytes()) | {"path": str(path)}, indent=2))
        return
    counts = manifest.counts
    print(f"{path}: {manifest.size / 1e6:.1f} MB, the state of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    print(
        f"{counts.get('ticket', 0)} tickets, {counts.get('message', 0)} messages, {counts.get('receipt', 0)} mails "
        f"received, {manifest.contents} large contents."
    )
    print("The keys are in it, locked." if manifest.has_keys else "The keys are not in it: keep sealing.keys yourself.")


def tell_restored(manifest: Manifest, done: restore.Restored, calmed: Calmed) -> None:
    print(f"Restored: the state of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    if done.aside:
        print(f"What was there before lies in {done.aside}; remove it when you don't need it any more.")
    if not done.has_keys:
        print("The keys were not in it: put sealing.keys back, or enter the passwords of the mail servers again.")
    print(
        f"{calmed.mails} mails that waited in the outbox are in doubt now: they may have gone out after the backup was made. "
        "Send or drop them in the outbox."
    )
    if calmed.automatic:
        print(f"{calmed.automatic} automatic mails that were to be written are left out.")
    if calmed.mailboxes:
        print(f"{calmed.mailboxes} mailboxes only look: let them go live in the administration when all is well.")
    if done.problems:
        fail("But something is not as it should be: " + " ".join(done.problems))


# -- the way back from an update ----------------------------------------------------------------------------


def go_back() -> None:
    twins = prepare.twins()
    if not twins:
        fail(f"There is no copy from before an update in {prepare.twin_folder()}.")
    aside = restore.put_twin_back(twins[0])
    print(f"The database is as it was before the update ({twins[0].name}).")
    print(f"The one from afterwards lies in {aside}. Now install the version that you had before.")


def workers_live() -> bool:
    """Has a worker given a sign of life in the last minute, and isn't it dead?"""
    try:
        rows = Lease.objects.filter(name__startswith=WORKER, until__gt=timezone.now())
        return any(not is_dead(owner) for owner in rows.values_list("owner", flat=True))
    except DatabaseError:
        return False  # whatever it is, no Postvak works with it

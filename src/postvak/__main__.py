"""`postvak` and `python -m postvak`."""

import gc
import os
import sys
from typing import NoReturn

import django
from django.core.exceptions import ImproperlyConfigured

from postvak.configuration import ConfigurationError

TRY_LATER = 75  # EX_TEMPFAIL, as in cli.commands, which can't be imported without settings


def main() -> None:
    """Set Django up, then hand over to the command line. Expected failures are one sentence, not a traceback."""
    gc.disable()  # until everything is loaded (cli.commands): going through it again and again is a fifth of the time of the start
    os.umask(0o077)  # keys, database and raw mails are nobody else's business
    if sys.argv[1:3] in (["classify", "evaluate"], ["classify", "replay"]):
        measure()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postvak.settings")
    try:
        django.setup()
    except (ConfigurationError, ImproperlyConfigured) as error:
        print(f"postvak: {error}", file=sys.stderr)
        sys.exit(
            TRY_LATER if sys.argv[1:2] == ["ingest"] else 1
        )  # a mail server keeps the mail until that is put right
    from postvak.cli.commands import run  # noqa: PLC0415 - models can be imported only after django.setup()

    run()


def measure() -> NoReturn:
    """`postvak classify evaluate` and `replay` measure on a table of mails, so they need no installation and make none."""
    from postvak.cli.classify import classify  # noqa: PLC0415 - loads numpy, which no other command may wait for

    gc.enable()
    classify(sys.argv[2:], prog_name="postvak classify")
    sys.exit(0)


if __name__ == "__main__":
    main()

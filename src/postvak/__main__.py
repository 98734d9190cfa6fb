"""`postvak` and `python -m postvak`."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from postvak.configuration import ConfigurationError

TRY_LATER = 75  # EX_TEMPFAIL, as in cli.commands, which can't be imported without settings


def main() -> None:
    """Set Django up, then hand over to the command line. Expected failures are one sentence, not a traceback."""
    os.umask(0o077)  # keys, database and raw mails are nobody else's business
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


if __name__ == "__main__":
    main()

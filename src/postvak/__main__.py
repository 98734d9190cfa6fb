"""`postvak` and `python -m postvak`."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from postvak.configuration import ConfigurationError


def main() -> None:
    """Set Django up, then hand over to the command line. Expected failures are one sentence, not a traceback."""
    os.umask(0o077)  # keys, database and raw mails are nobody else's business
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postvak.settings")
    try:
        django.setup()
    except (ConfigurationError, ImproperlyConfigured) as error:
        sys.exit(f"postvak: {error}")
    from postvak.cli.commands import run  # noqa: PLC0415 - models can be imported only after django.setup()

    run()


if __name__ == "__main__":
    main()

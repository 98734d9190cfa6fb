"""Loaded before Django's settings: gives the test run an installation of its own.

POSTVAK_TEST_DATABASE=postgresql runs the suite on a throw-away PostgreSQL cluster instead of SQLite.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.servers.postgres import Postgres

DATA = Path(tempfile.mkdtemp(prefix="postvak-test-"))
atexit.register(shutil.rmtree, DATA, ignore_errors=True)
for name in [name for name in os.environ if name.startswith("POSTVAK_") and not name.startswith("POSTVAK_TEST_")]:
    if name not in {"POSTVAK_DATABASE", "POSTVAK_CORPORA", "POSTVAK_TORTURE"}:
        del os.environ[name]
os.environ["POSTVAK_DATA"] = str(DATA)
os.environ["POSTVAK_OWN_NETWORKS"] = "127.0.0.0/8"  # where other servers of the tests stand
os.environ["POSTVAK_TIME_ZONE"] = "Europe/Amsterdam"

if os.environ.get("POSTVAK_TEST_DATABASE") == "postgresql" and "POSTVAK_DATABASE" not in os.environ:
    cluster = ExitStack()
    os.environ["POSTVAK_DATABASE"] = cluster.enter_context(Postgres.running()).url
    atexit.register(cluster.close)

"""Machines in network namespaces that are cut off, killed and replaced while frames are lost (tests.torture.machines). Spec 11.

In the suite the short story; POSTVAK_TORTURE=full: three rounds of all faults.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.servers import MissingServer, binary
from tests.servers.network import why_not
from tests.servers.postgres import _binary
from tests.torture.conftest import is_full

pytestmark = pytest.mark.servers


def test_every_mail_is_one_ticket_and_every_answer_leaves_once_or_is_in_doubt_whatever_happens_to_machines() -> None:
    check_servers()
    if problem := why_not():
        pytest.skip(f"NOT TESTED, many machines: {problem}")
    command = ["unshare", "--net", sys.executable, "-m", "tests.torture.machines", "3" if is_full() else "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    print(found)
    assert found["tickets"] == found["mails"] > 0


def check_servers() -> None:
    """One that is not installed fails in CI and skips at home, as in tests.servers.plugin."""
    try:
        binary("dovecot", package="dovecot-imapd dovecot-pop3d")
        _binary("postgres")
    except MissingServer as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(f"NOT TESTED, {error}")

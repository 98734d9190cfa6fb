"""The long day of benchmarks/soak.py in little: the whole program, real servers, a fault every few seconds, a kill, and the books at its end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.conftest import is_full

pytestmark = [pytest.mark.servers, pytest.mark.skipif(not is_full(), reason="takes minutes: POSTVAK_TORTURE=full")]
MAILS = 300
SOAK = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


def test_after_a_day_of_faults_nothing_is_lost_or_doubled_and_the_books_are_right() -> None:
    command = [sys.executable, str(SOAK), "--mails", str(MAILS), "--fault-every", "2", "--kill-every", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    assert done.stdout, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["wrong"] == [], told
    assert told["mails"] == MAILS
    assert sum(told["incoming"].values()) >= MAILS
    assert told["outgoing"]["accepted"] > 0

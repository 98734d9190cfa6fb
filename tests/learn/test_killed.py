"""Two workers that teach at the same time are killed at random moments: each decision is learned once."""

from collections import Counter
from pathlib import Path

import pytest

from tests.classify import invented
from tests.killing import ENGINES, Victims

TICKETS = 60


@pytest.mark.servers
@ENGINES
def test_each_decision_is_learned_once(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    known = Counter(label for _text, label in invented.mails(600))["invoices"]
    victims = Victims.on(engine, "tests.learn.one_teacher", request, tmp_path)
    victims.make(TICKETS)
    victims.kill_again_and_again("process", rounds=3)
    assert victims.run("count").split() == [str(TICKETS), str(TICKETS), str(known + TICKETS)]

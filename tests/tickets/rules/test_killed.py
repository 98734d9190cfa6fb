"""Processes that follow what happened are killed at random moments; in the end everybody was told of everything, once."""

from pathlib import Path

import pytest

from tests.killing import ENGINES, Victims

TICKETS = 120


@pytest.mark.servers
@ENGINES
def test_processes_that_are_killed_again_and_again_tell_everything_once(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    victims = Victims.on(engine, "tests.tickets.rules.one_follower", request, tmp_path)
    victims.make(TICKETS)
    victims.kill_again_and_again("follow")
    half = str(TICKETS // 2)
    closed, assigned, changed, unanswered, bells = victims.run("count").split()
    assert (closed, assigned, changed, unanswered) == (half, str(TICKETS), half, half)
    assert int(bells) == TICKETS + 2 * (TICKETS // 2)

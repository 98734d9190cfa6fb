"""Processes that handle mails and plan what rules answer are killed at random moments; in the end each customer got one mail."""

from pathlib import Path

import pytest

from tests.killing import ENGINES, Victims

MAILS = 100


@pytest.mark.servers
@ENGINES
def test_processes_that_are_killed_while_they_plan_a_rule_s_mail_confirm_each_mail_once(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    victims = Victims.on(engine, "tests.process.one_processor", request, tmp_path)
    victims.make(MAILS)
    victims.kill_again_and_again("process", rounds=3)
    assert victims.run("count").split() == [str(MAILS)] * 8

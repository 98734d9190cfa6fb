"""postvak classify train and show: from this installation's own tickets."""

import json

import pytest
from typer.testing import CliRunner

from postvak.cli import classify_here
from postvak.models import Agent, AuditEntry, Classifier, ClassifierModel, Mailbox, Queue, Status
from postvak.tickets.change import set_status
from tests.learn.taught import come_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify_here, "prepare_database", lambda: None)


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(classify_here.classify, arguments)
    assert result.exit_code == exit_code, result.output
    return result.output


def test_it_learns_and_shows_what_it_has_learned(mailbox: Mailbox, support: Queue, bob: Agent) -> None:
    for number in range(3):
        _receipt, ticket = come_in(mailbox, "delivery", number)
        set_status(ticket, Status.objects.get(key="closed"), by=bob)
    assert "version 1, learned from 3 tickets, is used from now on" in run("train", "--target", "queue")
    assert ClassifierModel.objects.get().is_active
    assert AuditEntry.objects.filter(name="train queue", origin="command").exists()
    shown = {one["target"]: one for one in json.loads(run("show", "--json"))}
    assert (shown["queue"]["version"], shown["queue"]["tickets"], shown["priority"]["version"]) == (1, 3, None)
    assert "mode" in run("show")


def test_without_a_target_it_learns_what_is_on(mailbox: Mailbox) -> None:
    run("train", exit_code=1)
    Classifier.objects.filter(target="spam").update(mode="shadow")
    assert run("train").startswith("spam: nobody has handled a ticket yet")
    run("train", "--target", "weather", exit_code=2)


def test_measuring_still_needs_no_database() -> None:
    assert {
        command.callback.__name__ for command in classify_here.classify.registered_commands if command.callback
    } == {
        "evaluate",
        "replay",
        "train_command",
        "show_command",
    }

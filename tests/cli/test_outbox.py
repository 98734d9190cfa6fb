"""`postvak outbox`: look, try again, stop; for people and for programs."""

import json

import pytest

from tests.cli.program import Program

SET_UP = """
from postvak.cli.ingest_mail import ingest
from postvak.models import Address, Agent, Brand, Channel, Mailbox, OutgoingMail, Queue, Ticket
from postvak.tickets.answer import Answer, answer
from tests.mails import mail

brand = Brand.objects.get()
queue = Queue.objects.create(name="Support", brand=brand, colour="sea")
queue.address = Address.objects.create(email="support@example.org", queue=queue)
queue.save()
Channel.objects.create(name="Relay", kind="file", is_default=True)
bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob")
queue.members.add(bob)
list(ingest(Mailbox.objects.get(kind="local"), [mail()]))
for to, state, said in (
    ("a@x.example", "deferred", "451 4.7.1 greylisted"),
    ("b@x.example", "failed", "550 5.1.1 no such user"),
    ("c@x.example", "accepted", "250 ok"),
):
    sent = answer(Ticket.objects.get(), Answer(to=(to,), text="Hello"), by=bob).outgoing
    sent.deliveries.update(state=state, said=said)
    OutgoingMail.objects.filter(pk=sent.pk).update(attempts=1)
"""


@pytest.fixture
def busy(program: Program) -> Program:
    """Three mails: deferred, failed, accepted."""
    program.python(SET_UP)
    return program


def rows(program: Program, *arguments: str) -> dict[str, dict[str, object]]:
    listed = json.loads(program.ok("outbox", "list", "--json", *arguments))
    return {row["recipients"][0]["address"]: row for row in listed}


def state_of(row: dict[str, object]) -> object:
    return row["recipients"][0]["state"]  # type: ignore[index]


def test_the_list_shows_what_is_not_out_with_the_servers_words_explained(busy: Program) -> None:
    text = busy.ok("outbox", "list")
    assert "b@x.example: failed – 550 5.1.1 no such user" in text
    assert "This address doesn't exist at the other server" in text
    assert "c@x.example" not in text
    assert set(rows(busy)) == {"a@x.example", "b@x.example"}
    assert set(rows(busy, "--state", "accepted", "--channel", "Relay")) == {"c@x.example"}
    assert len(rows(busy, "--state", "all", "--limit", "2")) == 2
    assert busy.ok("outbox", "list", "--state", "blocked") == "There are no such mails.\n"


def test_retry_and_cancel_change_only_what_can_be_changed(busy: Program) -> None:
    numbers = {name[0]: str(row["number"]) for name, row in rows(busy, "--state", "all").items()}
    done = busy.run("outbox", "retry", numbers["b"], numbers["c"])
    assert (done.code, f"{numbers['b']} goes now." in done.out) == (1, True)
    assert json.loads(busy.ok("outbox", "retry", "--channel", "Relay", "--json")) == {"retried": 1}
    assert json.loads(busy.ok("outbox", "cancel", numbers["a"], "--json")) == [
        {"number": int(numbers["a"]), "done": True}
    ]
    after = rows(busy, "--state", "all")
    assert [state_of(after[f"{name}@x.example"]) for name in "abc"] == ["cancelled", "queued", "accepted"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("list", "--state", "lost"), 1, "There is no state “lost”"),
        (("list", "--channel", "Nowhere"), 1, "There is no sending channel “Nowhere”. There are: none."),
        (("cancel", "7"), 1, "There is no mail 7 in the outbox. Nothing was changed."),
        (("retry",), 2, "give numbers of mails, or --channel"),
        (("retry", "7", "--channel", "Relay"), 2, "give numbers of mails, or --channel"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(program: Program, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = program.run("outbox", *arguments)
    assert done.code == code
    assert said in " ".join(done.err.replace("│", " ").split())

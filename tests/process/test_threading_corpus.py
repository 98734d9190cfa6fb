"""Conversations in folders: tests/corpus/threading/NN-name/ with 01.eml …, expected.json and, if anything happens in
between, steps.json. What the words of the files mean stands in tests/corpus/README.md.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from postvak.models import (
    Address,
    Agent,
    AutomaticMail,
    Channel,
    CustomField,
    ExternalNumber,
    GroupingExclusion,
    Mailbox,
    Message,
    Organisation,
    Queue,
    Receipt,
    Status,
    Ticket,
    TicketLink,
)
from postvak.process.held import release
from postvak.process.run import process_due
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import set_status
from postvak.tickets.merge import merge
from postvak.tickets.move import split_off
from tests.process.arrivals import parameters, receive, set_option

pytestmark = pytest.mark.django_db
CORPUS = Path(__file__).parents[1] / "corpus" / "threading"
FOLDERS = sorted(path for path in CORPUS.iterdir() if path.is_dir())
PLACEHOLDER = re.compile(r"\{\{(number|wrong number|id|ID) (\w+)\}\}")
Json = dict[str, Any]


class Stage:
    """One folder being played: which receipt each mail has, and what agents wrote."""

    def __init__(self, folder: Path, mailbox: Mailbox) -> None:
        self.folder, self.mailbox = folder, mailbox
        self.receipts: dict[str, Receipt] = {}
        self.answers: dict[str, Message] = {}

    def play(self, step: str | list[str] | Json) -> None:
        """A mail, several mails at once, or something that happens (one word of HAPPENINGS per key)."""
        if isinstance(step, dict):
            known = [word for word in step if word in HAPPENINGS]
            assert known, step
            for word in known:
                HAPPENINGS[word](self, step)
            return
        names = [step] if isinstance(step, str) else step
        found = receive(self.mailbox, *(self.raw(name) for name in names))
        self.receipts |= dict(zip(names, found, strict=True))

    def raw(self, name: str) -> bytes:
        text = (self.folder / f"{name}.eml").read_bytes().decode()
        return PLACEHOLDER.sub(self.value, text).replace("\n", "\r\n").encode()

    def value(self, match: re.Match[str]) -> str:
        what, name = match.groups()
        if what in {"id", "ID"}:
            message_id = self.answers[name].message_id
            return message_id.upper() if what == "ID" else message_id
        number = self.receipts[name].ticket.number  # type: ignore[union-attr]
        wrong = str((int(number[-1]) + 1) % 10)
        return number if what == "number" else number[:-1] + wrong

    def ticket(self, name: str) -> Ticket:
        receipt = Receipt.objects.select_related("ticket").get(pk=self.receipts[name].pk)
        assert receipt.ticket is not None
        return receipt.ticket

    def answer(self, step: Json) -> None:
        by = Agent.objects.get(email=f"{step.get('by', 'bob')}@example.org")
        what = Answer(to=(step.get("to", "ann@customer.example"),), text="We look into it.")
        ticket = self.ticket(step["answer"])
        ticket.queue.members.add(by)  # who answers works there
        self.answers[step["name"]] = answer(ticket, what, by=by)

    def merge(self, step: Json) -> None:
        merge(self.ticket(step["merge"]), self.ticket(step["into"]), by=Agent.objects.earliest("pk"))

    def split(self, step: Json) -> None:
        message = Receipt.objects.get(pk=self.receipts[step["split"]].pk).message
        assert message is not None
        split_off([message], by=Agent.objects.earliest("pk"))

    def status(self, step: Json) -> None:
        set_status(self.ticket(step["of"]), Status.objects.get(key=step["status"]), by=Agent.objects.earliest("pk"))

    def release(self, step: Json) -> None:
        assert release([self.receipts[step["release"]]], queue=None) == 1
        process_due("test:1:x")

    def check_outcome(self, step: Json) -> None:
        assert self.receipts[step["outcome"]].outcome == step["is"]

    def hours_later(self, step: Json) -> None:
        """Everything that has happened was so long ago."""
        span = timedelta(hours=step["hours_later"])
        Message.objects.update(created_at=F("created_at") - span)

    def external(self, step: Json) -> None:
        found = step["external"]
        key = CustomField.objects.create(key=found["field"], label=found["name"])
        ExternalNumber.objects.create(name=found["name"], sender=found["sender"], number=found["number"], field=key)

    def set_mailbox(self, step: Json) -> None:
        Mailbox.objects.filter(pk=self.mailbox.pk).update(**step["mailbox"])

    def group(self, step: Json) -> None:
        for email, hours in step["grouping"].items():
            assert Address.objects.filter(email=email).update(grouping_hours=hours) == 1

    def exclude(self, step: Json) -> None:
        GroupingExclusion.objects.bulk_create(GroupingExclusion(sender=sender) for sender in step["ungrouped"])

    def organisation(self, step: Json) -> None:
        Organisation.objects.create(name="Customer plc").domains.create(domain=step["organisation"])


HAPPENINGS: dict[str, Callable[[Stage, Json], None]] = {
    "answer": Stage.answer,
    "merge": Stage.merge,
    "split": Stage.split,
    "status": Stage.status,
    "release": Stage.release,
    "outcome": Stage.check_outcome,
    "hours_later": Stage.hours_later,
    "external": Stage.external,
    "mailbox": Stage.set_mailbox,
    "grouping": Stage.group,
    "ungrouped": Stage.exclude,
    "organisation": Stage.organisation,
    "options": lambda _stage, step: set_option(**step["options"]),
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_conversation_lands_where_it_belongs(
    folder: Path, mailbox: Mailbox, support: Queue, sales: Queue, bob: Agent, cas: Agent, channel: Channel
) -> None:
    mails = sorted(path.stem for path in folder.glob("*.eml"))
    script = folder / "steps.json"
    stage = Stage(folder, mailbox)
    for step in json.loads(script.read_text()) if script.exists() else mails:
        stage.play(step)
    expected = json.loads((folder / "expected.json").read_text())
    assert [row["mail"] for row in expected] == mails == sorted(stage.receipts)
    letters: dict[int, str] = {}
    for ticket in Ticket.objects.order_by("pk"):
        letters[ticket.pk] = chr(ord("A") + len(letters))
    found = [described(Receipt.objects.get(pk=stage.receipts[row["mail"]].pk), row, letters) for row in expected]
    assert found == expected


def described(receipt: Receipt, row: Json, letters: dict[int, str]) -> Json:
    """The row as it is: every word of it looked up. "because" must be among the reasons."""
    said = [entry[1] for entry in receipt.trace.entries]
    message_ticket = receipt.message.ticket if receipt.message else receipt.ticket
    known: dict[str, Callable[[], Any]] = {
        "mail": lambda: row["mail"],
        "ticket": lambda: letters[message_ticket.pk] if message_ticket else None,
        "first_on": lambda: letters[receipt.message.moved_from_id],  # type: ignore[union-attr, index]
        "outcome": lambda: receipt.outcome,
        "because": lambda: row["because"] if row["because"] in said else said,
        "joins": lambda: "joins_as_participant" in said,
        "customer": lambda: message_ticket.customer.addresses.get().email,  # type: ignore[union-attr]
        "author": lambda: receipt.message.author_kind,  # type: ignore[union-attr]
        "internal": lambda: receipt.message.is_internal,  # type: ignore[union-attr]
        "status": lambda: message_ticket.status.key,  # type: ignore[union-attr]
        "priority": lambda: message_ticket.priority_id,  # type: ignore[union-attr]
        "assignee": lambda: message_ticket.assignee.email,  # type: ignore[union-attr]
        "tags": lambda: sorted(message_ticket.tags.values_list("name", flat=True)),  # type: ignore[union-attr]
        "fields": lambda: message_ticket.fields,  # type: ignore[union-attr]
        "mails": lambda: [[m.kind, m.recipients] for m in AutomaticMail.objects.filter(trigger=receipt.message)],
        "links": lambda: {
            letters[link.origin_id]: link.kind for link in TicketLink.objects.filter(ticket=message_ticket)
        },
    }
    return {word: known[word]() for word in row}


def test_a_rule_that_names_two_tickets_says_which_others_there_are(mailbox: Mailbox, support: Queue) -> None:
    stage = Stage(next(folder for folder in FOLDERS if folder.name.endswith("two-tickets-in-references")), mailbox)
    for name in ("01", "02", "03"):
        stage.play(name)
    assert parameters(stage.receipts["03"], "also_refers_to") == [{"list": stage.ticket("01").number}]

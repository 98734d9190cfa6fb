"""A dry run tells what will happen: explain() before equals what processing then does, reasons and effects (promise 3).

Real mails of the shared corpora, with answers to earlier ones in between, a desk full of rules, in an order that the
seed decides. The seed is printed; POSTVAK_TEST_SEED repeats a run, POSTVAK_TEST_MAILS makes it longer.
"""

import json
import os
import random
import warnings
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from postvak.mail.parse import parse
from postvak.models import (
    Address,
    Agent,
    AutomaticMail,
    Customer,
    CustomField,
    ExternalNumber,
    Filter,
    Mailbox,
    Message,
    Options,
    Participant,
    Queue,
    Receipt,
    Status,
    Ticket,
    TicketLink,
    TicketType,
)
from postvak.process.plan import Facts, Plan
from postvak.process.plan_json import plan_as_json
from postvak.process.run import explain, process_due
from postvak.receive.accept import Arrived, accept
from tests.mail import corpora
from tests.mails import mail
from tests.process.arrivals import condition, make_filter, set_option

pytestmark = pytest.mark.django_db
MAILS = int(os.environ.get("POSTVAK_TEST_MAILS", "60"))
LARGEST = 300_000


@pytest.fixture
def seed() -> int:
    found = int(os.environ.get("POSTVAK_TEST_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"POSTVAK_TEST_SEED={found}")
    return found


@pytest.fixture
def real_mails(seed: int) -> list[bytes]:
    if corpora.CORPORA is None:
        assert not os.environ.get("CI"), "CI must have the corpora; set POSTVAK_CORPORA."
        warnings.warn("The corpora of real mails are not here; set POSTVAK_CORPORA to their folder.", stacklevel=1)
        pytest.skip("no corpora: set POSTVAK_CORPORA")
    files = sorted(path for path in corpora.CORPORA.glob("*/mails/*") if path.stat().st_size < LARGEST)
    return [path.read_bytes() for path in random.Random(seed).sample(files, min(MAILS, len(files)))]


@pytest.fixture
def desk(mailbox: Mailbox, support: Queue, sales: Queue, bob: Agent, cas: Agent) -> None:
    """Everything switched on that decisions know."""
    Mailbox.objects.update(is_trusted=True, agents_mail="answer", agents_commands=True, queue=None)
    Queue.objects.filter(pk=support.pk).update(follow_up="new_ticket", follow_up_days=30, commands_need_dmarc=False)
    Queue.objects.filter(pk=sales.pk).update(follow_up="reject")
    Address.objects.update(grouping_hours=24)
    set_option(number_in_body=True, number_in_attachments=True, unmatched_report="new_ticket")
    TicketType.objects.create(name="Incident")
    machine = CustomField.objects.create(key="Machine", label="Machine")
    ExternalNumber.objects.create(name="Numbers", sender=".", number=r"\b([A-Z]{2,4}-[0-9]+)\b", field=machine)
    make_rules()


def make_rules() -> None:
    make_filter("1 all", ("add_tags", "{from_domain}, all"), ("note", "From {from}, at {date}"))
    make_filter(
        "2 words",
        ("priority", "5", "both"),
        ("title", "[***]!", "both"),
        when=[condition("subject", "matches", r"(\w{4,})")],
    )
    make_filter("3 files", ("field:machine", "{none}x", "both"), when=[condition("attachment_count", "above", "0")])
    make_filter("4 html", ("queue", "Sales", "both"), when=[condition("html", "contains", "<table")])
    make_filter(
        "5 lists", ("ignore", ""), when=[condition("kind", "equals", "bulk"), condition("subject", "contains", "a")]
    )
    make_filter("6 hold", ("hold", "{subject}"), when=[condition("reply", "matches", r"\bx[a-z]+\b")])
    make_filter("7 reject", ("reject", "No"), when=[condition("from.address", "matches", "^[c-e]")])
    make_filter(
        "8 forward",
        ("forward", "boss@elsewhere.example"),
        ("no_automatic_mail", ""),
        when=[condition("language", "equals", "de")],
        stop=True,
    )
    make_filter(
        "9 closed",
        ("status", "closed", "both"),
        ("spam", ""),
        when=[condition("body", "contains", "the"), condition("follow_up", "is", "yes")],
    )


def arrivals(real: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Real mails, and after some of them an answer, a copy, a bounce-like machine, or a stranger with the number."""
    for number, raw in enumerate(real):
        yield raw
        handled = list(Receipt.objects.exclude(ticket=None).order_by("pk"))
        if not handled or chance.random() < 0.4:
            continue
        known = chance.choice(handled)
        if chance.random() < 0.2:
            Ticket.objects.filter(pk=known.ticket_id).update(status=Status.objects.get(key="closed"), is_open=False)
        yield chance.choice([answer, with_number, again])(known, number, chance)


def answer(known: Receipt, number: int, chance: random.Random) -> bytes:
    senders = ["ann@customer.example", "bob@example.org", known.author_email or "x@y.example", "news@lists.example"]
    extra = [
        {},
        {"auto_submitted": "auto-replied"},
        {"X-OTOBO-FollowUp-State": "open"},
        {"X-OTRS-Priority": "1"},
        {"list_id": "<x>"},
    ]
    return mail(
        sender=chance.choice(senders),
        message_id=f"answer{number}@x.example",
        in_reply_to=f"<{known.message_id_header}>",
        text=chance.choice(["#close\n#tag done\nThanks", f"Again {number}"]),
        **chance.choice(extra),
    )


def with_number(known: Receipt, number: int, chance: random.Random) -> bytes:
    assert known.ticket is not None
    sender = chance.choice([known.author_email or "x@y.example", "eve@evil.example"])
    return mail(
        sender=sender, message_id=f"number{number}@x.example", subject=f"AW: [#{known.ticket.number}] AB-{number % 5}"
    )


def again(known: Receipt, number: int, chance: random.Random) -> bytes:
    return mail(
        sender="ann@customer.example",
        to=chance.choice(["support@example.org", "sales@example.org"]),
        message_id=f"again{number}@x.example",
        text=f"{number}",
        subject="Again",
    )


def test_what_the_dry_run_says_is_what_happens(
    mailbox: Mailbox, desk: None, seed: int, real_mails: list[bytes]
) -> None:
    mailbox.refresh_from_db()
    outcomes: dict[str, int] = {}
    for number, raw in enumerate(arrivals(real_mails, random.Random(seed))):
        (receipt,) = accept(mailbox, [Arrived(f"dry/{number}", raw)])
        receipt = Receipt.objects.select_related("mailbox").get(pk=receipt.pk)
        with CaptureQueriesContext(connection) as queries:
            facts, plan = explain(raw, receipt)
        assert not any(query["sql"].startswith(("INSERT", "UPDATE", "DELETE", "REPLACE")) for query in queries)
        before = counts()
        process_due("test:1:x")
        check(facts, plan, Receipt.objects.get(pk=receipt.pk), before)
        outcomes[str(plan.outcome)] = outcomes.get(str(plan.outcome), 0) + 1
    print(outcomes)
    assert {"new_ticket", "follow_up"} <= set(outcomes)


def counts() -> dict[str, int]:
    models = (Ticket, Message, Customer, Participant, AutomaticMail, TicketLink)
    return {model.__name__: model.objects.count() for model in models} | {
        "hits": sum(Filter.objects.values_list("hits", flat=True))
    }


def check(facts: Facts, plan: Plan, receipt: Receipt, before: dict[str, int]) -> None:
    assert receipt.state == "done"
    assert json.loads(json.dumps([r.as_json() for r in plan.reasons])) == receipt.trace.entries
    assert receipt.outcome == str(plan.outcome) == plan_as_json(facts, plan)["outcome"]
    grown = {name: count - before[name] for name, count in counts().items()}
    assert grown == {
        "Ticket": int(plan.new_ticket is not None),
        "Message": int(plan.writes_message) * (1 + len(plan.attributes.notes)),
        "Customer": int(plan.creates_customer and plan.writes_message),
        "Participant": int(plan.joins_as_participant and receipt.outcome != "rejected"),
        "AutomaticMail": len(plan.mails) + len(plan.stopped),
        "TicketLink": len({link.origin_id for link in plan.links}) if plan.new_ticket else 0,
        "hits": len(plan.hits),
    }
    if plan.writes_message:
        check_ticket(plan, receipt)


def check_ticket(plan: Plan, receipt: Receipt) -> None:
    ticket, message, wished = receipt.ticket, receipt.message, plan.attributes
    assert ticket is not None
    assert message is not None
    assert plan.ticket is None or plan.ticket.number == ticket.number
    assert message.ticket == ticket
    assert message.is_internal == bool(wished.is_internal)
    assert (message.agent_id is not None) == (plan.agent is not None)
    expected = {
        "queue_id": plan.new_ticket.queue_id if plan.new_ticket else wished.queue_id,
        "priority_id": wished.priority,
        "type_id": wished.type_id,
        "assignee_id": wished.assignee_id,
        "subject": wished.title,
        "reply_address_id": plan.new_ticket.reply_address_id if plan.new_ticket else None,
    }
    assert {name: getattr(ticket, name) for name, value in expected.items() if value is not None} == {
        name: value for name, value in expected.items() if value is not None
    }
    status = wished.status_key or ("open" if plan.reopens else plan.new_ticket.status_key if plan.new_ticket else None)
    assert status in {None, ticket.status.key}
    assert ticket.is_spam >= wished.is_spam
    assert set(wished.add_tags) - {tag.casefold() for tag in wished.remove_tags} <= set(
        ticket.tags.values_list("name", flat=True)
    ) | {tag for tag in wished.add_tags if not tag.islower()}
    assert {key: list(value) for key, value in wished.fields.items()}.items() <= ticket.fields.items()
    mails = [(row.kind, tuple(row.recipients), row.text) for row in message.caused.order_by("pk")]
    assert mails == [(one.kind, one.recipients, one.text) for one in (*plan.mails, *plan.stopped)]


def test_a_dry_run_on_a_mail_that_never_came_writes_nothing(mailbox: Mailbox, desk: None) -> None:
    before = counts(), Options.objects.values().get()
    receipt = Receipt(mailbox=mailbox, source="x", size=10, received_at=Filter.objects.latest("id").changed_at)
    _facts, plan = explain(mail(), receipt)
    assert plan.outcome == "new_ticket"
    assert (counts(), Options.objects.values().get()) == before


@pytest.mark.parametrize("groups", [True, False])
def test_mails_that_come_at_once_end_like_mails_that_come_one_by_one(
    mailbox: Mailbox, desk: None, real_mails: list[bytes], groups: bool
) -> None:
    if not groups:
        Address.objects.update(grouping_hours=None)
        ExternalNumber.objects.update(is_valid=False)
    raws = list(conversation(real_mails))
    ends = []
    for at_once in (1, len(raws)):
        with transaction.atomic():
            for start in range(0, len(raws), at_once):
                batch = raws[start : start + at_once]
                accept(mailbox, [Arrived(f"{start + n}", raw) for n, raw in enumerate(batch)])
                while process_due("test:1:x"):
                    pass
            ends.append(endings())
            transaction.set_rollback(True)
    assert ends[0] == ends[1]


def conversation(real: list[bytes]) -> Iterator[bytes]:
    """Each real mail, then a mail of the same sender and an answer to it by somebody else, in a fixed order."""
    for number, raw in enumerate(real[:40]):
        yield raw
        known = parse(raw)
        sender = known.author.email if known.author else "x@y.example"
        yield mail(sender=sender, message_id=f"again{number}@x.example", subject=f"AB-{number}", text=f"Again {number}")
        answered = f"<{known.message_id}>" if known.message_id else f"<again{number}@x.example>"
        yield mail(
            sender="dave@other.example", message_id=f"d{number}@x.example", in_reply_to=answered, text=f"{number}"
        )


def endings() -> dict[str, tuple[object, ...]]:
    """What became of each mail: outcome, the first mail of its ticket, and how that ticket looks."""
    first = dict(
        Receipt.objects.exclude(ticket=None).order_by("-pk").values_list("ticket", "source")
    )  # the last one wins
    return {
        receipt.source: (
            receipt.outcome,
            first.get(receipt.ticket_id),
            receipt.ticket
            and (
                receipt.ticket.subject,
                receipt.ticket.queue_id,
                receipt.ticket.status.key,
                receipt.ticket.message_count,
                receipt.ticket.participants.count(),
                receipt.ticket.waiting_since is None,
            ),
        )
        for receipt in Receipt.objects.select_related("ticket__status")
    }

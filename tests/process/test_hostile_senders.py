"""What strangers could try: to pass for an agent, to get onto tickets, to make us write to others. Nothing of it works."""

from typing import Any

import pytest

from postvak.conditions.condition import Condition
from postvak.models import Agent, AutomaticMail, Customer, CustomerAddress, Mailbox, Queue, Receipt, Ticket
from postvak.process.filters.check import names, problems
from postvak.process.filters.draft import Action, Draft
from tests.mails import mail
from tests.process.arrivals import codes, make_filter, receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_confirmation")]

PASS = {"authentication_results": "mx.example.org; dmarc=pass header.from=example.org"}
EVIL_PASS = {"authentication_results": "mx.example.org; dmarc=pass header.from=evil.example"}
FAIL = {"authentication_results": "mx.example.org; dmarc=fail header.from=example.org"}
BOB = "Bob Baker <bob@example.org>"


@pytest.fixture
def relaying(mailbox: Mailbox, support: Queue) -> Mailbox:
    Mailbox.objects.update(receiving_host="mx.example.org", agents_mail="answer")
    return Mailbox.objects.get(pk=mailbox.pk)


def answer_of_bob(mailbox: Mailbox, **more: Any) -> Receipt:
    """A first mail of Ann, then one that claims to be Bob's answer."""
    receive(mailbox, mail())
    headers = {"sender": BOB, "message_id": "m2@example.org", "in_reply_to": "<m1@customer.example>", "text": "Done."}
    (receipt,) = receive(mailbox, mail(**{**headers, **more}))
    return receipt


def test_a_proven_agent_answers(relaying: Mailbox, bob: Agent) -> None:
    assert "agents_answer" in codes(answer_of_bob(relaying, **PASS))
    assert AutomaticMail.objects.get().recipients == ["ann@customer.example"]


@pytest.mark.parametrize(
    "forged",
    [
        EVIL_PASS,
        FAIL,
        {},
        {"sender": f"{BOB}, Eve <eve@evil.example>", **EVIL_PASS},
        {"sender": f"{BOB}\r\nFrom: Eve <eve@evil.example>", **PASS},
    ],
)
def test_an_agents_address_alone_answers_nobody(relaying: Mailbox, bob: Agent, forged: dict[str, str]) -> None:
    receipt = answer_of_bob(relaying, **forged)
    assert "agents_answer" not in codes(receipt)
    assert not AutomaticMail.objects.exists()


def test_at_a_forwarding_address_nobodys_check_is_believed(relaying: Mailbox, bob: Agent) -> None:
    open_to_all = Mailbox.objects.create(
        name="Open", kind="forward", receiving_host="mx.example.org", agents_mail="answer"
    )
    assert "agent_not_believed" in codes(answer_of_bob(open_to_all, **PASS))


@pytest.mark.parametrize("check", [{}, FAIL])
def test_a_mailbox_that_trusts_some_senders_believes_only_them(
    relaying: Mailbox, bob: Agent, check: dict[str, str]
) -> None:
    Mailbox.objects.update(is_trusted=True, trusted_senders="erp@company.example")
    relaying.refresh_from_db()
    assert "agent_not_believed" in codes(answer_of_bob(relaying, **check))


def test_a_trusted_mailbox_does_not_believe_what_failed_the_check(relaying: Mailbox, bob: Agent) -> None:
    Mailbox.objects.update(is_trusted=True)
    relaying.refresh_from_db()
    assert "agent_not_believed" in codes(answer_of_bob(relaying, **FAIL))


def test_an_agent_who_answers_all_has_answered(relaying: Mailbox, bob: Agent) -> None:
    receipt = answer_of_bob(relaying, to="support@example.org, Ann <ANN@customer.example>", **PASS)
    assert "answer_has_arrived" in codes(receipt)
    assert not AutomaticMail.objects.exists()
    assert Ticket.objects.get().status.key == "customer"


def test_an_answer_goes_to_the_address_that_the_customer_wrote_from_last(relaying: Mailbox, bob: Agent) -> None:
    ann = Customer.objects.create(name="Ann")
    for email in ("old@customer.example", "ann@customer.example"):
        CustomerAddress.objects.create(customer=ann, email=email)
    answer_of_bob(relaying, **PASS)
    assert AutomaticMail.objects.get().recipients == ["ann@customer.example"]


def test_an_agents_answer_is_not_rejected_by_a_filter(relaying: Mailbox, bob: Agent) -> None:
    receive(relaying, mail())
    make_filter("10", ("reject", "No"))
    headers = {"message_id": "m2@example.org", "in_reply_to": "<m1@customer.example>", **PASS}
    (receipt,) = receive(relaying, mail(sender=BOB, text="Done.", **headers))
    assert "agent_not_rejected" in codes(receipt)
    assert [row.kind for row in AutomaticMail.objects.all()] == ["relay"]


def test_a_forged_sender_joins_no_ticket_by_its_number(relaying: Mailbox) -> None:
    (first,) = receive(relaying, mail())
    assert first.ticket is not None
    (receipt,) = receive(
        relaying, mail(subject=f"[#{first.ticket.number}] now", message_id="m2@x.example", text="Pay there", **FAIL)
    )
    assert (receipt.outcome, "stranger_knows_number" in codes(receipt)) == ("new_ticket", True)


def test_a_forged_sender_is_not_grouped(relaying: Mailbox, support: Queue) -> None:
    support.addresses.update(grouping_hours=24)
    receive(relaying, mail())
    (receipt,) = receive(relaying, mail(message_id="m2@x.example", subject="Other", text="Pay there", **FAIL))
    assert receipt.outcome == "new_ticket"


def test_who_names_a_guessed_id_does_not_catch_the_mail_that_bears_it(mailbox: Mailbox, support: Queue) -> None:
    receive(
        mailbox, mail(sender="eve@evil.example", message_id="e1@evil.example", references="<order-1001@shop.example>")
    )
    (receipt,) = receive(mailbox, mail(sender="shop@shop.example", message_id="order-1001@shop.example", text="Order"))
    assert receipt.outcome == "new_ticket"


def test_a_mail_that_a_filter_takes_for_spam_is_not_answered(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("spam", ""), ("reject", "No"))
    (receipt,) = receive(mailbox, mail())
    assert (receipt.outcome, "refused_spam" in codes(receipt)) == ("rejected", True)
    assert [row.state for row in AutomaticMail.objects.all()] == ["skipped"]


def test_a_copy_of_an_ignored_mail_in_another_mailbox_is_decided_by_itself(mailbox: Mailbox, support: Queue) -> None:
    other = Mailbox.objects.create(name="Second", kind="http")
    make_filter("10", ("ignore", ""), mailboxes=[mailbox.name])
    (ignored,) = receive(mailbox, mail())
    (taken,) = receive(other, mail())
    (copy,) = receive(other, mail())
    assert [row.outcome for row in (ignored, taken, copy)] == ["ignored", "new_ticket", "duplicate"]
    assert copy.first == taken


def test_a_mail_does_not_choose_where_it_is_forwarded_to() -> None:
    draft = Draft("x", (Condition("subject", "matches", r"for (\S+)"),), (Action("forward", "[***]"),))
    assert [problem.part for problem in problems(draft, names())] == ["actions"]

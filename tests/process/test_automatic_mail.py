"""Rules of the message centre that mails set off: who is told, who is not, and what the trace says of it. Real mails, the whole way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from postvak.models import (
    Address,
    Agent,
    AutomaticMail,
    Blocked,
    Calendar,
    LoopBreak,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Receipt,
    Rule,
    RuleText,
    Status,
    Suppression,
    Ticket,
)
from postvak.notify.automatic import write_due
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.go_live import go_live
from tests.clock import Clock
from tests.mails import mail
from tests.process.arrivals import codes, make_filter, receive, said, set_option

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("channel")]
ANN = "ann@customer.example"


def written() -> list[tuple[str, list[str]]]:
    """Rules and recipients of the mails that went out."""
    while write_due("test:1:x"):
        pass
    rows = AutomaticMail.objects.filter(state="written", kind__in=["rule", "rejection"]).order_by("pk")
    return [(row.rule.key or row.rule.name if row.rule else "", list(row.recipients)) for row in rows]


def reasons() -> list[str]:
    return [row.reason for row in AutomaticMail.objects.filter(state="skipped").order_by("pk")]


def own_rule(trigger: str = "new_ticket", *recipients: str, **more: Any) -> Rule:
    rule = Rule.objects.create(
        name="Ours", trigger=trigger, recipients=list(recipients or ("requester",)), is_on=True, **more
    )
    RuleText.objects.create(rule=rule, html="<p>Hello from a rule of ours.</p>")
    return rule


# ---- who is told ------------------------------------------------------------


def test_a_new_customer_is_told_once_that_his_mail_has_come(mailbox: Mailbox, support: Queue) -> None:
    (receipt,) = receive(mailbox, mail())
    assert written() == [("confirmation", [ANN])]
    row = AutomaticMail.objects.get(kind="rule")
    assert (row.address, row.own_address, row.occasion) == (ANN, "support@example.org", f"message:{row.trigger_id}")
    assert "“Confirmation of a new ticket” goes to ann@customer.example" in said(receipt)
    receive(mailbox, mail())
    assert len(written()) == 1


def test_a_follow_up_is_not_confirmed_unless_its_rule_is_on(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    again = mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="And?")
    receive(mailbox, again)
    assert written() == [("confirmation", [ANN])]
    Rule.objects.filter(key="follow-up-confirmation").update(is_on=True)
    receive(mailbox, mail(message_id="m3@customer.example", in_reply_to="<m1@customer.example>", text="Well?"))
    assert written()[1:] == [("follow-up-confirmation", [ANN])]


def test_a_rule_that_is_off_sends_nothing_and_costs_nothing(
    mailbox: Mailbox, support: Queue, no_automatic_mail: None
) -> None:
    (receipt,) = receive(mailbox, mail())
    assert not AutomaticMail.objects.exists()
    assert not any(code.startswith(("rule_", "refused_")) for code in codes(receipt))


def test_a_ticket_instead_of_a_closed_one_is_told_by_its_own_rule_only(mailbox: Mailbox, support: Queue) -> None:
    Queue.objects.update(follow_up="new_ticket")
    receive(mailbox, mail())
    closed = Status.objects.get(key="closed")
    Ticket.objects.update(status=closed, is_open=False, closed_at=timezone.now())
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"))
    assert written() == [("confirmation", [ANN]), ("new-instead", [ANN])]


@pytest.mark.parametrize("is_on", [True, False])
def test_the_switch_of_the_rejection_decides_whether_it_goes_out(mailbox: Mailbox, support: Queue, is_on: bool) -> None:
    Rule.objects.filter(key="rejected").update(is_on=is_on)
    make_filter("10", ("reject", "We sell no lamps."))
    (receipt,) = receive(mailbox, mail())
    assert written() == ([("rejected", [ANN])] if is_on else [])
    assert ("rejection_off" in codes(receipt)) is not is_on
    if is_on:
        assert "We sell no lamps." in Message.objects.get(kind="outgoing").text


def test_a_rule_of_ones_own_writes_to_a_fixed_address_when_its_conditions_are_met(
    mailbox: Mailbox, support: Queue
) -> None:
    lamp = {"field": "mail.subject", "operator": "contains", "value": "lamp", "not": False}
    own_rule("new_ticket", "address:boss@elsewhere.example", conditions=[lamp])
    receive(mailbox, mail())
    (receipt,) = receive(mailbox, mail(message_id="m2@x.example", subject="A chair"))
    assert ("Ours", ["boss@elsewhere.example"]) in written()
    assert [to for name, to in written() if name == "Ours"] == [["boss@elsewhere.example"]]
    assert "“Ours” does not go out This condition is not met: subject of the mail contains “lamp”." in said(receipt)


CONDITIONS = [
    ("ticket.queue", "equals", "Support"),
    ("ticket.status", "equals", "new"),
    ("ticket.priority", "above", "3"),
    ("ticket.tag", "equals", "money"),
    ("ticket.subject", "contains", "lamp"),
    ("customer.email", "is_address", ANN),
    ("customer.domain", "equals", "customer.example"),
    ("mail.from", "in_domain", "customer.example"),
    ("mail.to", "is_address", "support@example.org"),
    ("mail.text", "contains", "flickers"),
    ("mail.kind", "equals", "personal"),
    ("mail.language", "equals", "en"),
    ("mail.mailbox", "equals", "Command line"),
    ("mail.address", "is_address", "support@example.org"),
    ("mail.attachment_count", "below", "1"),
    ("ticket.field:order", "empty", ""),
    ("time.business", "is", "no"),
]


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize(("field", "operator", "value"), CONDITIONS)
def test_conditions_look_at_mail_ticket_and_time(
    mailbox: Mailbox, support: Queue, field: str, operator: str, value: str, negated: bool
) -> None:
    Calendar.objects.create(name="Never")
    make_filter("10", ("priority", "4"), ("add_tags", "money"))
    own_rule(conditions=[{"field": field, "operator": operator, "value": value, "not": negated}])
    receive(mailbox, mail(text="Hello, the lamp flickers and I would like to know what we can do with it."))
    assert (("Ours", [ANN]) in written()) is not negated


def test_business_hours_without_a_calendar_are_neither_on_nor_off(mailbox: Mailbox, support: Queue) -> None:
    Rule.objects.filter(key="out-of-hours").update(is_on=True)
    (receipt,) = receive(mailbox, mail())
    assert written() == [("confirmation", [ANN])]
    assert "rule_unmet" in codes(receipt)


def test_a_rule_with_a_broken_condition_never_fires(mailbox: Mailbox, support: Queue) -> None:
    own_rule(conditions=[{"field": "mail.text", "operator": "matches", "value": "(", "not": True}])
    own_rule(conditions=["nonsense"])
    receive(mailbox, mail())
    assert written() == [("confirmation", [ANN])]


# ---- who is not told ------------------------------------------------------------

MACHINES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("refused_automatic", {"auto_submitted": "auto-replied"}, {}),
    ("refused_automatic", {"precedence": "bulk"}, {}),
    ("refused_automatic", {"list_id": "<lamps.example>"}, {}),
    ("refused_automatic", {"x_auto_response_suppress": "All"}, {}),
    ("refused_automatic", {"return_path": "<>"}, {}),
    ("refused_null_sender", {}, {"envelope_to": ("support@example.org",)}),
    ("refused_own_address", {"sender": "support@example.org"}, {}),
    ("refused_machine_address", {"sender": "no-reply@customer.example"}, {}),
    ("refused_machine_address", {"sender": "postmaster@customer.example"}, {}),
    ("refused_loop", {"x_postvak_loop": "support@other.example"}, {}),
    ("refused_old", {}, {"arrived_at": timezone.now() - timedelta(hours=25)}),
]


@pytest.mark.parametrize(("code", "headers", "arrived"), MACHINES)
def test_what_must_not_be_answered_is_not_and_the_trace_says_why(
    mailbox: Mailbox, support: Queue, code: str, headers: dict[str, Any], arrived: dict[str, Any]
) -> None:
    (receipt,) = receive(mailbox, mail(**headers), **arrived)
    assert receipt.outcome == "new_ticket"
    assert code in codes(receipt)
    assert (reasons(), written()) == ([code], [])


@pytest.mark.parametrize("pattern", [ANN, "@customer.example", "@example", "ann*", "*@cust*.example", "*"])
def test_the_block_list_knows_addresses_domains_and_patterns(mailbox: Mailbox, support: Queue, pattern: str) -> None:
    Blocked.objects.create(pattern=pattern, created_at=timezone.now())
    receive(mailbox, mail())
    receive(mailbox, mail(message_id="b@x.example", sender="bea@other.net"))
    assert reasons()[0] == "refused_blocked"
    assert written() == ([] if pattern == "*" else [("confirmation", ["bea@other.net"])])


def test_neither_suppressed_nor_spam_nor_forged_nor_silenced_mail_is_answered(mailbox: Mailbox, support: Queue) -> None:
    Suppression.objects.create(address=ANN, reason="bounced", since=timezone.now())
    receive(mailbox, mail())
    make_filter("10", ("spam", ""), when=[{"field": "subject", "operator": "contains", "value": "win"}])
    make_filter("20", ("no_automatic_mail", ""), when=[{"field": "subject", "operator": "contains", "value": "hush"}])
    receive(mailbox, mail(message_id="s@x.example", sender="bea@x.example", subject="You win"))
    receive(mailbox, mail(message_id="h@x.example", sender="bea@x.example", subject="hush"))
    Mailbox.objects.update(receiving_host="mx.example.org")
    forged = "mx.example.org; dmarc=fail header.from=x.example"
    receive(mailbox, mail(message_id="f@x.example", sender="bea@x.example", authentication_results=forged))
    assert reasons() == ["refused_suppressed", "refused_spam", "refused_silenced", "refused_forged"]
    assert written() == []


def test_a_mailbox_that_imports_or_answers_nothing_is_silent(mailbox: Mailbox, support: Queue) -> None:
    Mailbox.objects.update(answers_automatically=False)
    receive(mailbox, mail())
    Mailbox.objects.update(answers_automatically=True, imports_closed=True)
    receive(mailbox, mail(message_id="m2@x.example"))
    assert (reasons(), written()) == (["refused_mailbox", "refused_import"], [])


def test_what_came_while_the_mailbox_only_looked_is_never_answered(
    mailbox: Mailbox, support: Queue, clock: Clock
) -> None:
    Mailbox.objects.update(is_look_only=True)
    accept(mailbox, [Arrived("look/1", mail())])
    clock.advance(minutes=30)
    go_live(mailbox, start_at=None)
    while process_due("test:1:x"):
        pass
    assert Receipt.objects.get().outcome == "new_ticket"
    assert (reasons(), written()) == (["refused_looked_only"], [])
    receive(mailbox, mail(message_id="m2@x.example"))
    assert written() == [("confirmation", [ANN])]


def test_what_is_older_than_the_start_date_is_no_ticket_and_no_answer(mailbox: Mailbox, support: Queue) -> None:
    Mailbox.objects.update(start_at=timezone.now())
    receive(mailbox, mail(), arrived_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert not AutomaticMail.objects.exists()


def test_a_mail_that_lay_with_us_for_longer_than_a_day_is_not_answered(
    mailbox: Mailbox, support: Queue, clock: Clock
) -> None:
    accept(mailbox, [Arrived("old/1", mail())])
    clock.advance(hours=25)
    while process_due("test:1:x"):
        pass
    assert (reasons(), written()) == (["refused_old"], [])


def test_the_writer_asks_again(mailbox: Mailbox, support: Queue) -> None:
    before = timezone.now()
    for number in range(4):
        receive(mailbox, mail(message_id=f"w{number}@x.example", sender=f"p{number}@x.example"))
    rows = list(AutomaticMail.objects.order_by("pk"))
    Blocked.objects.create(pattern="p0@x.example", created_at=timezone.now())
    Suppression.objects.create(address="p1@x.example", reason="bounced", since=timezone.now())
    LoopBreak.objects.create(
        theirs="p2@x.example", code="refused_per_day", opened_at=before, last_at=timezone.now(), stopped=1
    )
    Ticket.objects.filter(pk=rows[3].ticket_id).update(status=Status.objects.get(key="trash"))
    assert written() == []
    assert reasons() == ["refused_blocked", "refused_suppressed", "refused_broken", "refused_trashed"]
    assert LoopBreak.objects.get().stopped == 2


def test_a_mail_of_a_rule_that_was_switched_off_meanwhile_stays_at_home(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    Rule.objects.update(is_on=False)
    assert (written(), reasons()) == ([], ["refused_rule_off"])


def test_the_mail_of_an_agent_on_a_ticket_confirms_nothing(mailbox: Mailbox, support: Queue, bob: Agent) -> None:
    Rule.objects.filter(key="follow-up-confirmation").update(is_on=True)
    Mailbox.objects.update(is_trusted=True)
    receive(mailbox, mail())
    receive(mailbox, mail(message_id="b@x.example", sender=bob.email, in_reply_to="<m1@customer.example>"))
    assert written() == [("confirmation", [ANN])]


# ---- limits ------------------------------------------------------------


def test_the_rule_has_a_limit_of_its_own(mailbox: Mailbox, support: Queue) -> None:
    Rule.objects.filter(key="confirmation").update(per_day=1)
    receive(mailbox, mail())
    receive(mailbox, mail(message_id="m2@x.example"))
    assert (len(written()), reasons()) == (1, ["refused_rule_limit"])


def test_once_for_a_ticket_means_once(mailbox: Mailbox, support: Queue) -> None:
    Rule.objects.filter(key="follow-up-confirmation").update(is_on=True, once="ticket")
    receive(mailbox, mail())
    for number in (2, 3):
        receive(mailbox, mail(message_id=f"m{number}@x.example", in_reply_to="<m1@customer.example>", text=str(number)))
    assert (len(written()), reasons()) == (2, ["refused_once"])


def test_many_mails_in_one_wave_don_t_outrun_the_limits(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, *(mail(message_id=f"n{i}@x.example", text=str(i)) for i in range(30)))
    assert len(written()) == 3
    opened = Receipt.objects.filter(outcome="new_ticket").count()
    assert (opened, Receipt.objects.filter(outcome="held").count()) == (20, 10)
    assert set(LoopBreak.objects.values_list("code", "ours", "theirs")) == {
        ("refused_per_pair", "support@example.org", ANN),
        ("held_loop", "", ANN),
    }


def test_the_twenty_first_new_ticket_of_an_hour_is_held_and_a_person_may_let_it_through(
    mailbox: Mailbox, support: Queue, clock: Clock
) -> None:
    set_option(tickets_per_hour=2)
    for number in range(3):
        receive(mailbox, mail(message_id=f"n{number}@x.example", text=str(number)))
    held = Receipt.objects.get(outcome="held")
    assert "Too many new tickets of ann@customer.example" in said(held)
    receive(mailbox, mail(message_id="f@x.example", in_reply_to="<n0@x.example>", text="A follow-up comes in."))
    assert Receipt.objects.latest("pk").outcome == "follow_up"
    Receipt.objects.filter(pk=held.pk).update(state="received", outcome="", is_released=True, next_attempt_at=clock.now)
    while process_due("test:1:x"):
        pass
    held.refresh_from_db()
    assert held.outcome == "new_ticket"
    clock.advance(minutes=61)
    (later,) = receive(mailbox, mail(message_id="later@x.example"))
    assert later.outcome == "new_ticket"


def test_what_lay_on_the_server_for_long_is_no_flood(mailbox: Mailbox, support: Queue) -> None:
    set_option(tickets_per_hour=1)
    old = timezone.now() - timedelta(hours=2)
    receipts = receive(mailbox, *(mail(message_id=f"o{i}@x.example", text=str(i)) for i in range(4)), arrived_at=old)
    assert {receipt.outcome for receipt in receipts} == {"new_ticket"}


def test_nothing_goes_twice_when_a_receipt_is_processed_again(mailbox: Mailbox, support: Queue) -> None:
    (receipt,) = receive(mailbox, mail())
    assert len(written()) == 1
    AutomaticMail.objects.filter(kind="rule").update(claimed_by="", claimed_until=None)
    assert len(written()) == 1
    assert OutgoingMail.objects.filter(message__isnull=False).count() == 1
    receive(mailbox, mail())
    assert len(written()) == 1
    assert Address.objects.count() == 1

"""The test bench of filters: what a draft would have changed, shown on stored mails without changing anything."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from postvak.blobs import store
from postvak.conditions.condition import Condition
from postvak.mail.parse import parse
from postvak.models import Address, Filter, GroupingExclusion, Mailbox, Queue, Receipt, Status, Ticket
from postvak.process.decide import decide
from postvak.process.filters.bench import Bench, try_draft, try_mail, usable
from postvak.process.filters.check import names, problems
from postvak.process.filters.doubts import warnings
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.replay import gather_again
from postvak.process.filters.store import draft_of, ordered_filters, save_filter
from postvak.process.incoming import Incoming
from tests.mails import mail
from tests.process.test_pipeline import receive

pytestmark = pytest.mark.django_db

INVOICE = Condition("subject", "contains", "invoice")
TO_SALES = Action("queue", "Sales")


def invoices(name: str = "10 Invoices", **changes: object) -> Draft:
    facts: dict[str, object] = {"conditions": (INVOICE,), "actions": (TO_SALES,), **changes}
    return Draft(name, **facts)  # type: ignore[arg-type]


def told(bench: Bench) -> list[tuple[str, list[tuple[str, str, str]]]]:
    return [(row.subject, [(c.label, c.before, c.after) for c in row.changes]) for row in bench.rows]


def all_rows() -> dict[str, list[dict[str, object]]]:
    """Every row of every table."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_app_config("postvak").get_models()
    }


# ---- what it says ------------------------------------------------------------


def test_it_shows_before_and_after_in_words(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    receive(mailbox, mail(subject="Invoice 1"), mail(message_id="m2@x.example", subject="Lamp"))
    bench = try_draft(invoices(actions=(TO_SALES, Action("priority", "4"), Action("add_tags", "money"))))
    assert told(bench) == [
        ("Invoice 1", [("Queue", "Support", "Sales"), ("Priority", "normal", "high"), ("Add tags", "", "money")])
    ]
    assert (bench.looked_at, bench.asked, bench.fired, bench.is_cut) == (2, 2, 1, False)


def test_a_filter_that_fires_and_changes_nothing_is_listed_as_such(
    mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    receive(mailbox, mail(subject="Invoice 1"))
    bench = try_draft(invoices(actions=(Action("queue", "Support"),)))
    assert (bench.fired, bench.changed, len(bench.same)) == (1, (), 1)


@pytest.mark.usefixtures("no_confirmation")
def test_an_ignored_mail_is_told_by_its_outcome_only(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail(subject="Invoice 1"))
    bench = try_draft(invoices(actions=(Action("ignore"),)))
    assert told(bench) == [("Invoice 1", [("Outcome", "ticket created", "ignored")])]


def test_a_changed_filter_is_compared_with_what_it_was(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    row = save_filter(invoices(), by=None)
    receive(mailbox, mail(subject="Invoice 1"), mail(message_id="m2@x.example", subject="Bill 2"))
    bench = try_draft(invoices(conditions=(Condition("subject", "contains", "bill"),)), row=row)
    assert told(bench) == [
        ("Bill 2", [("Queue", "Support", "Sales")]),
        ("Invoice 1", [("Queue", "Sales", "Support")]),
    ]
    assert [row.fired for row in bench.rows] == [True, False]


def test_the_draft_takes_its_alphabetical_place(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    save_filter(invoices("10 first", actions=(Action("queue", "Support"),), stop=True), by=None)
    receive(mailbox, mail(subject="Invoice 1"))
    assert try_draft(invoices("9 before it")).fired == 1
    assert try_draft(invoices("11 after it")).fired == 0
    assert try_draft(invoices("9 before it", stop=True)).changed[0].changes[0].after == "Sales"


def test_only_mails_of_its_mailboxes_count(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    other = Mailbox.objects.create(name="Other", kind="imap")
    receive(mailbox, mail(subject="Invoice 1"))
    assert try_draft(invoices(mailboxes=(other.name,))).rows == ()
    assert try_draft(invoices(mailboxes=(mailbox.name,))).fired == 1


def test_follow_ups_are_told_by_their_tickets_queue(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    receive(mailbox, mail(), mail(message_id="m2@x.example", in_reply_to="<m1@customer.example>", subject="invoice"))
    bench = try_draft(invoices(actions=(Action("queue", "Sales", on="both"), Action("status", "closed", "both"))))
    assert told(bench) == [("invoice", [("Queue", "Support", "Sales"), ("Status", "new", "closed")])]


def test_mails_that_it_just_misses_are_named_with_the_condition(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    draft = invoices(conditions=(INVOICE, Condition("body", "contains", "please"), Condition("kind", "equals", "bulk")))
    receive(
        mailbox,
        mail(subject="Invoice, please", text="please"),
        mail(message_id="m2@x.example", subject="Invoice"),  # two conditions are not true
        mail(message_id="m3@x.example", subject="Invoice", text="please", list_id="<x.example>"),
        mail(subject="Invoice, please", text="please"),  # a copy: no filter sees it
    )
    bench = try_draft(draft)
    assert [(row.subject, row.lacks) for row in bench.near] == [("Invoice, please", 2)]
    assert [(row.subject, row.lacks) for row in bench.rows] == [("Invoice", None)]
    save_filter(invoices("01 stop", conditions=(Condition("subject", "contains", "please"),), stop=True), by=None)
    assert try_draft(draft).near == ()
    assert try_draft(invoices(conditions=draft.conditions, mailboxes=())).near == ()


def test_a_ticket_that_somebody_moved_elsewhere_is_a_question(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    receive(mailbox, mail(subject="Invoice 1"), mail(message_id="m2@x.example", subject="Invoice 2"))
    inbox = Queue.objects.get(is_default=True)
    Ticket.objects.filter(subject="Invoice 1").update(queue=inbox)
    assert [row.queue_now for row in try_draft(invoices()).rows] == ["", inbox.name]


def test_rows_that_are_wrong_are_left_out(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    broken = Condition("body", "matches", "(?=x)")
    draft = invoices(conditions=(broken, INVOICE), actions=(Action("queue", "Nowhere"), TO_SALES))
    left = usable(draft, problems(draft, names()))
    assert (left.conditions, left.actions) == ((INVOICE,), (TO_SALES,))


# ---- nothing is written, and it stays within bounds ----------------------------------------------------


def test_nothing_at_all_is_written(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    row = save_filter(invoices(), by=None)
    receive(mailbox, mail(subject="Invoice 1"), mail(subject="Invoice 1"), b"", mail(message_id="m3@x.example"))
    before = all_rows()
    draft = invoices(
        actions=(TO_SALES, Action("add_tags", "new one"), Action("note", "{from}"), Action("customer", "a@b.example"))
    )
    assert try_draft(draft, row=row).fired == 1
    assert try_draft(invoices("20 new")).fired == 1
    assert try_mail(draft, mail(subject="Invoice 9", message_id="m9@x.example"), mailbox=mailbox).fired
    assert all_rows() == before


def test_it_stops_when_the_time_is_over_and_says_so(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail(subject="Invoice 1"))
    bench = try_draft(invoices(), budget=timedelta(0))
    assert (bench.looked_at, bench.asked, bench.is_cut) == (0, 1, True)


def test_it_stops_when_nobody_waits_for_it_any_more(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, *(mail(message_id=f"n{n}@x.example", text=str(n)) for n in range(60)))
    answers = iter([True, False])
    assert try_draft(invoices(), is_wanted=lambda: next(answers)).looked_at == 50


def test_only_the_last_ones_are_looked_at_newest_first(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    receive(mailbox, *(mail(message_id=f"n{n}@x.example", subject=f"Invoice {n}", text=str(n)) for n in range(60)))
    bench = try_draft(invoices(), last=55)
    assert [row.subject for row in bench.rows] == [f"Invoice {n}" for n in range(59, 4, -1)]


def test_a_mail_whose_bytes_are_gone_is_counted_as_unreadable(
    mailbox: Mailbox, support: Queue, sales: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(mailbox, mail(subject="Invoice 1"), mail(message_id="m2@x.example", subject="Invoice 2"))
    lost = str(Receipt.objects.order_by("pk")[0].blob_id)
    find_all = store.find_all

    def without(digests: list[str]) -> dict[str, object]:
        return {**find_all(digests), lost: store.BlobMissing("gone")}

    monkeypatch.setattr(store, "find_all", without)
    bench = try_draft(invoices())
    assert ([row.subject for row in bench.rows], bench.unreadable, bench.is_cut) == (["Invoice 2"], 1, False)


# ---- before is what really happened ----------------------------------------------------------


def replayed() -> list[tuple[str, str]]:
    """(what happened, what the bench takes as before) of all stored mails."""
    receipts = list(Receipt.objects.select_related("mailbox", "first__ticket").order_by("pk"))
    raws = [store.get(str(receipt.blob_id)) for receipt in receipts]
    facts = gather_again([Incoming(r, parse(raw), raw) for r, raw in zip(receipts, raws, strict=True)])
    return [(receipt.outcome, str(decide(fact).outcome)) for receipt, fact in zip(receipts, facts, strict=True)]


def test_before_is_what_really_happened(mailbox: Mailbox, support: Queue) -> None:
    early = mail(message_id="a2@x.example", in_reply_to="<a1@x.example>", subject="Re: early", text="the answer")
    receive(mailbox, early)  # arrives before the mail that it answers
    receive(
        mailbox,
        mail(message_id="a1@x.example", subject="early", text="the question"),
        mail(),
        mail(),
        mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"),
        b"",
    )
    Ticket.objects.update(status=Status.objects.get(key="trash"), is_open=False)
    receive(mailbox, mail(message_id="m3@customer.example", in_reply_to="<m1@customer.example>", text="Hello?"))
    happened, shown = zip(*replayed(), strict=True)
    assert shown == happened
    assert set(happened) == {"new_ticket", "follow_up", "duplicate", "held", "new_ticket_instead"}


def test_mails_that_were_grouped_are_grouped_again_and_others_are_not(mailbox: Mailbox, support: Queue) -> None:
    Address.objects.update(grouping_hours=24)
    receive(mailbox, mail(), mail(message_id="m2@customer.example", subject="Another thing", text="Else"))
    GroupingExclusion.objects.create(sender="other.example")
    receive(mailbox, mail(message_id="m3@x.example", sender="x@other.example"))
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False)
    assert replayed() == [(o, o) for o in ("new_ticket", "grouped", "new_ticket")]


def test_a_policy_of_today_does_not_change_what_was(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail(), mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"))
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False, closed_at=timezone.now())
    Queue.objects.update(follow_up="reject")
    assert replayed() == [("new_ticket",) * 2, ("follow_up",) * 2]


def test_conditions_on_the_ticket_see_the_status_that_it_had(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False, closed_at=timezone.now())
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"))
    assert Ticket.objects.get().status.key == "open"
    closed = invoices(conditions=(Condition("ticket_status", "equals", "closed"),))
    assert [row.fired for row in try_draft(closed).rows] == [True]
    Queue.objects.update(follow_up="new_ticket")
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False)
    receive(mailbox, mail(message_id="m3@customer.example", in_reply_to="<m1@customer.example>", text="Again"))
    Ticket.objects.update(status=Status.objects.get(key="open"), is_open=True)
    assert replayed()[2] == ("new_ticket_instead", "new_ticket_instead")


def test_a_customer_was_unknown_when_he_wrote_first(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    receive(mailbox, mail(subject="First"), mail(message_id="m2@x.example", subject="Second"))
    unknown = invoices(conditions=(Condition("customer_known", "is", "no"),))
    receive(mailbox, mail(message_id="m3@x.example", subject="Third"))
    assert [row.subject for row in try_draft(unknown).rows] == ["Second", "First"]  # both came in one wave


# ---- one mail ------------------------------------------------------------


def test_a_pasted_mail_shows_its_trace_and_every_condition(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    draft = invoices(conditions=(INVOICE, Condition("from.domain", "equals", "shop.example")))
    trial = try_mail(draft, mail(subject="Invoice 7"), mailbox=mailbox)
    assert (trial.fired, trial.verdicts, trial.changes) == (False, (True, False), ())
    trial = try_mail(draft, mail(subject="Invoice 7", sender="a@shop.example"), mailbox=mailbox)
    assert (trial.fired, trial.verdicts) == (True, (True, True))
    new = [line.title for line, is_new in trial.lines if is_new]
    assert "Filter “10 Invoices” fires" in new
    assert "Queue “Sales”" in new
    assert "Read: a mail from a person" in [line.title for line, is_new in trial.lines if not is_new]


def test_a_pasted_mail_that_is_here_already_is_shown_as_if_it_came_first(
    mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    (receipt,) = receive(mailbox, mail(subject="Invoice 7"))
    trial = try_mail(invoices(), mail(subject="Invoice 7"), mailbox=mailbox)
    assert (trial.fired, trial.receipt_id) == (True, receipt.pk)
    assert [(c.label, c.before, c.after) for c in trial.changes] == [("Queue", "Support", "Sales")]


def test_it_says_which_earlier_filter_stops_and_whether_the_mailbox_fits(
    mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    save_filter(invoices("05 stop", actions=(), stop=True), by=None)
    other = Mailbox.objects.create(name="Other", kind="imap")
    trial = try_mail(invoices(mailboxes=(other.name,)), mail(subject="Invoice 7"), mailbox=mailbox)
    assert (trial.fired, trial.stopped_by, trial.in_scope) == (False, "05 stop", False)


# ---- doubts ------------------------------------------------------------


def doubts() -> dict[str, list[str]]:
    found = warnings(ordered_filters())
    return {row.name: list(found.get(row.pk, [])) for row in Filter.objects.all()}


STOP = invoices("10 stop", stop=True)
NARROWER = (INVOICE, Condition("from.domain", "equals", "shop.example"))
CONTROL = Condition("header:X-Postvak-Priority", "equals", "5")


@pytest.mark.parametrize(
    ("earlier", "later", "is_shadowed"),
    [
        (STOP, invoices("20 x"), True),
        (STOP, invoices("20 x", conditions=NARROWER), True),
        (STOP, invoices("20 x", conditions=NARROWER, match="any"), False),
        (STOP, invoices("20 x", match="any"), True),
        (STOP, invoices("05 before"), False),
        (STOP, invoices("20 x", conditions=(Condition("subject", "contains", "bill"),)), False),
        (invoices("10 goes on"), invoices("20 x"), False),
        (invoices("10 off", stop=True, valid=False), invoices("20 x"), False),
        (STOP, invoices("20 off", valid=False), False),
        (invoices("10 one", stop=True, conditions=NARROWER), invoices("20 x"), False),
        (invoices("10 any", stop=True, conditions=NARROWER, match="any"), invoices("20 x"), True),
        (invoices("10 here", stop=True, mailboxes=("Other",)), invoices("20 x"), False),
        (invoices("10 here", stop=True, mailboxes=("Other",)), invoices("20 x", mailboxes=("Other",)), True),
        (STOP, invoices("20 x", mailboxes=("Other",)), True),
        (invoices("10 set", stop=True, conditions=(CONTROL,)), invoices("20 x", conditions=(CONTROL,)), False),
        (STOP, invoices("20 x", conditions=(INVOICE, CONTROL)), True),
        (
            invoices("10 h", stop=True, conditions=(Condition("header:List-Id", "contains", "a"),)),
            invoices("20 x", conditions=(Condition("header:list-id", "contains", "a"),)),
            True,
        ),
    ],
)
def test_a_filter_that_can_never_fire_is_found_only_when_it_is_certain(
    sales: Queue, earlier: Draft, later: Draft, is_shadowed: bool
) -> None:
    Mailbox.objects.create(name="Other", kind="imap")
    save_filter(earlier, by=None)
    save_filter(later, by=None)
    assert any("can never fire" in text for text in doubts()[later.name]) == is_shadowed
    assert not doubts()[earlier.name]


@pytest.mark.parametrize(
    ("created", "hit", "is_silent"),
    [(91, None, True), (89, None, False), (91, 91, True), (91, 1, False)],
)
def test_a_filter_that_has_not_fired_for_90_days_is_named(
    sales: Queue, created: int, hit: int | None, is_silent: bool
) -> None:
    row = save_filter(invoices(), by=None)
    now = timezone.now()
    last_hit = now - timedelta(days=hit) if hit else None
    Filter.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=created), last_hit_at=last_hit)
    assert doubts()["10 Invoices"] == (["It has not fired for 90 days."] if is_silent else [])


def test_names_that_are_gone_are_named(sales: Queue) -> None:
    row = save_filter(invoices(), by=None)
    Queue.objects.filter(pk=sales.pk).update(name="Verkoop")
    assert doubts()["10 Invoices"] == ["There is no valid queue “Sales”."]
    assert draft_of(row).actions == (TO_SALES,)


def test_a_filter_that_nobody_can_read_does_not_break_the_list(sales: Queue) -> None:
    save_filter(invoices(), by=None)
    Filter.objects.update(conditions=[{"strange": 1}])
    assert "can't be read" in doubts()["10 Invoices"][0]

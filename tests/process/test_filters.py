"""Filters as they run: order, all or any, captures, stop, scope, chains, counts, and changes that count at once."""

from typing import Any

import pytest

from postvak.log.sentences import trace_line
from postvak.models import (
    Agent,
    CustomField,
    Filter,
    FilterVersion,
    Mailbox,
    Queue,
    Receipt,
    Status,
    Ticket,
    TicketType,
    Trace,
)
from postvak.process.filters import store
from postvak.process.filters.order import natural
from postvak.process.filters.store import delete_filter, draft_of, save_filter, undo
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail
from tests.process.arrivals import codes, condition, looks, make_filter, parameters, receive, set_option

pytestmark = pytest.mark.django_db


def arrive(mailbox: Mailbox, **headers: str) -> Ticket:
    number = Receipt.objects.count() + 1
    (receipt,) = receive(mailbox, mail(message_id=f"m{number}@customer.example", text=f"Text {number}", **headers))
    assert receipt.ticket is not None
    return receipt.ticket


def tags(ticket: Ticket) -> list[str]:
    return looks(ticket)["tags"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "names",
    [
        ["2 b", "10 a"],
        ["a", "B", "c"],
        ["a9b", "A10", "a11"],
        ["7", "007", "8"],
        ["9", "a", "ä"],
        ["1", "1 a", "1 b", "1.5", "2"],
        ["x", "²", "½"],
        ["Rule 2", "rule 3", "RULE 20"],
        ["", "0", "a"],
    ],
)
def test_the_order_is_natural_and_ignores_letter_case(names: list[str]) -> None:
    assert sorted(names, key=natural) == names
    assert sorted(reversed(names), key=natural) == names


def test_filters_run_in_the_natural_order_of_their_names(mailbox: Mailbox, support: Queue) -> None:
    for name in ("10 ten", "b last", "9 nine", "A first letter"):
        make_filter(name, ("title", name))
    ticket = arrive(mailbox)
    receipt = Receipt.objects.get()
    assert [one["filter"] for one in parameters(receipt, "filter_fired")] == [
        "9 nine", "10 ten", "A first letter", "b last",
    ]  # fmt: skip
    assert ticket.subject == "b last"


@pytest.mark.parametrize(
    ("match", "first", "second", "fires"),
    [("all", True, True, True), ("all", True, False, False), ("any", False, True, True), ("any", False, False, False)],
)
def test_all_or_any(mailbox: Mailbox, support: Queue, match: str, first: bool, second: bool, fires: bool) -> None:
    when = [
        condition("subject", "contains", "lamp" if first else "invoice"),
        condition("from", "in_domain", "customer.example" if second else "other.example"),
    ]
    make_filter("10", ("add_tags", "x"), when=when, match=match)
    assert tags(arrive(mailbox)) == (["x"] if fires else [])


def test_a_filter_that_stops_ends_the_filters_only_when_it_fires(mailbox: Mailbox, support: Queue) -> None:
    make_filter("1", ("add_tags", "one"), when=[condition("subject", "contains", "invoice")], stop=True)
    make_filter("2", ("add_tags", "two"), when=[condition("subject", "contains", "lamp")], stop=True)
    make_filter("3", ("add_tags", "three"))
    assert tags(arrive(mailbox)) == ["two"]
    assert codes(Receipt.objects.get()).count("filter_stopped") == 1
    assert tags(arrive(mailbox, subject="Else")) == ["three"]


def test_a_filter_may_only_stop(mailbox: Mailbox, support: Queue) -> None:
    make_filter("1", stop=True)
    make_filter("2", ("add_tags", "two"))
    assert tags(arrive(mailbox)) == []


def test_the_scope_is_the_mailbox_that_received(mailbox: Mailbox, support: Queue) -> None:
    other = Mailbox.objects.create(name="Other", kind="forward")
    make_filter("1", ("add_tags", "here"), mailboxes=[mailbox.name])
    make_filter("2", ("add_tags", "there"), mailboxes=["Other"])
    make_filter("3", ("add_tags", "everywhere"))
    assert tags(arrive(mailbox)) == ["everywhere", "here"]
    assert tags(arrive(other)) == ["everywhere", "there"]
    Mailbox.objects.filter(pk=other.pk).update(name="Renamed")
    other.refresh_from_db()
    assert tags(arrive(other)) == ["everywhere", "there"]


def test_the_count_of_filters_asked_leaves_out_those_of_other_mailboxes(mailbox: Mailbox, support: Queue) -> None:
    Mailbox.objects.create(name="Other", kind="forward")
    nothing = [condition("subject", "empty")]
    make_filter("1", ("add_tags", "x"), when=nothing, mailboxes=["Other"])
    arrive(mailbox)
    assert "no_filter_fired" not in codes(Receipt.objects.get())
    make_filter("2", ("add_tags", "x"), when=nothing)
    arrive(mailbox)
    assert parameters(Receipt.objects.latest("pk"), "no_filter_fired") == [{"count": 1, "filters": "2"}]


def test_the_trace_names_filters_that_were_asked_in_vain_but_none_that_a_stop_kept_from_being_asked(
    mailbox: Mailbox, support: Queue
) -> None:
    nothing = [condition("subject", "empty")]
    make_filter("1 newsletters", ("add_tags", "x"), when=nothing)
    make_filter("2 all", ("add_tags", "y"), stop=True)
    make_filter("3 invoices", ("add_tags", "z"), when=nothing)
    arrive(mailbox)
    receipt = Receipt.objects.get()
    assert parameters(receipt, "filters_not_fired") == [{"count": 1, "filters": "1 newsletters"}]
    entry = next(entry for entry in Trace.objects.get(receipt=receipt).entries if entry[1] == "filters_not_fired")
    assert trace_line(entry).folded == "“1 newsletters”"


def test_of_very_many_filters_the_trace_names_the_first_fifty_and_says_how_many_there_were(
    mailbox: Mailbox, support: Queue
) -> None:
    for number in range(53):
        make_filter(f"{number:03d}", ("add_tags", "x"), when=[condition("subject", "empty")])
    arrive(mailbox)
    [found] = parameters(Receipt.objects.get(), "no_filter_fired")
    assert found["count"] == 53
    assert found["filters"].split("\n") == [*(f"{number:03d}" for number in range(50)), "…"]


def test_later_filters_see_what_earlier_ones_set_and_replace_it(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    make_filter("1", ("queue", "Support"), ("priority", "2"))
    make_filter("2", ("queue", "Sales"), when=[condition("header:X-OTOBO-Queue", "equals", "support")])
    make_filter("3", ("add_tags", "seen"), when=[condition("header:X-Postvak-Queue", "equals", "Sales")])
    make_filter("4", ("add_tags", "stale"), when=[condition("header:X-Postvak-Queue", "equals", "Support")])
    ticket = arrive(mailbox)
    assert (ticket.queue, ticket.priority_id, tags(ticket)) == (sales, 2, ["seen"])


def test_tags_notes_and_followers_of_several_filters_add_up(
    mailbox: Mailbox, support: Queue, bob: Agent, cas: Agent
) -> None:
    make_filter("1", ("add_tags", "a, B"), ("note", "One"), ("follower", bob.email))
    make_filter("2", ("add_tags", "b, c"), ("remove_tags", "a"), ("visible_note", "Two"), ("follower", cas.email))
    ticket = arrive(mailbox)
    assert [tag.casefold() for tag in tags(ticket)] == ["a", "b", "c"]
    assert looks(ticket)["followers"] == [bob.email, cas.email]
    notes = ticket.messages.filter(kind="note").values_list("text", "is_internal")
    assert list(notes) == [("One", True), ("Two", False)]
    assert ticket.message_count == 3


CAPTURES = [
    # conditions, value, result
    ([("subject", "matches", r"order (\d+)")], "[***] and [***]", "4711 and 4711"),
    ([("subject", "matches", r"(order) (\d+)")], "[***]", "order"),
    ([("subject", "matches", r"(?P<no>\d+)")], r"[**\no**] {no} [***]", "4711 4711 4711"),
    ([("subject", "matches", r"order (\d+)"), ("body", "matches", r"number (\w+)")], "[***]", "K7"),
    ([("body", "matches", r"number (\w+)"), ("subject", "matches", r"order (\d+)")], "[***]", "4711"),
    ([("subject", "matches", r"order (\d+)"), ("body", "contains", "number")], "[***]", "4711"),
    ([("subject", "matches", r"(?P<a>order)"), ("body", "matches", r"(?P<b>K\d)")], r"{a} [**\b**]", "order K7"),
    ([("subject", "matches", r"order (\d+)|never (x)")], "[***]", "4711"),
    ([("subject", "matches", r"order (x)?")], "a[***]b", "ab"),
    ([("subject", "matches", "order")], r"a[***]{none}[**\none**]b", "ab"),
    ([("from", "is_address", "ann@customer.example")], "[***]", "ann@customer.example"),
    ([("from", "address_matches", r".*@(customer)\.example")], "[***] {email}", "ann@customer.example ann@customer.example"),
    ([("from", "in_domain", "customer.example")], "[***]", "ann@customer.example"),
    ([("subject", "contains", "order")], "{from} {from_name} {from_domain}", "ann@customer.example Ann Archer customer.example"),
    ([("subject", "contains", "order")], "{to} / {subject} / {message_id}", "support@example.org / My order 4711 {from} [***] / m1@customer.example"),
    ([("subject", "contains", "order")], "{mailbox}", "Command line"),
    ([("header:X-Two", "matches", r"(\d)")], "[***]", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("when", "value", "result"), CAPTURES)
def test_captures(mailbox: Mailbox, support: Queue, when: list[Any], value: str, result: str) -> None:
    """Captured text is text: placeholders in a mail are never filled."""
    make_filter("10", ("title", value), when=[condition(*one) for one in when])
    raw = mail(subject="My order 4711 {from} [***]", text="My number K7 is", x_two="a1")
    (receipt,) = receive(mailbox, raw.replace(b"X-Two", b"X-Two: b2\r\nX-Two").replace(b"X-Two: b2", b"X-Two: none"))
    assert receipt.ticket is not None
    assert receipt.ticket.subject == result


def test_a_negated_condition_and_one_that_doesnt_hold_give_no_capture(mailbox: Mailbox, support: Queue) -> None:
    when = [
        condition("subject", "matches", "the (lamp)"),
        condition("subject", "matches", "an (invoice)", negated=True),
        condition("subject", "matches", "a (chair)"),
    ]
    make_filter("10", ("title", "[***]"), when=when, match="any")
    assert arrive(mailbox).subject == "lamp"


def test_a_value_that_becomes_empty_sets_nothing_and_the_trace_says_so(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("title", "{nothing}"), ("add_tags", "x"))
    ticket = arrive(mailbox)
    assert (ticket.subject, tags(ticket)) == ("The lamp flickers", ["x"])
    assert parameters(Receipt.objects.get(), "filter_value_empty") == [{"filter": "10", "set": "title"}]


def test_a_captured_value_that_means_nothing_is_left_out_with_a_warning(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("queue", "{subject}"), ("priority", "{subject}"))
    ticket = arrive(mailbox)
    assert (ticket.queue, ticket.priority_id) == (support, 3)
    assert {"unknown_queue", "unknown_value"} <= set(codes(Receipt.objects.get()))


EFFECTS: list[tuple[str, str, dict[str, Any]]] = [
    ("queue", "Sales", {"queue": "Sales"}),
    ("status", "internal", {"status": "internal"}),
    ("priority", "high", {"priority": 4}),
    ("type", "incident", {"type": "Incident"}),
    ("assignee", "bob@example.org", {"assignee": "bob@example.org"}),
    ("follower", "bob@example.org", {"followers": ["bob@example.org"]}),
    ("add_tags", "a, b", {"tags": ["a", "b"]}),
    ("field:machine", "X7", {"fields": {"Machine": ["X7"]}}),
    ("title", "  A   title ", {"title": "A title"}),
    ("note", "Look", {"notes": ["Look"]}),
    ("visible_note", "Look", {"notes": ["Look"]}),
    ("internal", "", {"internal": True}),
    ("spam", "", {"spam": True}),
    ("trash", "", {"status": "trash"}),
    ("header:X-OTRS-FollowUp-Priority", "5", {"priority": 5}),
]


@pytest.mark.parametrize(("action", "value", "effect"), EFFECTS)
@pytest.mark.parametrize("on", ["new", "follow_up", "both"])
def test_actions_on_new_tickets_and_on_follow_ups(
    mailbox: Mailbox, support: Queue, sales: Queue, bob: Agent, action: str, value: str, effect: dict[str, Any], on: str
) -> None:
    CustomField.objects.create(key="Machine", label="Machine")
    TicketType.objects.create(name="Incident")
    make_filter("10", (action, value, on))
    for_follow_ups_only = action.startswith("header:")
    ticket = arrive(mailbox)
    plain = looks(ticket)
    got = {key: plain[key] for key in effect}
    assert (got == effect) == (on != "follow_up" and not for_follow_ups_only)
    if on == "follow_up" or for_follow_ups_only:
        receive(mailbox, mail(message_id="f@x.example", in_reply_to="<m1@customer.example>", text="And?"))
        assert {key: looks(ticket)[key] for key in effect} == effect


def test_an_action_applies_where_it_usually_does_when_nothing_is_said(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("add_tags", "x"), ("priority", "5"))
    ticket = arrive(mailbox)
    Ticket.objects.update(priority=3)
    ticket.tags.clear()
    receive(mailbox, mail(message_id="f@x.example", in_reply_to="<m1@customer.example>", text="And?"))
    assert (looks(ticket)["tags"], looks(ticket)["priority"]) == (["x"], 3)


def test_removing_tags_and_the_assignee_on_a_follow_up(mailbox: Mailbox, support: Queue, bob: Agent) -> None:
    make_filter("1", ("add_tags", "A, b", "new"), ("assignee", bob.email, "new"))
    make_filter("2", ("remove_tags", "a", "follow_up"), ("unassign", "", "follow_up"))
    ticket = arrive(mailbox)
    assert (tags(ticket), ticket.assignee) == (["A", "b"], bob)
    receive(mailbox, mail(message_id="f@x.example", in_reply_to="<m1@customer.example>", text="And?"))
    ticket.refresh_from_db()
    assert (tags(ticket), ticket.assignee) == (["b"], None)


def test_ignored_held_and_rejected_mails(mailbox: Mailbox, support: Queue) -> None:
    make_filter("1", ("ignore", ""), when=[condition("subject", "contains", "ignore")])
    make_filter("2", ("hold", "Look at {from}"), when=[condition("subject", "contains", "hold")])
    make_filter("3", ("reject", "No, {from_name}."), when=[condition("subject", "contains", "reject")])
    raws = [
        mail(message_id=f"{word}@x.example", subject=word, text=word) for word in ("ignore me", "hold me", "reject me")
    ]
    ignored, held, rejected = receive(mailbox, *raws)
    assert [ignored.outcome, held.outcome, rejected.outcome] == ["ignored", "held", "rejected"]
    assert parameters(held, "held_by_filter")[0]["reason"] == "Look at ann@customer.example"
    assert rejected.ticket is not None
    assert rejected.ticket.status.key == "closed"
    assert not rejected.ticket.is_unread
    (told,) = rejected.ticket.automatic_mails.all()
    assert (told.recipients, told.text) == (["ann@customer.example"], "No, Ann Archer.")


def test_a_follow_up_that_a_filter_rejects_stays_on_its_ticket_and_doesnt_reopen_it(
    mailbox: Mailbox, support: Queue
) -> None:
    ticket = arrive(mailbox)
    make_filter("3", ("reject", "No."))
    Ticket.objects.update(status=Status.objects.get(key="customer"))
    (receipt,) = receive(mailbox, mail(message_id="f@x.example", in_reply_to="<m1@customer.example>", text="And?"))
    ticket.refresh_from_db()
    assert (receipt.outcome, receipt.ticket, ticket.status.key) == ("rejected", ticket, "customer")


def test_hits_are_counted_for_every_mail_and_kept_by_dry_runs(mailbox: Mailbox, support: Queue) -> None:
    row = make_filter("10", ("add_tags", "x"))
    make_filter("20", ("add_tags", "y"), when=[condition("subject", "contains", "invoice")])
    for _ in range(3):
        arrive(mailbox)
    row.refresh_from_db()
    assert (row.hits, row.last_hit_at is not None) == (3, True)
    assert Filter.objects.get(name="20").hits == 0


def test_a_change_counts_for_the_next_mail(mailbox: Mailbox, support: Queue, bob: Agent) -> None:
    row = make_filter("10", ("add_tags", "old"))
    assert tags(arrive(mailbox)) == ["old"]
    changed = draft_of(row).as_json() | {"actions": [{"set": "add_tags", "value": "new"}]}
    save_filter(type(draft_of(row)).from_json(changed), by=bob, row=row)
    assert tags(arrive(mailbox)) == ["new"]
    undo(FilterVersion.objects.latest("id"), by=bob)
    assert tags(arrive(mailbox)) == ["old"]
    delete_filter(Filter.objects.get(), by=bob)
    assert tags(arrive(mailbox)) == []
    undo(FilterVersion.objects.latest("id"), by=bob)
    assert tags(arrive(mailbox)) == ["old"]


def test_an_invalid_filter_doesnt_run(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("add_tags", "x"), valid=False)
    assert tags(arrive(mailbox)) == []


def test_a_filter_that_cant_be_read_stops_no_mail(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("add_tags", "x"))
    row = make_filter("20", ("add_tags", "y"))
    for broken in (
        [{"wrong": 1}],
        [{"field": "subject", "operator": "matches", "value": "("}],
        [{"field": "a", "operator": "b"}],
    ):
        Filter.objects.filter(pk=row.pk).update(conditions=broken)
        FilterVersion.objects.create(at=FilterVersion.objects.latest("id").at)
        assert tags(arrive(mailbox)) == ["x"]


def test_compiled_filters_are_kept_until_something_changes(
    mailbox: Mailbox, support: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_filter("10", ("add_tags", "x"))
    arrive(mailbox)
    compiled = []
    real = store.compile_row
    monkeypatch.setattr(store, "compile_row", lambda row: compiled.append(row.name) or real(row))
    arrive(mailbox)
    assert compiled == []
    make_filter("20", ("add_tags", "y"))
    arrive(mailbox)
    assert compiled == ["10", "20"]


def test_a_name_that_is_a_strange_number_stops_no_mail(mailbox: Mailbox, support: Queue) -> None:
    make_filter("²", ("add_tags", "x"))
    assert tags(arrive(mailbox)) == ["x"]


def test_a_hook_doesnt_hide_the_ticket_from_filters(mailbox: Mailbox, support: Queue) -> None:
    set_option(hook="Case ")
    ticket = arrive(mailbox)
    make_filter("10", ("add_tags", "again", "follow_up"), when=[condition("follow_up", "is", "yes")])
    receive(mailbox, mail(message_id="f@x.example", subject=f"Re: [Case {ticket.number}]"))
    assert tags(ticket) == ["again"]


def test_the_same_batch_is_filtered_mail_by_mail(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("add_tags", "{subject}"))
    accept(mailbox, [Arrived(f"b/{n}", mail(message_id=f"b{n}@x.example", subject=f"s{n}")) for n in range(5)])
    process_due("test:1:x")
    assert sorted(tag for ticket in Ticket.objects.all() for tag in tags(ticket)) == [f"s{n}" for n in range(5)]

"""Tags, type, custom fields, subject, spam, reminder, followers: each change with its line of history."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.log.sentences import history_line
from postvak.models import Agent, CustomField, Status, Tag, Ticket, TicketType
from postvak.tickets.change import set_status
from postvak.tickets.fields import WrongValues, set_fields
from postvak.tickets.properties import set_following, set_pending, set_spam, set_title, set_type
from postvak.tickets.tags import add_tags, remove_tag, set_tags, words
from postvak.web.desk.lists import tickets_in
from tests.clock import Clock
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(receive: Receive) -> Ticket:
    return receive(subject="Lamp")


def said(ticket: Ticket) -> list[str]:
    """What people did, in words."""
    return [history_line(row.code, row.parameters) for row in ticket.history.exclude(agent=None)]


def tags(ticket: Ticket) -> list[str]:
    return sorted(ticket.tags.values_list("name", flat=True))


# ---- tags ------------------------------------------------------------


def test_a_new_word_becomes_a_tag_and_a_known_one_keeps_its_letters(ticket: Ticket, bob: Agent) -> None:
    Tag.objects.create(name="VIP")
    Tag.objects.create(name="Ärger")
    add_tags(ticket, ["vip", "ärger", "new", "New"], by=bob)
    assert tags(ticket) == ["VIP", "new", "Ärger"]
    assert Tag.objects.count() == 3
    assert said(ticket) == ["Tags added: VIP, Ärger, new"]


def test_tags_are_written_with_commas_between_them() -> None:
    assert words(" urgent ,  two   words,URGENT,, ") == ["URGENT", "two words"]
    assert words("x" * 99) == ["x" * 60]


def test_setting_tags_takes_the_others_off(ticket: Ticket, bob: Agent) -> None:
    set_tags(ticket, ["a", "b"], by=bob)
    set_tags(ticket, ["B", "c"], by=bob)
    assert tags(ticket) == ["b", "c"]
    assert said(ticket) == ["Tags added: a, b", "Tags removed: a", "Tags added: c"]


def test_what_is_there_or_gone_already_changes_nothing(ticket: Ticket, bob: Agent) -> None:
    set_tags(ticket, ["a"], by=bob)
    changed_at = ticket.changed_at
    add_tags(ticket, ["A"], by=bob)
    remove_tag(ticket, Tag.objects.create(name="other"), by=bob)
    assert (said(ticket), ticket.changed_at) == (["Tags added: a"], changed_at)


# ---- custom fields ------------------------------------------------------------


def field(kind: str, **more: object) -> CustomField:
    return CustomField.objects.create(key=f"k_{kind}", label=kind.title(), kind=kind, **more)


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("text", ["  any text "], ["any text"]),
        ("text", ["", " "], []),
        ("number", ["12,5"], ["12.5"]),
        ("number", ["-3"], ["-3"]),
        ("date", ["2026-11-21"], ["2026-11-21"]),
        ("date", ["2026-11-21 18:00"], ["2026-11-21"]),
        ("checkbox", ["1"], ["1"]),
        ("checkbox", ["Yes"], ["1"]),
        ("choice", ["RED"], ["red"]),
        ("choice", ["red"], ["red"]),
        ("choices", ["red", "blue", "red"], ["red", "blue"]),
    ],
)
def test_a_value_that_fits_is_kept_as_text(
    ticket: Ticket, bob: Agent, kind: str, typed: list[str], kept: list[str]
) -> None:
    set_fields(ticket, {field(kind, options="red\nblue"): typed}, by=bob)
    assert Ticket.objects.get().fields == ({f"k_{kind}": kept} if kept else {})


@pytest.mark.parametrize(
    ("kind", "typed", "why"),
    [
        ("number", ["twelve"], "no number"),
        ("number", ["1,2,3"], "no number"),
        ("number", ["٣"], "no number"),
        ("date", ["21.11.2026"], "no date"),
        ("date", ["2026-02-30"], "no date"),
        ("date", ["2026-11-21 garbage"], "no date"),
        ("checkbox", ["maybe"], "yes or no"),
        ("choice", ["green"], "none of the values"),
        ("choice", ["red", "blue"], "Only one value"),
        ("choices", ["red", "green"], "none of the values"),
        ("text", ["x" * 2001], "too long"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_kept(
    ticket: Ticket, bob: Agent, kind: str, typed: list[str], why: str
) -> None:
    wrong = field(kind, options="red\nblue")
    good = CustomField.objects.create(key="good", label="Good")
    with pytest.raises(WrongValues, match=why) as problem:
        set_fields(ticket, {good: ["x"], wrong: typed}, by=bob)
    assert list(problem.value.sentences) == [wrong.key]
    assert Ticket.objects.get().fields == {}
    assert said(ticket) == []


def test_fields_that_others_changed_meanwhile_stay(ticket: Ticket, bob: Agent) -> None:
    first, second = field("text"), field("number")
    stale = Ticket.objects.get()
    set_fields(ticket, {first: ["a"]}, by=bob)
    set_fields(stale, {second: ["1"]}, by=bob)
    assert Ticket.objects.get().fields == {"k_text": ["a"], "k_number": ["1"]}


def test_an_empty_value_takes_the_field_away_and_the_history_tells(ticket: Ticket, bob: Agent) -> None:
    text, tick = field("text"), field("checkbox")
    set_fields(ticket, {text: ["a"], tick: ["1"]}, by=bob)
    set_fields(ticket, {text: [], tick: ["1"]}, by=bob)
    assert Ticket.objects.get().fields == {"k_checkbox": ["1"]}
    assert said(ticket) == [
        "Text changed from “–” to “a”",
        "Checkbox changed from “–” to “✓”",
        "Text changed from “a” to “–”",
    ]


def test_a_value_taken_from_the_list_may_stay_on_the_ticket_that_has_it(ticket: Ticket, bob: Agent) -> None:
    colours = field("choices", options="red\nblue")
    set_fields(ticket, {colours: ["red"]}, by=bob)
    CustomField.objects.update(options="blue")
    set_fields(ticket, {CustomField.objects.get(): ["red", "blue"]}, by=bob)
    assert Ticket.objects.get().fields == {"k_choices": ["red", "blue"]}


# ---- type, subject, spam, reminder, followers ------------------------------------------------------------


def test_type_and_subject_are_changed_with_history(ticket: Ticket, bob: Agent) -> None:
    order = TicketType.objects.create(name="Order")
    set_type(ticket, order, by=bob)
    set_type(ticket, order, by=bob)
    set_title(ticket, " Lamp \n and dimmer ", by=bob)
    set_type(ticket, None, by=bob)
    kept = Ticket.objects.get()
    assert (kept.type, kept.subject) == (None, "Lamp and dimmer")
    assert said(ticket) == [
        "Type changed from “–” to “Order”",
        "Subject changed from “Lamp” to “Lamp and dimmer”",
        "Type changed from “Order” to “–”",
    ]


def test_a_ticket_without_a_subject_is_refused(ticket: Ticket, bob: Agent) -> None:
    with pytest.raises(ValueError, match="subject"):
        set_title(ticket, " \n ", by=bob)
    assert Ticket.objects.get().subject == "Lamp"


def test_spam_is_in_its_own_list_only_until_the_mark_is_taken_off(ticket: Ticket, bob: Agent) -> None:
    lists = ("open", "unassigned", "spam", f"queue-{ticket.queue_id}")
    set_spam(ticket, True, by=bob)
    assert [name for name in lists if tickets_in(name, bob)] == ["spam"]
    set_spam(ticket, False, by=bob)
    assert [name for name in lists if tickets_in(name, bob)] == ["open", "unassigned", f"queue-{ticket.queue_id}"]
    assert Ticket.objects.get().status.key == "new"


def test_a_reminder_makes_the_ticket_wait_until_it_is_due(ticket: Ticket, bob: Agent, clock: Clock) -> None:
    set_pending(ticket, clock.now + timedelta(days=1), by=bob)
    waiting = Ticket.objects.get()
    assert (waiting.status.key, waiting.waiting_since) == ("internal", None)
    assert not tickets_in("reminders", bob).exists()
    clock.advance(days=1, minutes=1)
    assert tickets_in("reminders", bob).get() == ticket


def test_a_reminder_keeps_the_status_of_a_ticket_that_waits_already(ticket: Ticket, bob: Agent) -> None:
    set_status(ticket, Status.objects.get(key="customer"), by=bob)
    set_pending(ticket, timezone.now() + timedelta(days=1), by=bob)
    assert Ticket.objects.get().status.key == "customer"


def test_a_ticket_that_waits_no_longer_has_no_reminder(ticket: Ticket, bob: Agent) -> None:
    set_pending(ticket, timezone.now() + timedelta(days=1), by=bob)
    set_status(ticket, Status.objects.get(key="open"), by=bob)
    assert Ticket.objects.get().pending_until is None


def test_a_reminder_can_be_taken_off(ticket: Ticket, bob: Agent) -> None:
    set_pending(ticket, timezone.now() + timedelta(days=1), by=bob)
    set_pending(ticket, None, by=bob)
    kept = Ticket.objects.get()
    assert (kept.pending_until, kept.status.key) == (None, "internal")
    assert said(ticket)[-1] == "Reminder taken off"


def test_following_is_a_matter_of_one_agent(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    set_following(ticket, bob, True)
    set_following(ticket, bob, True)
    set_following(ticket, admin, True)
    set_following(ticket, bob, False)
    assert list(ticket.followers.all()) == [admin]
    assert said(ticket) == [
        "Bob Baker follows the ticket",
        "Eva Admin follows the ticket",
        "Bob Baker follows the ticket no longer",
    ]

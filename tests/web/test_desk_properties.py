"""What an agent sets on the ticket page: type, tags, fields, subject, spam, reminder, followers."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, CustomField, Mailbox, Tag, Ticket, TicketType
from postvak.web.desk.reminders import DAYS
from tests.clock import Clock
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def ticket(mailbox: Mailbox, bob: Agent) -> Ticket:
    return receive(mailbox, mail())


def post(desk: Client, ticket: Ticket, what: str, **values: object) -> None:
    response = desk.post(f"/tickets/{ticket.number}/{what}/?in=open", values)
    assert (response.status_code, response.headers["Location"]) == (302, f"/tickets/{ticket.number}/?in=open")
    ticket.refresh_from_db()


def test_tags_are_added_by_words_and_taken_off_one_by_one(desk: Client, ticket: Ticket) -> None:
    post(desk, ticket, "tags", tags="urgent, <b>bold</b>")
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<b>bold</b>" not in html
    post(desk, ticket, "tags/removal", tag=Tag.objects.get(name="urgent").pk)
    assert [tag.name for tag in ticket.tags.all()] == ["<b>bold</b>"]


def test_a_type_is_chosen_among_the_valid_ones(desk: Client, ticket: Ticket) -> None:
    assert "No type" not in page(desk, f"/tickets/{ticket.number}/")
    order = TicketType.objects.create(name="Order")
    old = TicketType.objects.create(name="Old", is_valid=False)
    post(desk, ticket, "type", type=order.pk)
    assert ticket.type == order
    assert desk.post(f"/tickets/{ticket.number}/type/", {"type": old.pk}).status_code == 404
    post(desk, ticket, "type", type="")
    assert ticket.type is None


def test_all_fields_are_saved_at_once(desk: Client, ticket: Ticket) -> None:
    for kind in ("text", "number", "date", "checkbox", "choice", "choices"):
        CustomField.objects.create(key=f"F_{kind}", label=kind.title(), kind=kind, options="red\nblue")
    CustomField.objects.create(key="gone", label="Gone", is_valid=False)
    values = {
        "field-F_text": "LD-200",
        "field-F_number": "12,50",
        "field-F_date": "2026-11-21",
        "field-F_checkbox": "1",
        "field-F_choice": "",
        "field-F_choices": ["red", "blue"],
        "field-gone": "x",
    }
    post(desk, ticket, "fields", **values)
    assert ticket.fields == {
        "F_text": ["LD-200"],
        "F_number": ["12.50"],
        "F_date": ["2026-11-21"],
        "F_checkbox": ["1"],
        "F_choices": ["red", "blue"],
    }
    html = page(desk, f"/tickets/{ticket.number}/side/")
    assert 'value="LD-200"' in html
    assert len(re.findall(r'name="field-[^>]*checked', html)) == 2


def test_a_field_that_does_not_fit_says_why_and_keeps_what_was_typed(desk: Client, ticket: Ticket) -> None:
    CustomField.objects.create(key="amount", label="Amount", kind="number")
    response = desk.post(f"/tickets/{ticket.number}/fields/", {"field-amount": 'a "lot"'})
    assert response.status_code == 422
    assert 'value="a &#34;lot&#34;"' in response.text
    assert "is no number" in response.text
    ticket.refresh_from_db()
    assert ticket.fields == {}


def test_the_subject_can_be_changed_but_not_emptied(desk: Client, ticket: Ticket) -> None:
    post(desk, ticket, "title", title="Two lamps flicker")
    post(desk, ticket, "title", title=" ")
    assert ticket.subject == "Two lamps flicker"
    assert "A ticket needs a subject" in page(desk, "/")


def test_spam_is_marked_and_unmarked(desk: Client, ticket: Ticket) -> None:
    post(desk, ticket, "spam", spam="1")
    assert ticket.is_spam
    assert "The lamp flickers" in page(desk, "/list/spam/")
    assert "The lamp flickers" not in page(desk, "/list/open/")
    post(desk, ticket, "spam", spam="0")
    assert not ticket.is_spam


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"until": "2031-03-04T09:30"}, "2031-03-04T08:30:00+00:00"),
        ({"until": "soon"}, None),
        ({"until": "2031-13-41T99:99"}, None),
        ({"until": "2001-03-04T09:30"}, None),
        ({"preset": "never"}, None),
    ],
)
def test_a_reminder_is_a_time_to_come_on_the_agents_clock(
    desk: Client, ticket: Ticket, values: dict[str, str], kept: str | None
) -> None:
    post(desk, ticket, "reminder", **values)
    assert (ticket.pending_until.isoformat() if ticket.pending_until else None) == kept


def test_every_preset_is_a_morning_to_come(desk: Client, ticket: Ticket, clock: Clock) -> None:
    for _day in range(7):
        clock.advance(days=1)
        for preset in DAYS:
            post(desk, ticket, "reminder", preset=preset)
            assert ticket.pending_until is not None
            local = timezone.localtime(ticket.pending_until)
            assert (local.hour, local.minute, local.second) == (8, 0, 0)
            assert timedelta(0) < ticket.pending_until - clock.now < timedelta(days=31)
            assert preset != "next-monday" or local.weekday() == 0


def test_an_empty_time_takes_the_reminder_off(desk: Client, ticket: Ticket) -> None:
    post(desk, ticket, "reminder", preset="tomorrow")
    post(desk, ticket, "reminder", until="")
    assert ticket.pending_until is None


def test_following_is_switched_on_and_off(desk: Client, ticket: Ticket, bob: Agent) -> None:
    post(desk, ticket, "followers", follow="1")
    assert list(ticket.followers.all()) == [bob]
    assert "Don't follow any more" in page(desk, f"/tickets/{ticket.number}/")
    post(desk, ticket, "followers", follow="0")
    assert not ticket.followers.exists()

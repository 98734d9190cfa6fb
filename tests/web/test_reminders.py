"""Times to be reminded at: they follow the business hours of the ticket's service level, and its page shows them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from postvak.models import Agent, Calendar, Mailbox, Sla, Ticket
from postvak.web.desk.reminders import preset_time, presets
from tests.mails import mail
from tests.tickets.sla.conftest import OFFICE
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
def ticket(mailbox: Mailbox, bob: Agent) -> Ticket:
    return receive(mailbox, mail())


@pytest.fixture
def office(ticket: Ticket) -> Sla:
    calendar = Calendar.objects.create(name="Office", time_zone="Europe/Amsterdam", hours=OFFICE, country="NL")
    ticket.sla = Sla.objects.create(name="Standard", calendar=calendar, solution=60)
    ticket.save()
    return ticket.sla


def offered(ticket: Ticket, now: str) -> dict[str, str]:
    at = datetime.fromisoformat(now).replace(tzinfo=AMSTERDAM)
    return {one.key: f"{one.at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}" for one in presets(ticket, at)}


def test_without_a_calendar_they_are_mornings_on_the_agents_clock(ticket: Ticket) -> None:
    assert offered(ticket, "2026-11-25 10:00") == {
        "this-afternoon": "2026-11-25 14:00",
        "tomorrow": "2026-11-26 08:00",
        "in-three-days": "2026-11-28 08:00",
        "next-monday": "2026-11-30 08:00",
        "in-two-weeks": "2026-12-09 08:00",
        "in-a-month": "2026-12-25 08:00",
    }


def test_with_one_they_are_the_next_mornings_on_which_we_work(ticket: Ticket, office: Sla) -> None:
    assert offered(ticket, "2026-12-11 10:00") == {
        "this-afternoon": "2026-12-11 14:00",
        "tomorrow": "2026-12-14 09:00",  # Saturday and Sunday are free; "in three days" and "next week" are the same
        "in-two-weeks": "2026-12-28 09:00",  # the 25th is Christmas
        "in-a-month": "2027-01-11 09:00",
    }
    assert preset_time("next-monday", ticket) == preset_time("next-monday", ticket)


@pytest.mark.parametrize("now", ["2026-11-25 13:30", "2026-11-25 18:00", "2026-11-28 09:00", "2026-12-25 09:00"])
def test_an_afternoon_that_is_near_over_or_free_is_no_choice(ticket: Ticket, office: Sla, now: str) -> None:
    assert "this-afternoon" not in offered(ticket, now)


def test_the_page_shows_each_choice_with_its_time(client: Client, bob: Agent, ticket: Ticket, office: Sla) -> None:
    client.force_login(bob)
    html = page(client, f"/tickets/{ticket.number}/")
    at = preset_time("in-a-month", ticket)
    assert at is not None
    assert f'<button name="preset" value="in-a-month"><span>In a month</span><time datetime="{at.isoformat()}">' in html
    client.post(f"/tickets/{ticket.number}/reminder/", {"preset": "in-a-month"})
    ticket.refresh_from_db()
    assert ticket.pending_until == at


def test_a_preset_that_is_over_or_unknown_changes_nothing(client: Client, bob: Agent, ticket: Ticket) -> None:
    client.force_login(bob)
    client.post(f"/tickets/{ticket.number}/reminder/", {"preset": "tomorrow"})
    ticket.refresh_from_db()
    before = ticket.pending_until
    client.post(f"/tickets/{ticket.number}/reminder/", {"preset": "yesterday"})
    ticket.refresh_from_db()
    assert ticket.pending_until == before is not None

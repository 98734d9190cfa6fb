"""Administration of calendars and service levels: the week, holidays, trials, targets and what they would mean."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Calendar, Change, Priority, Queue, Sla, Status, Ticket
from postvak.tickets.sla.rules import ALWAYS

pytestmark = pytest.mark.django_db
WEEK = [f"hours-{day}-{side}" for day in range(7) for side in ("from", "to")]


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def office(db: None) -> Calendar:
    hours = {str(day): [["09:00", "17:00"]] for day in range(5)}
    return Calendar.objects.create(name="Office", time_zone="Europe/Amsterdam", hours=hours, country="NL")


def facts(**changes: object) -> dict[str, object]:
    hours = {f"hours-{day}-from": ["08:30", "13:00"] for day in range(5)} | {
        f"hours-{day}-to": ["12:00", "17:00"] for day in range(5)
    }
    return {
        "name": "Service",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "region": "BY",
        "free_days": "",
        **hours,
        **changes,
    }


@pytest.mark.parametrize("noun", ["calendars", "slas"])
def test_every_list_and_empty_form_opens_also_with_nothing_there(eva: Client, noun: str) -> None:
    for page in (f"/admin/{noun}/", f"/admin/{noun}/new/"):
        answer = eva.get(page)
        assert answer.status_code == 200
        assert "style=" not in answer.text
    assert eva.get(f"/admin/{noun}/999/").status_code == 404


@pytest.mark.parametrize(
    "url", ["calendars/new/", "calendars/trial/", "calendars/holidays/", "slas/new/", "slas/preview/"]
)
def test_only_administrators_come_in(client: Client, bob: Agent, url: str) -> None:
    client.force_login(bob)
    assert client.post(f"/admin/{url}").status_code == 403


# ---- calendars -----------------------------------------------------------------


def test_a_week_with_breaks_is_saved_as_it_was_typed(eva: Client) -> None:
    typed = facts(free_days="2026-12-24 Company outing\n31.12.2026\n\n", open_days=["2026-11-01"])
    typed |= {"hours-5-from": ["22:00", ""], "hours-5-to": ["00:00", ""]}
    assert eva.post("/admin/calendars/new/", typed)["Location"] == "/admin/calendars/"
    row = Calendar.objects.get()
    assert row.hours["0"] == [["08:30", "12:00"], ["13:00", "17:00"]]
    assert row.hours["5"] == [["22:00", "24:00"]]
    assert "6" not in row.hours
    assert (row.country, row.region) == ("DE", "BY")
    assert row.holidays == {"2026-12-24": "Company outing", "2026-12-31": ""}
    assert row.open_days == ["2026-11-01"]
    page = eva.get(f"/admin/calendars/{row.pk}/").text
    assert 'name="hours-5-to" value="00:00"' in page
    assert "Heilige Drei Könige" in page
    assert "2026-12-24 Company outing" in page


def test_a_calendar_that_is_saved_unchanged_stays_as_it_was(eva: Client, office: Calendar) -> None:
    typed = {name: ["09:00" if name.endswith("from") else "17:00"] for name in WEEK[:10]}
    eva.post(
        f"/admin/calendars/{office.pk}/", {"name": "Office", "time_zone": "Europe/Amsterdam", "country": "NL", **typed}
    )
    assert Calendar.objects.get().hours == office.hours


def test_round_the_clock_is_a_choice_and_no_hours_at_all_are_refused(eva: Client) -> None:
    nothing = {"name": "Service", "free_days": ""}
    refused = eva.post("/admin/calendars/new/", nothing)
    assert refused.status_code == 422
    assert "Enter business hours for one day at least" in refused.text
    assert eva.post("/admin/calendars/new/", nothing | {"is_always": "on"}).status_code == 302
    assert Calendar.objects.get().hours == ALWAYS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hours-0-from": ["17:00"], "hours-0-to": ["09:00"]}, "ends before it begins"),
        ({"hours-0-from": ["09:00"], "hours-0-to": [""]}, "are no times of a day"),
        ({"hours-0-from": ["soon"], "hours-0-to": ["later"]}, "are no times of a day"),
        ({"free_days": "Christmas"}, "is no day. Write it as 2026-12-24"),
        ({"free_days": "2026-02-30"}, "is no day"),
        ({"country": "XX"}, "Select a valid choice"),
        ({"open_days": ["x"]}, "is no day"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field_and_what_was_typed_stays(eva, changes, said) -> None:
    answer = eva.post("/admin/calendars/new/", facts(**changes))
    assert answer.status_code == 422
    assert said in answer.text
    assert not Calendar.objects.exists()
    assert 'value="13:00"' in answer.text


def test_a_region_of_another_country_goes_by_itself(eva: Client) -> None:
    eva.post("/admin/calendars/new/", facts(country="NL"))
    assert (Calendar.objects.get().country, Calendar.objects.get().region) == ("NL", "")


def test_holidays_are_shown_while_the_country_is_chosen(eva: Client) -> None:
    shown = eva.post("/admin/calendars/holidays/", facts(country="AT", region="")).text
    assert "Nationalfeiertag" in shown
    assert str(timezone.localdate().year + 1) in shown
    assert "Bayern" in eva.post("/admin/calendars/holidays/", facts(region="")).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"trial_start": "2026-11-20T16:50", "trial_hours": "4"}, "Fri, 20 Nov 2026, 16:50</span> + 4 h = <b>Mon, 23 Nov 2026, 12:50"),
        ({"trial_start": "2026-11-20T16:50", "trial_hours": "0,5"}, "Mon, 23 Nov 2026, 09:20"),
        ({"trial_start": "2026-12-24T16:00", "trial_hours": "2"}, "Mon, 28 Dec 2026, 10:00"),
        ({"trial_hours": "4"}, "16:50</span> + 4 h"),
        ({"trial_hours": "many"}, "check the times and the number of hours"),
        ({"trial_hours": "-1"}, "check the times and the number of hours"),
        ({"trial_hours": "nan"}, "check the times and the number of hours"),
        ({"trial_start": "2026-99-99T16:50"}, "check the times and the number of hours"),
    ],
)  # fmt: skip
def test_a_trial_reckons_with_what_is_typed_and_saves_nothing(eva, office, typed, said) -> None:
    hours = {name: ["09:00" if name.endswith("from") else "17:00"] for name in WEEK[:10]}
    answer = eva.post(
        "/admin/calendars/trial/", {"name": "", "time_zone": "Europe/Amsterdam", "country": "NL", **hours, **typed}
    )
    assert said in answer.text
    assert Calendar.objects.count() == 1


def test_a_calendar_that_a_level_goes_by_stays(eva: Client, office: Calendar) -> None:
    Sla.objects.create(name="Gold", calendar=office, solution=60)
    assert "These service levels go by it: Gold" in eva.get(f"/admin/calendars/{office.pk}/").text
    eva.post(f"/admin/calendars/{office.pk}/deletion/")
    assert Calendar.objects.exists()
    Sla.objects.all().delete()
    eva.post(f"/admin/calendars/{office.pk}/deletion/")
    assert not Calendar.objects.exists()


# ---- service levels ------------------------------------------------------------


def tickets(queue: Queue, count: int, hours: int = 30) -> list[Ticket]:
    made, opened = timezone.now() - timedelta(hours=hours), Status.objects.get(key="open")
    return Ticket.objects.bulk_create(
        Ticket(number=f"{queue.pk}-{n}", subject="x", queue=queue, status=opened, created_at=made, changed_at=made)
        for n in range(count)
    )


def level(calendar: Calendar, **changes: object) -> dict[str, object]:
    return {
        "name": "Gold",
        "calendar": calendar.pk,
        "is_valid": "on",
        "solution": "2",
        "solution_unit": "days",
        **changes,
    }


def test_targets_are_written_in_minutes_hours_or_business_days(eva: Client, office: Calendar, support: Queue) -> None:
    typed = level(office, first_answer="90", first_answer_unit="minutes", next_answer="1.5", next_answer_unit="hours")
    assert (
        eva.post("/admin/slas/new/", typed | {"queues": [support.pk], "priorities": [5]})["Location"] == "/admin/slas/"
    )
    row = Sla.objects.get()
    assert (row.first_answer, row.next_answer, row.solution) == (90, 90, 2 * 8 * 60)
    assert [list(row.queues.all()), list(row.priorities.all())] == [[support], [Priority.objects.get(level=5)]]
    page = eva.get(f"/admin/slas/{row.pk}/").text
    assert 'name="solution" value="2"' in page
    assert '<option value="days" selected>' in page
    assert "2 business days" in eva.get("/admin/slas/").text


def test_a_level_without_a_target_or_with_a_name_that_is_taken_is_refused(eva: Client, office: Calendar) -> None:
    assert "Enter one target at least" in eva.post("/admin/slas/new/", level(office, solution="")).text
    eva.post("/admin/slas/new/", level(office))
    assert "already a service level" in eva.post("/admin/slas/new/", level(office, name="GOLD")).text
    assert "longer than a target" in eva.post("/admin/slas/new/", level(office, name="x", solution="900000")).text
    assert Sla.objects.count() == 1


def test_levels_stand_in_the_order_that_was_chosen(eva: Client, office: Calendar) -> None:
    for name in ("one", "two"):
        eva.post("/admin/slas/new/", level(office, name=name))
    assert [row.name for row in Sla.objects.all()] == ["two", "one"]
    one = Sla.objects.get(name="one")
    eva.post("/admin/slas/new/", level(office, name="three", after=one.pk))
    assert [row.name for row in Sla.objects.all()] == ["two", "one", "three"]


def test_saving_and_deleting_make_the_worker_reckon_anew(eva: Client, office: Calendar, support: Queue) -> None:
    rows = tickets(support, 3)
    Change.objects.all().delete()
    eva.post("/admin/slas/new/", level(office))
    assert set(Change.objects.values_list("ticket_id", flat=True)) == {row.pk for row in rows}
    gold = Sla.objects.get()
    Ticket.objects.filter(pk=rows[0].pk).update(sla=gold)
    Change.objects.all().delete()
    eva.post(f"/admin/slas/{gold.pk}/deletion/")
    assert Change.objects.filter(ticket_id=rows[0].pk).exists()
    assert not Sla.objects.exists()


def test_the_preview_says_for_how_many_tickets_it_would_hold_and_how_many_would_be_late(
    eva: Client, support: Queue, sales: Queue
) -> None:
    always = Calendar.objects.create(name="Always", hours=ALWAYS)
    tickets(support, 4), tickets(sales, 2, hours=1)
    shown = eva.post("/admin/slas/preview/", level(always, name="", solution="10", solution_unit="hours")).text
    assert "It would hold for 6 open tickets." in shown
    assert "4 of them would be late now." in shown
    first = Sla.objects.create(name="First", calendar=always, solution=60)
    first.queues.add(support)
    shown = eva.post("/admin/slas/preview/", level(always, solution="10", solution_unit="hours", after=first.pk)).text
    assert "It would hold for 2 open tickets. None of them would be late now." in " ".join(shown.split())
    assert "open ticket" not in eva.post("/admin/slas/preview/", level(always, solution="")).text
    assert Sla.objects.count() == 1

"""Open tickets of the past come without a noise: what was late or had waited long before is nobody's news here."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from postvak.bring.work import KIND, do_import
from postvak.jobs import queue as jobs
from postvak.jobs.run import work_due
from postvak.models import Agent, AutomaticMail, Calendar, Change, Lease, Notification, OutgoingMail, Rule, Sla, Ticket
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.rules.moments import tell_moments
from postvak.tickets.sla.again import reckon_again
from postvak.tickets.sla.late import tell_late_ones

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]
WORKER = "test:1:x"
ALWAYS = {str(day): [["00:00", "24:00"]] for day in range(7)}


def bring_waiting(path: Path, since: datetime) -> Ticket:
    """Ann wrote then, Bob has it, nobody answered."""
    at = since.isoformat()
    rows = {
        "users": [{"id": 2, "email": "bob@example.org"}, {"id": 3, "email": "ann@customer.example", "created_at": at}],
        "groups": [{"id": 1, "name": "Support"}],
        "tickets": [{"id": 5, "group_id": 1, "number": "67001", "state": "open", "owner_id": 2, "customer_id": 3, "created_at": at}],
        "ticket_articles": [{"id": 1, "ticket_id": 5, "type": "email", "sender": "Customer", "from": "ann@customer.example",
                             "body": "Help", "created_at": at, "created_by_id": 3}],
    }  # fmt: skip
    for name, listed in rows.items():
        (path / f"{name}.json").write_text(json.dumps(listed))
    job = jobs.enqueue(KIND, {"kind": "zammad", "path": str(path)}, by=None)
    work_due(WORKER, {KIND: do_import})
    job.refresh_from_db()
    assert job.state == "done", job.said
    return Ticket.objects.get(number="67001")


def follow() -> None:
    Lease.objects.all().delete()
    while Change.objects.filter(is_followed=False).exists():
        follow_changes(WORKER)
        Lease.objects.all().delete()


def told() -> list[str]:
    follow()
    assert not OutgoingMail.objects.exists()
    return [
        *Notification.objects.values_list("kind", flat=True),
        *AutomaticMail.objects.values_list("state", flat=True),
    ]


def switch_on(minutes: int, *, looked: timedelta) -> None:
    """A rule that told for a week, and no worker has looked for a while."""
    now = timezone.now()
    Rule.objects.filter(key="unanswered").update(
        is_on=True, minutes=minutes, on_since=now - timedelta(days=7), looked_until=now - looked
    )


def test_what_was_late_before_it_came_rings_for_nobody(tmp_path: Path, bob: Agent) -> None:
    always = Calendar.objects.create(name="Always", time_zone="UTC", hours=ALWAYS)
    Sla.objects.create(name="Gold", calendar=always, first_answer=60)
    ticket = bring_waiting(tmp_path, timezone.now() - timedelta(days=2))
    assert (ticket.is_open, ticket.waiting_since is not None, told()) == (True, True, [])
    reckon_again()
    follow()
    ticket.refresh_from_db()
    assert ticket.due_at is not None
    assert ticket.due_at < timezone.now()
    assert (tell_late_ones(timezone.now()), told()) == (0, [])


def test_what_is_due_later_is_told_then(tmp_path: Path, bob: Agent) -> None:
    always = Calendar.objects.create(name="Always", time_zone="UTC", hours=ALWAYS)
    Sla.objects.create(name="Gold", calendar=always, first_answer=60)
    bring_waiting(tmp_path, timezone.now() - timedelta(minutes=30))
    reckon_again()
    follow()
    assert tell_late_ones(timezone.now()) == 0
    assert tell_late_ones(timezone.now() + timedelta(minutes=40)) == 1


def test_a_moment_that_passed_before_the_ticket_came_is_told_to_nobody(tmp_path: Path, bob: Agent) -> None:
    switch_on(60, looked=timedelta(hours=5))
    bring_waiting(tmp_path, timezone.now() - timedelta(hours=3))
    tell_moments(timezone.now(), WORKER)
    assert told() == []


def test_a_moment_that_comes_later_is_told(tmp_path: Path, bob: Agent) -> None:
    switch_on(60, looked=timedelta(hours=5))
    bring_waiting(tmp_path, timezone.now() - timedelta(minutes=30))
    tell_moments(timezone.now(), WORKER)
    assert told() == []
    tell_moments(timezone.now() + timedelta(minutes=40), WORKER)
    assert "unanswered" in told()

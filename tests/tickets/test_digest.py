"""The daily digest: once for an agent and a day, at his hour, whatever the clock and however many workers there are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from postvak.blobs import store
from postvak.mail.parse import parse
from postvak.models import (
    Agent,
    AutomaticMail,
    Channel,
    Digest,
    Lease,
    OutgoingMail,
    Queue,
    Rule,
    RuleChoice,
    Ticket,
)
from postvak.tickets import digest
from postvak.tickets.digest import write_digests_due
from tests.clock import Clock
from tests.killing import ENGINES, Victims
from tests.notify.desk import Desk

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True, serialized_rollback=True)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def desk(support: Queue, channel: Channel) -> Desk:
    return Desk.opened(support)


@pytest.fixture
def daily(clock: Clock) -> Rule:
    """Switched on long ago; everybody's day began on the first."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    Rule.objects.filter(key="digest").update(is_on=True, on_since=begun)
    Agent.objects.update(created_at=begun)
    clock.now = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    return Rule.objects.get(key="digest")


def collect(
    desk: Desk, reader: Agent, at: datetime, key: str = "answered", ticket: Ticket | None = None
) -> AutomaticMail:
    place = ticket or desk.ticket
    rule = Rule.objects.get(key=key)
    number = AutomaticMail.objects.count()
    return AutomaticMail.objects.create(
        ticket=place, trigger=place.messages.first(), kind="notice", rule=rule, occasion=f"test:{number}",
        address=reader.email, reader=reader, recipients=[reader.email], state="collected", created_at=at,
        next_attempt_at=at,
    )  # fmt: skip


def look(clock: Clock, at: datetime, worker: str = "first:1:a") -> int:
    clock.now = at
    return write_digests_due(at, worker)


def mails() -> list[str]:
    return [parse(store.get(one.blob_id)).text for one in OutgoingMail.objects.filter(message=None).order_by("pk")]


def at_berlin(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def in_berlin(agent: Agent) -> Agent:
    Agent.objects.filter(pk=agent.pk).update(time_zone="Europe/Berlin")
    return agent


def test_what_was_collected_goes_out_in_one_mail_at_the_agents_hour(
    desk: Desk, bob: Agent, daily: Rule, clock: Clock
) -> None:
    in_berlin(bob)
    rows = [collect(desk, bob, at_berlin(23, 15)), collect(desk, bob, at_berlin(23, 16), "noted")]
    assert look(clock, at_berlin(24, 7, 59)) == 0
    assert look(clock, at_berlin(24, 8)) == 1
    (text,) = mails()
    assert text.startswith("Hello Bob,")
    assert f"The lamp flickers [{desk.ticket.number}]" in text
    assert "15:00 A customer writes on my ticket: Ann Archer" in text
    outgoing = OutgoingMail.objects.get(message=None)
    assert (outgoing.ticket, outgoing.envelope_from, outgoing.subject) == (None, "", "Your tickets today")
    assert [one.recipient for one in outgoing.deliveries.all()] == [bob.email]
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.outgoing, row.settled_at) == ("written", outgoing, clock.now)
    assert look(clock, at_berlin(24, 8, 1)) == look(clock, at_berlin(24, 23)) == 0


def test_the_three_numbers_stand_above(desk: Desk, bob: Agent, daily: Rule, clock: Clock) -> None:
    in_berlin(bob)
    Ticket.objects.update(assignee=bob, waiting_since=at_berlin(20, 10), due_at=at_berlin(21, 10))
    assert look(clock, at_berlin(24, 8)) == 1
    (text,) = mails()
    assert "You have 1 open ticket." in text
    assert "since 20 Nov 2026, 10:00: The lamp flickers" in text or "since Nov 20, 2026" in text
    assert "1 of them is late." in text


def test_nothing_to_tell_is_no_mail_but_the_day_is_done(desk: Desk, bob: Agent, daily: Rule, clock: Clock) -> None:
    in_berlin(bob)
    assert look(clock, at_berlin(24, 8)) == 1
    collect(desk, bob, at_berlin(24, 9))
    assert look(clock, at_berlin(24, 10)) == 0
    assert mails() == []
    assert look(clock, at_berlin(25, 8)) == 1
    assert len(mails()) == 1


def test_who_wants_single_notices_in_a_digest_gets_them_while_the_rule_is_off(
    desk: Desk, bob: Agent, clock: Clock
) -> None:
    in_berlin(bob)
    Ticket.objects.update(assignee=bob)
    assert look(clock, at_berlin(24, 8)) == 0
    collect(desk, bob, at_berlin(24, 9))
    assert look(clock, at_berlin(24, 10)) == 0  # what comes after the hour waits for tomorrow
    assert look(clock, at_berlin(25, 8)) == 1
    assert look(clock, at_berlin(26, 8)) == 0
    assert len(mails()) == 1


def test_a_rule_that_was_switched_on_at_noon_begins_tomorrow(desk: Desk, bob: Agent, daily: Rule, clock: Clock) -> None:
    in_berlin(bob)
    Ticket.objects.update(assignee=bob)
    Rule.objects.filter(pk=daily.pk).update(on_since=at_berlin(24, 12))
    assert look(clock, at_berlin(24, 12, 1)) == 0
    assert look(clock, at_berlin(25, 8)) == 1


def test_each_agent_has_his_own_clock_and_language(
    desk: Desk, bob: Agent, support: Queue, daily: Rule, clock: Clock
) -> None:
    in_berlin(bob)
    tokyo = Agent.objects.create_user("jo@example.org", "correct horse battery", name="Jo")
    Agent.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    Agent.objects.filter(pk=tokyo.pk).update(time_zone="Asia/Tokyo")
    support.members.add(tokyo)
    for agent in (bob, tokyo):
        collect(desk, agent, at_berlin(22, 12))
    assert look(clock, datetime(2026, 11, 23, 23, 0, tzinfo=UTC)) == 1  # 8 o'clock in Tokyo
    assert Digest.objects.get().agent == tokyo
    assert look(clock, at_berlin(24, 8)) == 1


@pytest.mark.parametrize(("hour", "month", "night"), [(2, 3, 29), (2, 10, 25), (3, 10, 25), (8, 3, 29), (0, 3, 29)])
def test_over_a_change_of_the_clock_there_is_one_a_day(
    desk: Desk, bob: Agent, daily: Rule, clock: Clock, hour: int, month: int, night: int
) -> None:
    in_berlin(bob)
    Ticket.objects.update(assignee=bob)
    Rule.objects.filter(pk=daily.pk).update(hour=hour)
    moment = datetime(2026, month, night - 1, 0, 0, tzinfo=BERLIN).astimezone(UTC)
    for _ in range(3 * 24 * 2):
        look(clock, moment)
        moment += timedelta(minutes=30)
    days = list(Digest.objects.filter(agent=bob).order_by("day").values_list("day__day", flat=True))
    assert days[:3] == [night - 1, night, night + 1]
    assert len(mails()) == len(days)
    for one in Digest.objects.filter(agent=bob):
        assert abs(one.at.astimezone(BERLIN).hour - hour) <= 1


def test_a_clock_that_jumps_back_tells_nothing_twice(desk: Desk, bob: Agent, daily: Rule, clock: Clock) -> None:
    in_berlin(bob)
    collect(desk, bob, at_berlin(23, 9))
    assert look(clock, at_berlin(24, 8)) == 1
    assert look(clock, at_berlin(23, 8, 30)) == 1  # yesterday's, without anything to tell
    assert look(clock, at_berlin(24, 8)) == 0
    assert len(mails()) == 1


def test_what_he_may_not_read_any_more_is_not_told(desk: Desk, bob: Agent, daily: Rule, clock: Clock) -> None:
    in_berlin(bob)
    row = collect(desk, bob, at_berlin(23, 9))
    Ticket.objects.update(is_private=True)
    assert look(clock, at_berlin(24, 8)) == 1
    row.refresh_from_db()
    assert (row.state, row.reason, mails()) == ("skipped", "nothing_to_say", [])


def test_who_wants_no_digest_gets_none(desk: Desk, bob: Agent, daily: Rule, clock: Clock) -> None:
    in_berlin(bob)
    Ticket.objects.update(assignee=bob)
    RuleChoice.objects.create(rule=daily, agent=bob, delivery="none")
    assert look(clock, at_berlin(24, 8)) == 0


def test_a_crash_before_the_commit_means_again(
    desk: Desk, bob: Agent, daily: Rule, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_berlin(bob)
    collect(desk, bob, at_berlin(23, 9))

    def die(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(digest, "freeze_notice", die)
        with pytest.raises(KeyboardInterrupt):
            look(clock, at_berlin(24, 8))
    assert (Digest.objects.count(), mails()) == (0, [])
    assert look(clock, at_berlin(24, 8)) == 1
    assert len(mails()) == 1


@committing
@pytest.mark.parametrize("has_news", [True, False])
def test_two_workers_at_once_write_one(
    desk: Desk, bob: Agent, daily: Rule, monkeypatch: pytest.MonkeyPatch, has_news: bool
) -> None:
    """Even if both think that they have the lease."""
    in_berlin(bob)
    Ticket.objects.update(assignee=bob)
    if has_news:
        collect(desk, bob, timezone.now() - timedelta(days=2))
    monkeypatch.setattr(type(Lease.objects), "take", lambda self, name, owner: True)
    real = digest.digest_of
    inner: list[int] = []

    def meanwhile(due: digest.Due, now: datetime) -> digest.Written:
        """While the first one composes, the second one does it all."""
        written = real(due, now)
        with monkeypatch.context() as plain:
            plain.setattr(digest, "digest_of", real)
            inner.append(write_digests_due(now, "second:1:b"))
        return written

    monkeypatch.setattr(digest, "digest_of", meanwhile)
    assert write_digests_due(at_berlin(24, 8), "first:1:a") == 0
    assert inner == [1]
    assert (len(mails()), Digest.objects.count()) == (1, 1)


def test_with_nothing_collected_and_the_rule_off_a_look_is_two_questions(
    desk: Desk, bob: Agent, clock: Clock, django_assert_num_queries: "object"
) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert write_digests_due(clock.now, "first:1:a") == 0


@pytest.mark.servers
@ENGINES
def test_processes_that_are_killed_while_they_write_digests_send_each_agent_one(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    victims = Victims.on(engine, "tests.tickets.one_digest_writer", request, tmp_path)
    victims.make(40)
    victims.kill_again_and_again("write", rounds=3, longest=0.4)
    assert victims.run("count").split() == ["40"] * 5

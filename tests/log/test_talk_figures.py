"""The arithmetic of the communication log is that of a plain count over the rows, whatever they are."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import mean, quantiles

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import DjangoAssertNumQueries

from postvak.log.talk_figures import (
    DAY,
    HOUR,
    MINUTES,
    Period,
    account_status,
    health,
    per_account,
    percentiles,
    running,
    totals,
)
from postvak.models import Channel, Communication, Mailbox

pytestmark = pytest.mark.django_db
State, Direction = Communication.State, Communication.Direction
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

rows = st.lists(
    st.tuples(
        st.sampled_from(list(State)),
        st.sampled_from(list(Direction)),
        st.sampled_from(["Support", "Sales", ""]),
        st.integers(min_value=-50 * 3600, max_value=5 * 3600),  # seconds from noon
        st.floats(min_value=0, max_value=1e6, allow_nan=False),
        st.integers(min_value=0, max_value=9),
    ),
    max_size=30,
)
periods = st.tuples(
    st.integers(min_value=-60 * 3600, max_value=0),
    st.sampled_from([timedelta(hours=1), timedelta(hours=25), timedelta(days=9)]),
    st.sampled_from(["", "Support"]),
    st.sampled_from(["", "in"]),
)
often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fill(drawn: list[tuple[State, Direction, str, int, float, int]]) -> list[Communication]:
    Communication.objects.all().delete()
    return Communication.objects.bulk_create(
        Communication(
            state=state,
            direction=direction,
            transport="imap",
            account=account,
            started_at=NOON + timedelta(seconds=seconds),
            ended_at=None if state == State.RUNNING else NOON + timedelta(seconds=seconds, milliseconds=ms),
            duration_ms=None if state == State.RUNNING else ms,
            mails=mails,
        )
        for state, direction, account, seconds, ms, mails in drawn
    )


def within(period: Period, made: list[Communication]) -> list[Communication]:
    return [
        row
        for row in made
        if period.since <= row.started_at < period.until
        and period.account in {"", row.account}
        and period.direction in {"", row.direction}
    ]


@often
@given(drawn=rows, chosen=periods)
def test_every_number_is_that_of_a_plain_count(drawn: list, chosen: tuple) -> None:  # type: ignore[type-arg]
    begin, length, account, direction = chosen
    since = NOON + timedelta(seconds=begin)
    period = Period(since, since + length, account, direction)
    those = within(period, fill(drawn))
    ended = [row.duration_ms for row in those if row.duration_ms is not None]
    found = totals(period)

    assert found.by_state == {str(state): sum(row.state == state for row in those) for state in State}
    assert found.number == len(those)
    assert found.finished == len(ended)
    assert found.mails == sum(row.mails for row in those)
    assert found.average_ms == (pytest.approx(mean(ended)) if ended else None)
    assert sum(slot.incoming for slot in found.slots) == sum(row.direction == "in" for row in those)
    assert sum(slot.outgoing for slot in found.slots) == sum(row.direction == "out" for row in those)
    assert sum(slot.failed for slot in found.slots) == sum(row.state == State.FAILED for row in those)

    by_account = Counter(row.account for row in those)
    assert {row.name: row.number for row in per_account(period)} == by_account
    assert sum(row.failed for row in per_account(period)) == found.by_state["failed"]


@often
@given(drawn=rows)
def test_percentiles_are_those_of_the_statistics_module(drawn: list) -> None:  # type: ignore[type-arg]
    period = Period(NOON - timedelta(days=9), NOON + timedelta(days=1))
    ended = [row.duration_ms for row in within(period, fill(drawn)) if row.duration_ms is not None]
    found = percentiles(period)
    if not ended:
        assert (found.p50, found.p95) == (None, None)
    elif len(ended) == 1:
        assert (found.p50, found.p95) == (ended[0], ended[0])
    else:
        cuts = quantiles(ended, n=100, method="inclusive")
        assert found.p50 == pytest.approx(cuts[49])
        assert found.p95 == pytest.approx(cuts[94])


@pytest.mark.parametrize(
    ("length", "step", "number"),
    [(timedelta(hours=1), MINUTES, 12), (timedelta(hours=24), HOUR, 24), (timedelta(days=9), DAY, 10)],
)
def test_a_chart_has_a_point_for_each_step_also_for_empty_ones(length: timedelta, step: timedelta, number: int) -> None:
    period = Period(NOON - length, NOON)
    fill([(State.FAILED, Direction.IN, "", -60, 1.0, 0)])
    slots = totals(period).slots
    assert period.step == step
    assert len(slots) == number
    assert [slot.at for slot in slots] == sorted({slot.at for slot in slots})
    assert [slot.failed for slot in slots] == [0] * (number - 1) + [1]


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_days_begin_at_midnight_also_when_the_clock_is_changed(day: datetime) -> None:
    with timezone.override("Europe/Amsterdam"):
        slots = totals(Period(day - timedelta(days=10), day + timedelta(days=10))).slots
        starts = [timezone.localtime(slot.at) for slot in slots]
    assert all((start.hour, start.minute) == (0, 0) for start in starts)
    assert len({start.date() for start in starts}) == len(starts) == 21


def test_running_ones_are_counted_whenever_they_started() -> None:
    fill([(State.RUNNING, Direction.IN, "", -3600 * 40, 0.0, 0), (State.RUNNING, Direction.OUT, "", -60, 0.0, 0)])
    found = running()
    assert (found.number, found.oldest) == (2, NOON - timedelta(hours=40))


# -- accounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "before", "state"),
    [
        (None, None, "idle"),
        ("successful", None, "ok"),
        ("successful", "failed", "ok"),
        ("failed", None, "warning"),
        ("failed", "successful", "warning"),
        ("failed", "warning", "warning"),
        ("failed", "failed", "failed"),
        ("warning", "failed", "warning"),
        ("warning", None, "warning"),
    ],
)
def test_the_last_two_finished_ones_decide_how_an_account_is(last: str | None, before: str | None, state: str) -> None:
    assert health(last, before) == state


def run(account: Mailbox | Channel, minutes: int, state: State) -> Communication:
    """A run of this account that began so many minutes before noon."""
    is_box = isinstance(account, Mailbox)
    at = NOON - timedelta(minutes=minutes)
    over = state != State.RUNNING
    return Communication.objects.create(
        direction="in" if is_box else "out",
        transport="imap" if is_box else "smtp",
        mailbox=account if is_box else None,
        channel=None if is_box else account,
        account=account.name,
        state=state,
        started_at=at,
        ended_at=at + timedelta(seconds=2) if over else None,
        duration_ms=2000 if over else None,
    )


def test_an_account_tells_its_last_success_its_last_error_and_its_next_attempt(
    mailbox: Mailbox, channel: Channel
) -> None:
    box = Mailbox.objects.create(name="Box", kind="imap", next_fetch_at=NOON)
    run(box, 30, State.SUCCESSFUL)
    run(box, 20, State.FAILED)
    failed = run(box, 10, State.FAILED)
    run(box, 1, State.RUNNING)
    run(channel, 5, State.SUCCESSFUL)
    found = {one.account.name: one for one in account_status(NOON - timedelta(hours=1))}
    assert list(found) == ["Box", "Files", mailbox.name]
    first = found["Box"]
    assert (first.state, first.failed, first.next_at) == ("failed", failed.pk, NOON)
    assert first.last_success_at == NOON - timedelta(minutes=30) + timedelta(seconds=2)
    assert found["Files"].state == "ok"
    assert found[mailbox.name].state == "idle"
    assert {one.state for one in account_status(NOON - timedelta(minutes=2))} == {"idle"}


def test_a_paused_mailbox_is_paused_and_an_invalid_one_is_left_out(mailbox: Mailbox) -> None:
    Mailbox.objects.create(name="Paused", kind="imap", validity="temporarily")
    Mailbox.objects.create(name="Gone", kind="imap", validity="invalid")
    found = {one.account.name: one.state for one in account_status(NOON)}
    assert found == {"Paused": "paused", mailbox.name: "idle"}


def test_a_channel_called_like_a_mailbox_is_not_taken_for_it() -> None:
    box = Mailbox.objects.create(name="Same", kind="imap")
    Channel.objects.create(name="Same", kind="file")
    run(box, 5, State.FAILED)
    states = {
        type(one.account).__name__: one.state
        for one in account_status(NOON - timedelta(hours=1))
        if one.account.name == "Same"
    }
    assert states == {"Mailbox": "warning", "Channel": "idle"}


def test_many_accounts_cost_as_many_queries_as_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(20):
        run(Mailbox.objects.create(name=f"Box {number}", kind="imap"), number, State.FAILED)
    with django_assert_num_queries(2):
        account_status(NOON - timedelta(hours=1))

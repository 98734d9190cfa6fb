"""Business time: in tables for what people reckon by hand, and by laws that hold for any calendar."""

from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postvak.tickets.sla import public_holidays
from postvak.tickets.sla.calendar import MINUTES, BusinessTime, NeverOpen, jump, minutes_of, moment, spans

AMSTERDAM, BERLIN, NEW_YORK = ZoneInfo("Europe/Amsterdam"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
OFFICE = spans([["08:30", "17:00"]])
WEEKDAYS = (OFFICE,) * 5 + ((), ())
ALWAYS = (((0, MINUTES),),) * 7
HOUR = 3600


def office(zone: ZoneInfo = AMSTERDAM, **more: object) -> BusinessTime:
    return BusinessTime(zone, WEEKDAYS, **more)  # type: ignore[arg-type]


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-20 16:50", 4, "2026-11-23 12:20"),  # ten minutes before closing on Friday
        ("2026-11-20 17:00", 1, "2026-11-23 09:30"),
        ("2026-11-21 11:00", 8.5, "2026-11-23 17:00"),  # a whole day ends at closing, not next morning
        ("2026-11-23 03:00", 1, "2026-11-23 09:30"),
        ("2026-11-23 09:00", 8.5 * 5, "2026-11-30 09:00"),
        ("2026-12-24 16:00", 2, "2026-12-28 09:30"),  # two days of Christmas and a weekend; no country: they count
    ],
)
def test_hours_are_counted_while_we_are_open(start: str, hours: float, end: str) -> None:
    time = office(country="NL") if "12-24" in start else office()
    assert time.after(at(start), int(hours * HOUR)) == at(end)
    assert time.between(at(start), at(end)) == hours * HOUR


def test_a_lunch_break_is_no_business_time() -> None:
    time = BusinessTime(AMSTERDAM, (spans([["08:00", "12:00"], ["13:00", "17:00"]]),) * 7)
    assert time.after(at("2026-11-20 11:30"), HOUR) == at("2026-11-20 13:30")
    assert not time.is_open(at("2026-11-20 12:30"))
    assert time.is_open(at("2026-11-20 13:00"))


def test_round_the_clock_is_plain_time_also_when_clocks_change() -> None:
    time = BusinessTime(AMSTERDAM, ALWAYS)
    start = datetime(2026, 3, 20, 12, tzinfo=UTC)
    for days in (1, 30, 250):
        assert time.after(start, days * 24 * HOUR) == start + timedelta(days=days)
        assert time.between(start, start + timedelta(days=days)) == days * 24 * HOUR


# ---- daylight saving -----------------------------------------------------------


def test_a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    night = BusinessTime(AMSTERDAM, (spans([["00:00", "06:00"]]),) * 7)
    for day, hours in ((date(2026, 3, 28), 6), (date(2026, 3, 29), 5), (date(2026, 10, 25), 7)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=AMSTERDAM)
        assert night.between(noon - timedelta(hours=12), noon) == hours * HOUR


@pytest.mark.parametrize(
    ("span", "hours"),
    [
        (["02:30", "05:00"], 2),  # 02:30 doesn't exist: we open at the jump to 03:00
        (["01:00", "02:30"], 1),  # we close at the jump
        (["02:10", "02:50"], 0),
    ],
)
def test_an_opening_time_that_does_not_exist_is_at_the_jump(span: list[str], hours: float) -> None:
    time = BusinessTime(AMSTERDAM, (spans([span]),) * 7)
    assert time.between(at("2026-03-29 00:00"), at("2026-03-29 12:00")) == hours * HOUR


def test_a_doubled_hour_counts_twice_and_never_more() -> None:
    time = BusinessTime(AMSTERDAM, (spans([["02:30", "03:30"]]),) * 7)
    assert time.between(at("2026-10-25 00:00"), at("2026-10-25 12:00")) == 2 * HOUR
    touching = BusinessTime(AMSTERDAM, (((60, 150), (160, 240)),) * 7)  # 01:00–02:30, 02:40–04:00
    assert touching.between(at("2026-10-25 00:00"), at("2026-10-25 12:00")) == 4 * HOUR


def test_the_jump_is_found_to_the_second() -> None:
    before, after = (datetime(2026, 3, 29, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert jump(before, after, AMSTERDAM) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert moment(date(2026, 3, 29), 150, AMSTERDAM, last=False) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["America/Havana", "Asia/Beirut", "America/Asuncion", "Australia/Lord_Howe", "Asia/Gaza"]
)
def test_midnights_that_come_twice_or_not_at_all_lose_and_double_nothing(name: str) -> None:
    time = BusinessTime(ZoneInfo(name), ALWAYS)
    start = datetime(2023, 1, 1, 0, 7, tzinfo=UTC)
    assert time.between(start, start + timedelta(days=700)) == 700 * 24 * HOUR


# ---- holidays ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "region", "day", "is_free"),
    [
        ("NL", "", "2026-04-27", True),  # Koningsdag
        ("NL", "", "2026-05-01", False),
        ("DE", "", "2026-10-03", True),
        ("DE", "", "2026-01-06", False),
        ("DE", "BY", "2026-01-06", True),  # Heilige Drei Könige
        ("DE", "NW", "2026-11-01", True),
        ("AT", "", "2026-10-26", True),
        ("BE", "", "2026-07-21", True),
        ("CH", "ZH", "2026-08-01", True),
        ("LU", "", "2026-06-23", True),
        ("FR", "", "2026-07-14", True),
        ("", "", "2026-12-25", False),
        ("XX", "", "2026-12-25", False),  # a country that the library doesn't know stops no clock
        ("DE", "ZZ", "2026-12-25", False),
    ],
)
def test_public_holidays_of_the_country_and_its_region_are_free(country, region, day, is_free) -> None:
    time = BusinessTime(BERLIN, ALWAYS, country=country, region=region)
    assert time.is_free(date.fromisoformat(day)) is is_free


def test_own_free_days_and_days_on_which_we_work_anyway() -> None:
    christmas, outing = date(2026, 12, 25), date(2026, 11, 24)
    time = office(country="NL", free=frozenset([outing]), worked=frozenset([christmas]))
    assert time.after(at("2026-11-23 16:00"), 2 * HOUR) == at("2026-11-25 09:30")
    assert time.is_open(at("2026-12-25 10:00"))
    both = office(country="NL", free=frozenset([christmas]), worked=frozenset([christmas]))
    assert both.is_free(christmas)


def test_holidays_have_the_names_that_people_there_use() -> None:
    assert public_holidays.public_holidays("NL", "", 2026)[date(2026, 4, 27)] == "Koningsdag"
    assert public_holidays.public_holidays("DE", "BY", 2026)[date(2026, 1, 6)] == "Heilige Drei Könige"


def test_regions_are_offered_where_they_matter() -> None:
    assert public_holidays.regions("DE", 2026)["BY"] == "Bayern"
    assert public_holidays.regions("NL", 2026) == {}
    assert public_holidays.is_known("DE", "BY")
    assert not public_holidays.is_known("DE", "XX")
    assert not public_holidays.is_known("XX")


# ---- calendars that make no sense ----------------------------------------------


def test_a_calendar_without_hours_says_so_and_nobody_waits() -> None:
    empty = BusinessTime(AMSTERDAM, ((),) * 7)
    began = perf_counter()
    with pytest.raises(NeverOpen, match="no business hours"):
        empty.after(at("2026-11-20 16:50"), HOUR)
    assert empty.between(at("2026-11-20 16:50"), at("2036-11-20 16:50")) == 0
    assert empty.next_opening(date(2026, 11, 20)) is None
    assert perf_counter() - began < 0.1


def test_a_target_that_is_not_over_within_ten_years_ends_in_a_sentence() -> None:
    little = BusinessTime(AMSTERDAM, (((600, 601),), *((),) * 6))
    with pytest.raises(NeverOpen, match="ten years"):
        little.after(at("2026-11-20 16:50"), 1000 * HOUR)
    late = datetime(9999, 12, 30, tzinfo=UTC)
    with pytest.raises(NeverOpen):
        office().after(late, 100 * HOUR)


@pytest.mark.parametrize("text", ["25:00", "08:60", "8", "24:01", "-1:00", "ab:cd", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        minutes_of(text)


def test_spans_that_touch_or_overlap_are_one() -> None:
    assert spans([["13:00", "17:00"], ["08:00", "12:00"], ["11:00", "13:00"], ["18:00", "18:00"]]) == ((480, 1020),)


# ---- laws ----------------------------------------------------------------------

zones = st.sampled_from(
    [
        AMSTERDAM,
        NEW_YORK,
        ZoneInfo("UTC"),
        ZoneInfo("Australia/Lord_Howe"),
        ZoneInfo("Asia/Beirut"),
        ZoneInfo("Asia/Kathmandu"),
    ]
)
span = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])


@st.composite
def days_of_week(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    written = draw(st.lists(span, max_size=3))
    return spans([[f"{a // 60:02}:{a % 60:02}", f"{b // 60:02}:{b % 60:02}"] for a, b in written])


@st.composite
def calendars(draw: st.DrawFn) -> BusinessTime:
    week = tuple(draw(days_of_week()) for _day in range(7))
    if not any(sum(end - start for start, end in day) > 30 for day in week):
        week = (OFFICE, *week[1:])
    country, region = draw(st.sampled_from([("", ""), ("NL", ""), ("DE", "BY"), ("BE", "")]))
    free = draw(st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5))
    return BusinessTime(draw(zones), week, country, region, free)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive ones are wanted
around_changes = st.builds(
    lambda start, minutes: start + timedelta(minutes=minutes),
    st.sampled_from(
        [
            datetime(2026, 3, 28, 22, tzinfo=UTC),
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            datetime(2026, 11, 1, tzinfo=UTC),
        ]
    ),
    st.integers(-300, 900),
)
starts = st.one_of(moments, around_changes)
seconds = st.integers(0, 40 * HOUR)


@given(calendars(), starts, seconds)
@example(office(), datetime(2026, 3, 27, 15, 59, 59, tzinfo=UTC), 8 * HOUR)
def test_what_is_added_lies_between(time: BusinessTime, start: datetime, amount: int) -> None:
    end = time.after(start, amount)
    assert end >= start
    assert time.between(start, end) == amount


@given(calendars(), starts, seconds, seconds)
def test_more_time_is_over_later_and_in_two_steps_as_in_one(time, start, first, second) -> None:
    one = time.after(start, first)
    assert time.after(start, first + second) >= one
    assert time.after(one, second) == time.after(start, first + second)


@given(calendars(), starts, starts, seconds)
def test_who_begins_later_is_due_later(time, one, other, amount) -> None:
    earlier, later = sorted((one, other))
    assert time.after(earlier, amount) <= time.after(later, amount)


@given(calendars(), starts, starts, starts)
def test_spans_add_up_and_are_never_longer_than_the_clock_on_the_wall(time, a, b, c) -> None:
    first, middle, last = sorted(moment.replace(microsecond=0) for moment in (a, b, c))
    assert time.between(first, last) == time.between(first, middle) + time.between(middle, last)
    assert 0 <= time.between(first, last) <= (last - first).total_seconds()


@given(calendars(), starts)
def test_a_moment_is_open_when_time_goes_on_there(time: BusinessTime, start: datetime) -> None:
    start = start.replace(microsecond=0)
    assert time.is_open(start) == bool(time.between(start, start + timedelta(seconds=1)))


# ---- backwards ------------------------------------------------------------


def test_business_time_is_reckoned_backwards_over_nights_and_week_ends() -> None:
    office = BusinessTime(zone=AMSTERDAM, week=WEEKDAYS)
    monday = datetime(2027, 1, 11, 9, 30, tzinfo=AMSTERDAM)
    assert office.before(monday, HOUR) == monday.replace(hour=8, minute=30)
    assert office.before(monday, 2 * HOUR) == datetime(2027, 1, 8, 16, 0, tzinfo=AMSTERDAM)
    assert office.before(datetime(2027, 1, 10, 12, 0, tzinfo=AMSTERDAM), HOUR) == datetime(
        2027, 1, 8, 16, 0, tzinfo=AMSTERDAM
    )
    assert office.before(monday, 0) == monday
    with pytest.raises(NeverOpen):
        BusinessTime(zone=AMSTERDAM, week=((),) * 7).before(monday, HOUR)


@given(
    st.integers(0, 2 * 365 * 24 * 60),
    st.integers(1, 200 * HOUR),
    st.sampled_from([AMSTERDAM, NEW_YORK]),
)
def test_backwards_is_the_last_moment_from_which_so_much_is_left(minutes: int, seconds: int, zone: ZoneInfo) -> None:
    office = BusinessTime(zone=zone, week=WEEKDAYS)
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    start = office.before(at, seconds)
    assert office.between(start, at) == seconds
    assert office.between(start + timedelta(seconds=1), at) == seconds - 1
    assert office.after(start, seconds) <= at

"""Times as people read them: of every moment that a calendar knows, in every time zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils import timezone as clock
from django.utils import translation

from postvak.web.formats import ago, since, when

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MOMENTS = [FIRST, LAST, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1970, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York", "Europe/Amsterdam"])
@pytest.mark.parametrize("language", ["en", "nl", "de"])
@pytest.mark.parametrize("at", MOMENTS, ids=str)
def test_every_moment_can_be_written(at: datetime, language: str, zone: str) -> None:
    with translation.override(language), clock.override(zone):
        for style in ("short", "medium", "long", "full", "date", "time", "seconds", "moment"):
            assert when(at, style)
        assert ago(at)
        assert since(at)


def test_no_moment_is_nothing() -> None:
    assert (when(None), ago(None), since(None)) == ("", "", "")


def test_a_moment_is_written_on_the_readers_clock() -> None:
    with clock.override("Europe/Amsterdam"):
        assert when(datetime(2026, 11, 21, 22, 30, tzinfo=UTC), "time") == "23:30"

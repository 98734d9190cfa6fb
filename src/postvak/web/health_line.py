"""One line on every page of an administrator while something is an alarm. Costs nothing while all is well: web.frame asks."""

import time
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from postvak.notify.health.checks import findings
from postvak.notify.health.finding import Finding, Severity

REMEMBERED = 15.0  # seconds; workers look as often


@dataclass(frozen=True, slots=True)
class Noted:
    """How many alarms the workers noted, since when the newest is there, and until when a worker showed life (None: there
    was none yet)."""

    alarms: int
    since: datetime | None
    worker_until: datetime | None

    def is_well(self, now: datetime) -> bool:
        return not self.alarms and (self.worker_until is None or self.worker_until > now)


@dataclass(frozen=True, slots=True)
class Known:
    """What the checks said, while the same was noted."""

    about: tuple[object, ...]
    made_at: float
    findings: list[Finding]


known: list[Known] = []
lock = Lock()


def alarms(noted: Noted, now: datetime) -> list[Finding]:
    """The most severe first. That no worker works any more, we see here. The checks cost a dozen queries, so what they say is
    remembered for some seconds, until something else is noted."""
    if noted.is_well(now):
        return []
    about = (noted.alarms, noted.since, noted.worker_until is None or noted.worker_until > now)
    with lock:
        fresh = [one for one in known if one.about == about and time.monotonic() - one.made_at < REMEMBERED]
    if fresh:
        return fresh[0].findings
    found = [one for one in findings(now) if one.severity == Severity.alarm]
    with lock:
        known[:] = [Known(about, time.monotonic(), found)]
    return found

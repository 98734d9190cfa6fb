"""The numbers of the reports."""

from datetime import date, timedelta
from typing import Any, Literal

from django.utils import timezone

from postvak.api.frame import ApiRequest, BaseModel, Field, Query, Router, Token, agent_of, invalid
from postvak.api.paging import LARGEST
from postvak.models import replica
from postvak.tickets.access import visible_queues
from postvak.tickets.reports import standing, times, traffic
from postvak.tickets.reports.asked import LONGEST, Asked

router = Router(tags=["Reports"])
READ = Token("reports:read")
USUAL = 30


class Wanted(BaseModel):
    first: date | None = Field(None, description="null: 30 days before the last one.")
    last: date | None = Field(None, description="null: today.")
    queue: int | None = Field(None, ge=1, le=LARGEST)
    brand: int | None = Field(None, ge=1, le=LARGEST)


class Day(BaseModel):
    day: date
    mails_in: int
    answers_out: int
    opened: int
    closed: int
    backlog: int = Field(description="Open at its end.")


class Times(BaseModel):
    """In seconds of business time."""

    number: int
    median: int | None
    p90: int | None
    with_target: int
    in_time: int


class Share(BaseModel):
    number: int
    total: int


class Satisfaction(BaseModel):
    number: int
    average: float | None
    by_value: dict[int, int]


class OpenQueue(BaseModel):
    name: str
    ages: list[int] = Field(description="Open tickets: of today, 1 to 2 days, 3 to 7 days, older.")


class OpenAgent(BaseModel):
    name: str = Field(description="Empty: nobody's.")
    number: int
    waiting: int


class TagNumber(BaseModel):
    name: str
    number: int


class Hour(BaseModel):
    weekday: Literal[0, 1, 2, 3, 4, 5, 6] = Field(description="0 is Monday.")
    hour: int
    mails_in: int


class Report(BaseModel):
    first: date
    last: date
    first_answer: Times
    solution: Times
    reopened: Share
    satisfaction: Satisfaction
    days: list[Day]
    open_by_queue: list[OpenQueue]
    open_by_agent: list[OpenAgent]
    tags: list[TagNumber]
    hours: list[Hour]


def asked_for(request: ApiRequest, wanted: Wanted) -> Asked:
    agent = agent_of(request)
    last = checked(wanted.last, "last") or timezone.localdate()
    first = checked(wanted.first, "first") or last - timedelta(days=USUAL - 1)
    if first > last:
        raise invalid("first", "The first day is after the last one.")
    if (last - first).days >= LONGEST:
        raise invalid("first", f"A report goes over {LONGEST} days at most.")
    if wanted.queue and not visible_queues(agent).filter(pk=wanted.queue).exists():
        raise invalid("queue", "There is no such queue that the agent sees.")
    return Asked(agent, first, last, wanted.queue, wanted.brand)


def checked(day: date | None, name: str) -> date | None:
    if day is not None and not 1970 <= day.year <= 9000:
        raise invalid(name, "That is no day that we know.")
    return day


@router.get("/reports", auth=READ, response=Report)
def get_report(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """All numbers of a period, of the tickets that the agent may read."""
    asked = asked_for(request, wanted)
    return replica.ask(lambda: report_of(asked))


def report_of(asked: Asked) -> dict[str, Any]:
    known = times.clocks()
    return {
        "first": asked.first,
        "last": asked.last,
        "first_answer": times_of(times.first_answers(asked, known)),
        "solution": times_of(times.solutions(asked, known)),
        "reopened": share_of(standing.reopened(asked)),
        "satisfaction": satisfaction_of(standing.satisfaction(asked)),
        "days": [{name: getattr(day, name) for name in Day.model_fields} for day in traffic.per_day(asked)],
        "open_by_queue": [{"name": one.name, "ages": list(one.ages)} for one in standing.open_by_queue(asked)],
        "open_by_agent": [
            {"name": one.name, "number": one.number, "waiting": one.waiting} for one in standing.open_by_agent(asked)
        ],
        "tags": [{"name": name, "number": number} for name, number in standing.tags(asked)],
        "hours": [
            {"weekday": weekday, "hour": hour, "mails_in": number}
            for (weekday, hour), number in sorted(traffic.busiest(asked).items())
        ],
    }


def times_of(found: times.Times) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Times.model_fields}


def share_of(found: standing.Share) -> dict[str, Any]:
    return {"number": found.number, "total": found.total}


def satisfaction_of(found: standing.Satisfaction) -> dict[str, Any]:
    return {"number": found.number, "average": found.average, "by_value": found.by_value}

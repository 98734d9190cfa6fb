"""What stands around every page: whose installation it is, the bell, and whether something is an alarm. One query."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, QuerySet, Subquery

from postvak.models import Agent, AlarmState, Brand, Lease, Membership, Notification, Options, Ticket
from postvak.notify.health.finding import Finding
from postvak.notify.health.mails import WORKER
from postvak.tickets.notices import mark_read
from postvak.tickets.tally import COUNTED_UP_TO, Counted
from postvak.web.desk.unread import Unread, unread_notices
from postvak.web.health_line import Noted, alarms


@dataclass(frozen=True, slots=True)
class Frame:
    """`may_answer`, `may_administer`: in any queue. `more`: what the page at hand asked for beside it."""

    brand_name: str = ""
    unread: Unread = field(default_factory=Unread)
    noted: Noted | None = None
    may_answer: bool = True
    may_administer: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def alarms(self, now: datetime) -> list[Finding]:
        """Nothing for those who are no administrators."""
        return alarms(self.noted, now) if self.noted else []


def frame_of(agent: Agent, **more: Any) -> Frame:
    """`more`: scalars by name that come in the same query. Never stale, also around a page that may be: a lease of a worker holds a minute."""
    news = unread_notices(agent)
    wanted = {
        "brand_name": Subquery(Brand.objects.order_by("pk").values("name")[:1]),
        "unread_number": number_of(news),
        "unread_newest": Subquery(news.values("pk")[:1]),
    }
    wanted |= noted_facts() if agent.is_admin else rights_somewhere(agent)
    options: QuerySet[Any] = Options.objects.using(DEFAULT_DB_ALIAS).annotate(**wanted, **more)
    row = options.values(*wanted, *more).get()
    return Frame(
        brand_name=row["brand_name"] or "",
        unread=Unread(row["unread_number"], row["unread_newest"] or 0),
        noted=Noted(row["alarms"], row["alarm_since"], row["worker_until"]) if agent.is_admin else None,
        may_answer=row.get("may_answer", True),
        may_administer=row.get("may_administer", True),
        more={name: row[name] for name in more},
    )


def frame_on_opening(ticket: Ticket, agent: Agent) -> Frame:
    """After the agent opened the ticket, which reads its notices; writes only when there is something to write."""
    news = unread_notices(agent)
    here, elsewhere = news.filter(ticket=ticket), news.exclude(ticket=ticket)
    frame = frame_of(agent, is_news=Exists(here), elsewhere=number_of(elsewhere))
    if not frame.more["is_news"]:
        return frame
    mark_read(agent, [ticket.pk])
    return replace(frame, unread=replace(frame.unread, number=frame.more["elsewhere"]))


def number_of(news: QuerySet[Notification]) -> Counted:
    return Counted(news.order_by().values("pk")[:COUNTED_UP_TO])


def rights_somewhere(agent: Agent) -> dict[str, Any]:
    mine = Membership.objects.filter(agent=agent)
    return {name: Exists(mine.filter(**{name: True})) for name in ("may_answer", "may_administer")}


def noted_facts() -> dict[str, Any]:
    workers = Lease.objects.filter(name__startswith=WORKER).order_by("-until")
    return {
        "alarms": Counted(AlarmState.objects.values("pk")),
        "alarm_since": Subquery(AlarmState.objects.order_by("-since").values("since")[:1]),
        "worker_until": Subquery(workers.values("until")[:1]),
    }

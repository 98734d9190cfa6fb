"""One line on every page of an administrator while something is an alarm. Costs one small query while all is well."""

from datetime import datetime

from django.db.models import Exists, Subquery
from django.utils import timezone

from postvak.models import Agent, AlarmState, Lease, Options
from postvak.notify.health.checks import findings
from postvak.notify.health.finding import Finding, Severity
from postvak.notify.health.mails import WORKER


def alarms_for(agent: Agent | None) -> list[Finding]:
    """The most severe first. Workers note what they find (AlarmState); that none of them works any more, we see here."""
    if agent is None or not agent.is_admin:
        return []
    now = timezone.now()
    if is_well(now):
        return []
    return [one for one in findings(now) if one.severity == Severity.alarm]


def is_well(now: datetime) -> bool:
    """No alarm is noted, and a worker showed life, or there was none yet."""
    workers = Lease.objects.filter(name__startswith=WORKER).order_by("-until")
    facts = Options.objects.annotate(
        has_alarm=Exists(AlarmState.objects.all()), worker_until=Subquery(workers.values("until")[:1])
    )
    has_alarm, until = facts.values_list("has_alarm", "worker_until").get()
    return not has_alarm and (until is None or until > now)

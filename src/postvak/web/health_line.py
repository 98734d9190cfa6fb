"""One line on every page of an administrator while something is an alarm. Costs two small queries while all is well."""

from django.utils import timezone

from postvak.models import Agent, AlarmState
from postvak.notify.health.checks import findings
from postvak.notify.health.finding import Finding, Severity
from postvak.notify.health.mails import worker_seen


def alarms_for(agent: Agent | None) -> list[Finding]:
    """The most severe first. Workers note what they find (AlarmState); that none of them works any more, we see here."""
    if agent is None or not agent.is_admin:
        return []
    now = timezone.now()
    seen = worker_seen()
    if not AlarmState.objects.exists() and (seen is None or seen > now):
        return []
    return [one for one in findings(now) if one.severity == Severity.alarm]

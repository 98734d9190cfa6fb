"""Mails that couldn't be opened are tried again when a key has come. Who does it is process.reopen, as a job."""

from django.db.models import QuerySet
from django.utils import timezone

from postvak.models import Agent, Job, MailSecurity

KIND = "open_mails"
State = MailSecurity.State
SHUT = (State.NO_KEY, State.DAMAGED)


def waiting() -> "QuerySet[MailSecurity]":
    """Mails that came encrypted and can't be read (an index has them)."""
    return MailSecurity.objects.filter(state__in=SHUT)


def trying() -> "QuerySet[Job]":
    """They are being tried, or will be in a moment."""
    return Job.objects.filter(kind=KIND, state__in=[Job.State.WAITING, Job.State.RUNNING])


def enqueue_again(by: Agent | None = None) -> Job | None:
    """A worker tries all of them soon. Null: none waits. One that is asked for already is enough."""
    if not waiting().exists():
        return None
    asked = Job.objects.filter(kind=KIND, state=Job.State.WAITING).first()
    now = timezone.now()
    return asked or Job.objects.create(kind=KIND, created_at=now, created_by=by, next_attempt_at=now)

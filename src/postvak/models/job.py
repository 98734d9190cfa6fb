"""Job: long work that somebody asked for – an import, an export, a backup –, done by a worker. What an import took over."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """`kind` names the work (jobs.work), `parameters` what of; `point`: how far it is, so that another worker goes on from there;
    `counts`: {what: how many}. `done` of `total` (null: unknown). `said`: why it failed, or what is being done just now.
    `result`: what came of it; `file`: a path below the data directory's `jobs/`, gone after `kept_until`."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits")
        RUNNING = "running", _("runs")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        STOPPED = "stopped", _("stopped")

    kind = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    point = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    said = models.TextField(blank=True, default="")
    result = models.JSONField(default=dict)
    file = models.CharField(max_length=255, blank=True, default="")
    kept_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    is_stopping = models.BooleanField(default=False)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(state__in=["waiting", "running"]), name="job_to_do"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Imported(models.Model):
    """Taken over from another system: `source` ("otobo:desk.example.org", "mails:<digest>"), `kind` and `foreign_key` there, and the
    `row_key` it has here (0: left out, with the reason in `said`). A second import goes on where the first ended and doubles nothing."""

    source = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    foreign_key = models.CharField(max_length=255)
    row_key = models.BigIntegerField(default=0)
    said = models.TextField(blank=True, default="")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "kind", "foreign_key"], name="imported_once")
        ]
        indexes: ClassVar = [models.Index(fields=["job"], condition=models.Q(row_key=0), name="import_problem_by_job")]


class Redaction(models.Model):
    """Words were made unreadable in a message and its raw mail: only how many and why, never which."""

    message = models.ForeignKey("Message", models.CASCADE, related_name="redactions")
    at = models.DateTimeField()
    by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=200)
    places = models.PositiveIntegerField()

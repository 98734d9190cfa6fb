"""AutomaticMail: a mail that the pipeline decided on and that is still to be written, or what became of it. Spec 06."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class AutomaticMailQuerySet(models.QuerySet["AutomaticMail"]):
    def claimable(self, now: datetime) -> Self:
        """To be written, due, and in nobody's hands (or abandoned by a worker that died)."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
        return self.filter(free, state=AutomaticMail.State.PENDING, next_attempt_at__lte=now)

    def written_since(self, moment: datetime) -> Self:
        return self.filter(state=AutomaticMail.State.WRITTEN, settled_at__gte=moment)


class AutomaticMail(models.Model):
    """Whoever decides inserts the row in his transaction; notify.automatic composes, freezes and settles it.

    `trigger`: the incoming mail that caused it. `recipients`: plain e-mail addresses. `text`: own words instead of
    the usual ones. `reason` and `parameters`: why it was skipped, a code of log.sentences. `error`: the last failure,
    for administrators. `settled_at`: when it was written or skipped.
    """

    class Kind(models.TextChoices):
        REJECTION = "rejection", _("rejection")
        FORWARD = "forward", _("forwarded mail")
        RELAY = "relay", _("agent's answer by mail")

    class State(models.TextChoices):
        PENDING = "pending", _("to be written")
        WRITTEN = "written", _("written")
        SKIPPED = "skipped", _("not written")

    ticket = models.ForeignKey("Ticket", models.PROTECT, related_name="automatic_mails")
    trigger = models.ForeignKey("Message", models.PROTECT, null=True, blank=True, related_name="caused")
    kind = models.CharField(max_length=16, choices=Kind)
    recipients = models.JSONField(default=list)
    text = models.TextField(blank=True, default="")
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=40, blank=True, default="")
    parameters = models.JSONField(blank=True, default=dict)
    message = models.OneToOneField("Message", models.PROTECT, null=True, blank=True, related_name="automatic")
    settled_at = models.DateTimeField(null=True, blank=True)

    next_attempt_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    objects: ClassVar = AutomaticMailQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state="written", message__isnull=False)
                | (~models.Q(state="written") & models.Q(message__isnull=True)),
                name="written_means_one_message",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(state="pending"), name="automatic_mail_to_do"),
            models.Index(fields=["settled_at"], condition=models.Q(state="written"), name="automatic_mail_written"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

"""AutomaticMail: a mail that was decided on and is still to be written, or what became of it. Spec 06."""

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class AutomaticMailQuerySet(models.QuerySet["AutomaticMail"]):
    def claimable(self, now: datetime) -> Self:
        """To be written, due, and in nobody's hands (or abandoned by a worker that died)."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
        return self.filter(free, state=AutomaticMail.State.PENDING, next_attempt_at__lte=now)

    def to(self, addresses: Collection[str]) -> Self:
        """Normalised ones. The second condition says nothing new; SQLite needs it to see the index of those that have an address."""
        return self.filter(address__in=addresses).exclude(address="")

    def written_since(self, moment: datetime) -> Self:
        return self.filter(state=AutomaticMail.State.WRITTEN, settled_at__gte=moment)


class AutomaticMail(models.Model):
    """Whoever decides inserts the row in his transaction; notify.automatic composes, freezes and settles it.

    `trigger`: the message that caused it. `recipients`: plain e-mail addresses. `text`: own words instead of
    the usual ones. `agent`: whose words a relay sends on. `reason` and `parameters`: why it was skipped, a code of
    log.sentences. `error`: the last failure, for administrators. `settled_at`: when it was written or skipped.

    Mails of a rule have one recipient, `address` (normalised), and `occasion`: what happened, so that nothing is told
    twice ("message:17", "status:83", "due_near:5:2026-11-22T10:00:00+00:00"). A notice is for the agent `reader` and no
    message of the ticket: `outgoing` is its mail, or the digest that it went into. `own_address`: which of ours it came from.
    """

    class Kind(models.TextChoices):
        REJECTION = "rejection", _("rejection")
        FORWARD = "forward", _("forwarded mail")
        RELAY = "relay", _("agent's answer by mail")
        RULE = "rule", _("mail of a rule")
        NOTICE = "notice", _("mail to an agent")

    class State(models.TextChoices):
        PENDING = "pending", _("to be written")
        COLLECTED = "collected", _("waits for the digest")
        WRITTEN = "written", _("written")
        SKIPPED = "skipped", _("not written")

    ticket = models.ForeignKey("Ticket", models.PROTECT, related_name="automatic_mails")
    trigger = models.ForeignKey("Message", models.PROTECT, null=True, blank=True, related_name="caused")
    kind = models.CharField(max_length=16, choices=Kind)
    recipients = models.JSONField(default=list)
    text = models.TextField(blank=True, default="")
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    rule = models.ForeignKey("Rule", models.PROTECT, null=True, blank=True, related_name="mails")
    occasion = models.CharField(max_length=80, blank=True, default="")
    address = models.CharField(max_length=320, blank=True, default="")
    own_address = models.CharField(max_length=320, blank=True, default="")
    reader = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    outgoing = models.ForeignKey("OutgoingMail", models.PROTECT, null=True, blank=True, related_name="notices")

    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
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
                condition=models.Q(state="written", message__isnull=False, outgoing__isnull=True)
                | models.Q(state="written", message__isnull=True, outgoing__isnull=False)
                | (~models.Q(state="written") & models.Q(message__isnull=True, outgoing__isnull=True)),
                name="written_means_one_mail",
            ),
            models.UniqueConstraint(
                fields=["rule", "occasion", "address"], condition=~models.Q(occasion=""), name="told_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(state="pending"), name="automatic_mail_to_do"),
            models.Index(fields=["settled_at"], condition=models.Q(state="written"), name="automatic_mail_written"),
            models.Index(fields=["address", "-settled_at"], condition=~models.Q(address=""), name="automatic_mail_to"),
            models.Index(fields=["reader"], condition=models.Q(state="collected"), name="automatic_mail_collected"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

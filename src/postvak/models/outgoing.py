"""Outgoing mail: one mail in the outbox, frozen. Delivery: its fate for one recipient. DeliveryEvent: the story."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from postvak.models.beside import Beside

if TYPE_CHECKING:
    from postvak.models.ticket import Ticket


class OutgoingQuerySet(models.QuerySet["OutgoingMail"]):
    def claimable(self, now: datetime) -> Self:
        """Due, unclaimed (or abandoned by a worker that died), on a channel that is not paused."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
        awake = models.Q(channel__paused_until=None) | models.Q(channel__paused_until__lte=now)
        return self.filter(free, awake, next_attempt_at__lte=now)

    def on(self, channel: int | models.OuterRef) -> Self:
        """Beside: those that are due are few, those of a channel are all that it ever sent."""
        return self.filter(Exact(Beside(models.F("channel_id"), output_field=models.BigIntegerField()), channel))


class OutgoingMail(models.Model):
    """Envelope and bytes are frozen when the agent presses send. A mail to agents is no `message` of a conversation: it has
    `ticket` (null: it tells of several), `author_email`, `subject` and `message_id_header` itself. `next_attempt_at` is null when nothing is left to do.

    `send_at`: the time that the agent chose; null: at once. `before`: what taking back gives the ticket again (see
    tickets.take_back). `retried_at`: when a person last asked for another try; the days until giving up count anew.
    `protection`: what must happen before a byte of it leaves, send.protect; null: nothing. Its blob is sealed when it says `encrypt`.
    """

    message = models.OneToOneField("Message", models.PROTECT, null=True, blank=True, related_name="outgoing")
    ticket = models.ForeignKey("Ticket", models.PROTECT, null=True, blank=True, related_name="notices")
    author_email = models.CharField(max_length=320, blank=True, default="")
    subject = models.TextField(blank=True, default="")
    message_id_header = models.CharField(max_length=255, blank=True, default="")
    channel = models.ForeignKey("Channel", models.PROTECT, related_name="+")
    envelope_from = models.CharField(max_length=320, blank=True)
    blob = models.ForeignKey("Blob", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    send_at = models.DateTimeField(null=True, blank=True)
    retried_at = models.DateTimeField(null=True, blank=True)
    before = models.JSONField(blank=True, default=dict)
    protection = models.JSONField(null=True, blank=True)

    objects: ClassVar = OutgoingQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False), name="outgoing_to_do"
            )
        ]

    def __str__(self) -> str:
        return f"outgoing mail {self.pk}"

    @property
    def about(self) -> "Ticket | None":
        """Where it belongs; null: a mail to an agent that tells of several tickets."""
        return self.message.ticket if self.message else self.ticket

    @property
    def title(self) -> str:
        return self.message.subject if self.message else self.subject

    @property
    def own_id(self) -> str:
        """Its Message-ID."""
        return self.message.message_id if self.message else self.message_id_header

    @property
    def is_later(self) -> bool:
        """It waits for the time that its agent chose."""
        return self.send_at is not None and self.attempts == 0 and self.send_at > timezone.now()


class Delivery(models.Model):
    """`is_judged`: its failure was looked at: does the address go on the suppression list? `remote_id`: the server's
    queue id, or the provider's id of the mail, which his events name."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        DEFERRED = "deferred", _("deferred")
        ACCEPTED = "accepted", _("accepted")
        DELIVERED = "delivered", _("delivered")
        BOUNCED = "bounced", _("bounced")
        BLOCKED = "blocked", _("blocked")
        COMPLAINED = "complained", _("complained")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        IN_DOUBT = "in_doubt", _("in doubt")

    RETURNED: ClassVar = (State.FAILED, State.BOUNCED, State.COMPLAINED)

    outgoing = models.ForeignKey(OutgoingMail, models.CASCADE, related_name="deliveries")
    recipient = models.CharField(max_length=320)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    resent = models.BooleanField(default=False)
    code = models.PositiveSmallIntegerField(null=True, blank=True)
    said = models.TextField(blank=True, default="")
    changed_at = models.DateTimeField()
    is_judged = models.BooleanField(default=False)
    remote_id = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["outgoing", "recipient"], name="recipient_once")]
        indexes: ClassVar = [
            models.Index(fields=["state", "-outgoing"], name="delivery_by_state"),
            models.Index(fields=["remote_id"], condition=~models.Q(remote_id=""), name="delivery_by_remote_id"),
            models.Index(
                fields=["id"],
                condition=models.Q(is_judged=False, state__in=["failed", "bounced", "complained"]),
                name="delivery_to_judge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.state}"


class DeliveryEvent(models.Model):
    """One thing that happened to a delivery: `kind` is a state, "attempt", "delayed", "retry", "replaced", "opened" or
    "clicked"; `said` the server's own words, or the address that it was replaced by; `agent` who did it. `source_id`:
    the provider's id of the event, so that one that is reported twice is written once."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=16)
    code = models.PositiveSmallIntegerField(null=True, blank=True)
    said = models.TextField(blank=True, default="")
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    source_id = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["delivery", "source_id"], condition=~models.Q(source_id=""), name="event_once"
            )
        ]


class SentCopy(models.Model):
    """A copy of an accepted mail that still has to be put into an IMAP folder; the row goes when it is there.

    Its failures never touch the mail itself. `mailbox` and `folder`: as the channel had them.
    """

    outgoing = models.OneToOneField(OutgoingMail, models.CASCADE, related_name="copy")
    mailbox = models.ForeignKey("Mailbox", models.CASCADE, related_name="+")
    folder = models.CharField(max_length=255)
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    said = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"copy of outgoing mail {self.outgoing_id}"

"""Receipt: one incoming mail as received. Trace: why it became what it became."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def claimable(self, now: datetime) -> Self:
        """Due and in nobody's hands: fresh ones, and those whose worker died (its lease ran out)."""
        waiting = models.Q(state=Receipt.State.RECEIVED, next_attempt_at__lte=now)
        abandoned = models.Q(state=Receipt.State.PROCESSING, claimed_until__lt=now)
        return self.exclude(state=Receipt.State.DONE).filter(waiting | abandoned)

    def held(self) -> Self:
        return self.filter(outcome=Receipt.Outcome.HELD)

    def set_aside(self) -> Self:
        """Stored, but on no ticket for a reason that a person may overrule."""
        return self.filter(outcome__in=[Receipt.Outcome.HELD, Receipt.Outcome.IGNORED, Receipt.Outcome.BEFORE_START])


class Receipt(models.Model):
    """`source` names the mail on its mailbox for ever ("INBOX/1699/42", "UIDL/…", SHA-256 for the command line).

    `fingerprint` (mail.values.Mail.fingerprint) is set only on the first receipt of a mail: its uniqueness is
    what stops two workers from making two tickets of two copies. `next_attempt_at` is null while the mailbox only
    looks. A person who saw a held mail may release it (`is_released`: the doubts don't count any more) and send it
    to `wanted_queue`. `written_to`: the addresses in To and Cc, with ", " between them. `blob` is null when the retention rule has dropped the bytes.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        PROCESSING = "processing", _("being processed")
        DONE = "done", _("done")

    class Outcome(models.TextChoices):
        NEW_TICKET = "new_ticket", _("ticket created")
        FOLLOW_UP = "follow_up", _("added to ticket")
        GROUPED = "grouped", _("grouped with recent ticket")
        NEW_TICKET_INSTEAD = "new_ticket_instead", _("new ticket instead of closed one")
        REJECTED = "rejected", _("rejected")
        DELIVERY_REPORT = "delivery_report", _("delivery report")
        IGNORED = "ignored", _("ignored")
        DUPLICATE = "duplicate", _("duplicate")
        BEFORE_START = "before_start", _("before start date")
        HELD = "held", _("held")

    mailbox = models.ForeignKey("Mailbox", models.PROTECT, related_name="receipts")
    source = models.CharField(max_length=400)
    blob = models.ForeignKey("Blob", models.PROTECT, null=True, blank=True, related_name="+")
    size = models.BigIntegerField()
    received_at = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True, blank=True)
    envelope_from = models.CharField(max_length=320, blank=True, default="")
    envelope_to = models.JSONField(default=list)
    remote_ip = models.CharField(max_length=45, blank=True, default="")
    helo = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - a column without default is added to millions of rows at once

    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    is_released = models.BooleanField(default=False)
    wanted_queue = models.ForeignKey("Queue", models.SET_NULL, null=True, blank=True, related_name="+")

    outcome = models.CharField(max_length=20, choices=Outcome, blank=True, default="")
    processed_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.FloatField(null=True, blank=True)
    ticket = models.ForeignKey("Ticket", models.PROTECT, null=True, blank=True, related_name="receipts")
    message = models.ForeignKey("Message", models.PROTECT, null=True, blank=True, related_name="receipts")
    first = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="copies")
    fingerprint = models.CharField(max_length=64, null=True, blank=True)
    message_id_header = models.CharField(max_length=255, blank=True, default="")
    author_email = models.CharField(max_length=320, blank=True, default="")
    written_to = models.TextField(blank=True, default="")
    subject = models.TextField(blank=True, default="")

    objects: ClassVar = ReceiptQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "source"], name="receipt_source_once"),
            models.UniqueConstraint(fields=["fingerprint"], name="receipt_fingerprint_once"),
            models.CheckConstraint(
                condition=models.Q(state="done", outcome__gt="") | (~models.Q(state="done") & models.Q(outcome="")),
                name="done_means_one_outcome",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=~models.Q(state="done"), name="receipt_to_do"),
            models.Index(fields=["mailbox", "id"], condition=~models.Q(state="done"), name="receipt_to_do_by_mailbox"),
            models.Index(fields=["outcome", "-received_at"], name="receipt_by_outcome"),
            models.Index(
                fields=["message_id_header"], condition=~models.Q(message_id_header=""), name="receipt_by_message_id"
            ),
        ]

    def __str__(self) -> str:
        return f"receipt {self.pk}"


class Trace(models.Model):
    """`entries`: the reasons in order, each `[step, code, {parameter: value}]`; sentences are in log.sentences."""

    receipt = models.OneToOneField(Receipt, models.CASCADE, related_name="trace", primary_key=True)
    entries = models.JSONField(default=list)

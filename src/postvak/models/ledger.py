"""The ledger: one line for each mail that came in and for each recipient of one that goes out. Spec 07.

Triggers (models.ledger_triggers) write the lines from Receipt and Delivery, so that no way of making or changing one can be
forgotten; nobody else writes here. Lines stay when bytes, tickets and logs are gone.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerEntry(models.Model):
    """`state`: of a receipt its outcome (in progress: "received"), of a delivery its state. `at`: when we got the mail, or when
    it was put into the outbox; rising with `id`, but for what is received again. `numbers`: Message-ID, the server's queue
    id and the ticket's number, for the search. Plain keys: mailbox, channel, queue and ticket may be gone by now.

    The words of sender, recipients, subject and numbers are indexed: on SQLite by the FTS5 table postvak_ledgerwords, on
    PostgreSQL by a GIN index (log.ledger.words).
    """

    class Direction(models.TextChoices):
        IN = "in", _("incoming")
        OUT = "out", _("outgoing")

    direction = models.CharField(max_length=3, choices=Direction)
    at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True, default="")
    recipients = models.TextField(blank=True, default="")
    subject = models.CharField(max_length=255, blank=True, default="")
    state = models.CharField(max_length=20)
    mailbox = models.ForeignKey(
        "Mailbox", models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    channel = models.ForeignKey(
        "Channel", models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    queue = models.ForeignKey(
        "Queue", models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    ticket = models.ForeignKey("Ticket", models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    message = models.ForeignKey("Message", models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    receipt = models.OneToOneField("Receipt", models.DO_NOTHING, null=True, db_constraint=False, related_name="line")
    delivery = models.OneToOneField("Delivery", models.DO_NOTHING, null=True, db_constraint=False, related_name="line")
    numbers = models.TextField(blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="ledger_by_time"),
            models.Index(fields=["state", "id"], name="ledger_by_state"),
            models.Index(fields=["sender", "id"], name="ledger_by_sender"),
            models.Index(fields=["mailbox", "id"], condition=models.Q(mailbox__isnull=False), name="ledger_by_mailbox"),
            models.Index(fields=["channel", "id"], condition=models.Q(channel__isnull=False), name="ledger_by_channel"),
            models.Index(fields=["queue", "id"], condition=models.Q(queue__isnull=False), name="ledger_by_queue"),
        ]

    def __str__(self) -> str:
        return f"line {self.pk} of the ledger"


class LedgerTally(models.Model):
    """How many lines of an hour (UTC) a mailbox or channel has in this state; folded from LedgerDelta (log.ledger.numbers)."""

    hour = models.DateTimeField()
    direction = models.CharField(max_length=3, choices=LedgerEntry.Direction)
    account = models.BigIntegerField()
    state = models.CharField(max_length=20)
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hour", "direction", "account", "state"], name="ledger_tally_once")
        ]


class LedgerDelta(models.Model):
    """One more or less, not yet added to LedgerTally."""

    hour = models.DateTimeField()
    direction = models.CharField(max_length=3, choices=LedgerEntry.Direction)
    account = models.BigIntegerField()
    state = models.CharField(max_length=20)
    number = models.SmallIntegerField()

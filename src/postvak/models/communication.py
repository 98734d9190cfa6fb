"""The communication log: each talk with a mail server, what was talked about, and every step of it. Spec 07.

Communication: one fetch of a mailbox, one session of a sender, one connection that came in. CommunicationObject: its
connection, and each mail in it. CommunicationEntry: a step, as a code of log.talk_sentences with parameters. Rows go
after the days of the options; the ledger stays.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Communication(models.Model):
    """`account`: name of the mailbox or channel then; `transport`: "imap", "pop3", "smtp", "lmtp", "http", "pipe", "file" or a
    provider's name. `duration_ms`: null while it runs. `mails`: how many mails it was about. `worker`: who does it, so that
    those of a worker that died are ended as failed."""

    class Direction(models.TextChoices):
        IN = "in", _("incoming")
        OUT = "out", _("outgoing")

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCESSFUL = "successful", _("successful")
        WARNING = "warning", _("with warnings")
        FAILED = "failed", _("failed")

    direction = models.CharField(max_length=3, choices=Direction)
    transport = models.CharField(max_length=20)
    mailbox = models.ForeignKey("Mailbox", models.CASCADE, null=True, blank=True, related_name="+")
    channel = models.ForeignKey("Channel", models.CASCADE, null=True, blank=True, related_name="+")
    account = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.FloatField(null=True, blank=True)
    mails = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["started_at"], name="communication_by_start"),
            models.Index(fields=["state", "started_at"], name="communication_by_state"),
            models.Index(fields=["account", "started_at"], name="communication_by_account"),
            models.Index(fields=["duration_ms"], name="communication_by_duration"),
            models.Index(fields=["ended_at"], name="communication_by_end"),
        ]

    def __str__(self) -> str:
        return f"communication {self.pk}"


class CommunicationObject(models.Model):
    """`connection` with a server (`name`: its host), or a `message` (`name`: its subject or source)."""

    class Kind(models.TextChoices):
        CONNECTION = "connection", _("connection")
        MESSAGE = "message", _("mail")

    communication = models.ForeignKey(Communication, models.CASCADE, related_name="objects_of")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=255, blank=True, default="")
    state = models.CharField(max_length=10, choices=Communication.State, default=Communication.State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    receipt = models.ForeignKey("Receipt", models.SET_NULL, null=True, blank=True, related_name="talks")
    outgoing = models.ForeignKey("OutgoingMail", models.SET_NULL, null=True, blank=True, related_name="talks")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} of communication {self.communication_id}"


class CommunicationEntry(models.Model):
    """One step. `module`: the part of Postvak that wrote it ("receive.imap"). The words of `parameters` are indexed: on SQLite by
    the FTS5 table postvak_talkwords, on PostgreSQL by a GIN index; not those of debug entries."""

    class Priority(models.IntegerChoices):
        DEBUG = 10, _("debug")
        INFO = 20, _("info")
        NOTICE = 30, _("notice")
        WARNING = 40, _("warning")
        ERROR = 50, _("error")

    about = models.ForeignKey(CommunicationObject, models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.INFO)
    module = models.CharField(max_length=40)
    code = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["at"], condition=models.Q(priority=10), name="debug_entry_by_time"),
            models.Index(fields=["code", "id"], name="entry_by_code"),
        ]

    def __str__(self) -> str:
        return f"{self.module}: {self.code}"

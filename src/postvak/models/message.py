"""Message: one entry of a ticket's conversation. Attachment: a file in it, cut out of the raw mail on demand."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """`blob` holds the raw mail (null for notes). `message_id` in the form of mail.threading.canonical_message_id."""

    class Kind(models.TextChoices):
        INCOMING = "incoming", _("incoming mail")
        OUTGOING = "outgoing", _("outgoing mail")
        NOTE = "note", _("internal note")

    ticket = models.ForeignKey("Ticket", models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind)
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    customer = models.ForeignKey("Customer", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    author_name = models.CharField(max_length=200, blank=True, default="")
    author_email = models.CharField(max_length=320, blank=True, default="")
    to = models.JSONField(default=list)
    cc = models.JSONField(default=list)
    subject = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    has_html = models.BooleanField(default=False)
    mail_kind = models.CharField(max_length=12, blank=True, default="")
    message_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    references = models.JSONField(default=list)
    blob = models.ForeignKey("Blob", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind="note") | models.Q(blob__isnull=False), name="mail_has_its_bytes"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Attachment(models.Model):
    """`part` numbers the MIME part in the message's raw mail (mail.parse.attachment_content)."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments")
    part = models.PositiveIntegerField()
    name = models.TextField()
    content_type = models.CharField(max_length=255)
    size = models.BigIntegerField()
    content_id = models.TextField(blank=True, default="")
    is_inline = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["part"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["message", "part"], name="attachment_part_once")]

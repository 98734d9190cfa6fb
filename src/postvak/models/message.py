"""Message: one entry of a ticket's conversation. Attachment: a file in it, cut out of the raw mail on demand."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """`blob` holds the raw mail (null for notes). `message_id` in the form of mail.threading.canonical_message_id.

    `is_internal`: never shown or quoted to the customer, also when it is a mail. `moved_from`: the ticket that it was
    on first. `side`: the conversation with a third party that it belongs to. `taken_back_at`: when an agent stopped the mail before anybody got it; it is kept, but answers nothing.
    `trust`: who sent an incoming mail, `{"level": trust.values.Level, "why": [[code, {parameter: value}], …]}`; null: not judged.
    """

    class Kind(models.TextChoices):
        INCOMING = "incoming", _("incoming mail")
        OUTGOING = "outgoing", _("outgoing mail")
        NOTE = "note", _("internal note")

    class AuthorKind(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        AGENT = "agent", _("agent")
        SYSTEM = "system", _("system")

    class Purpose(models.TextChoices):
        """What an outgoing mail is. A forward or a redirected mail goes to somebody else than the customer and is internal."""

        ANSWER = "", _("answer")
        FIRST = "first", _("first mail")
        FORWARD = "forward", _("forwarded mail")
        REDIRECT = "redirect", _("redirected mail")
        AGAIN = "again", _("mail sent again")
        SIDE = "side", _("mail to a third party")

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
    author_kind = models.CharField(max_length=8, choices=AuthorKind, default=AuthorKind.CUSTOMER)
    purpose = models.CharField(max_length=8, choices=Purpose, blank=True, default=Purpose.ANSWER)
    is_internal = models.BooleanField(default=False)
    mail_kind = models.CharField(max_length=12, blank=True, default="")
    message_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    references = models.JSONField(default=list)
    blob = models.ForeignKey("Blob", models.PROTECT, null=True, blank=True, related_name="+")
    taken_back_at = models.DateTimeField(null=True, blank=True)
    trust = models.JSONField(null=True, blank=True)
    side = models.ForeignKey("SideConversation", models.SET_NULL, null=True, blank=True, related_name="messages")
    moved_from = models.ForeignKey("Ticket", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="message_by_time")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind="note") | models.Q(blob__isnull=False), name="mail_has_its_bytes"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ReferencedId(models.Model):
    """A Message-ID that a message names in References or In-Reply-To and that is no message of ours (yet): other
    mails of the same conversation may name it too. It hangs on the message, so it moves with it."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="referenced")
    value = models.CharField(max_length=255, db_index=True)


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

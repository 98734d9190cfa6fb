"""Draft: a mail or note that an agent is writing, kept while he writes and seen by his team. Spec 04."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class StoredFile(models.Model):
    """A file that lies in a blob until it is sent. With `content_id` (without <>) the HTML shows it as cid:…"""

    name = models.TextField()
    content_type = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    content_id = models.CharField(max_length=100, blank=True, default="")
    blob = models.ForeignKey("postvak.Blob", models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """At most one per ticket, agent and kind. `ticket` is null for a new mail, which has a `queue` instead.

    `about`: the message that is answered, forwarded or redirected. `address`: the agent's choice of a sending address,
    null for the usual one. `to`, `cc`, `bcc`: as typed. `html` is clean (mail.html). `known`: key of the newest
    customer's mail that the agent saw. `sign`, `encrypt`: the agent's choice, null: as usual. `revision` counts changes: who saves an older one is told.
    """

    class Kind(models.TextChoices):
        REPLY = "reply", _("Answer")
        REPLY_ALL = "all", _("Answer all")
        FORWARD = "forward", _("Forward")
        REDIRECT = "redirect", _("Redirect")
        NEW = "new", _("New mail")
        NOTE = "note", _("Internal note")

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="drafts")
    ticket = models.ForeignKey("Ticket", models.CASCADE, null=True, blank=True, related_name="drafts")
    queue = models.ForeignKey("Queue", models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.REPLY)
    about = models.ForeignKey("Message", models.SET_NULL, null=True, blank=True, related_name="+")
    address = models.ForeignKey("Address", models.SET_NULL, null=True, blank=True, related_name="+")
    to = models.TextField(blank=True, default="")
    cc = models.TextField(blank=True, default="")
    bcc = models.TextField(blank=True, default="")
    subject = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    quotes = models.BooleanField(default=True)
    status_key = models.CharField(max_length=40, blank=True, default="")
    sign = models.BooleanField(null=True, blank=True)
    encrypt = models.BooleanField(null=True, blank=True)
    known = models.PositiveBigIntegerField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-changed_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ticket", "agent", "kind"], condition=models.Q(ticket__isnull=False), name="one_draft_each"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["agent", "-changed_at"], name="draft_by_agent")]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class DraftFile(StoredFile):
    draft = models.ForeignKey(Draft, models.CASCADE, related_name="files")

    class Meta:
        ordering: ClassVar = ["id"]

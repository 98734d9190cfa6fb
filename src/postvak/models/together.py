"""Working together: who is on a ticket now, who was mentioned, what an agent is told."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Presence(models.Model):
    """An agent has the ticket open, and said so at `seen_at`; after a minute without a word he is gone."""

    ticket = models.ForeignKey("Ticket", models.CASCADE, related_name="present")
    agent = models.ForeignKey("Agent", models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    is_typing = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["ticket", "agent"], name="present_once")]
        indexes: ClassVar = [models.Index(fields=["seen_at"], name="presence_by_time")]


class Mention(models.Model):
    """@name in an internal note."""

    message = models.ForeignKey("Message", models.CASCADE, related_name="mentions")
    agent = models.ForeignKey("Agent", models.CASCADE, related_name="mentions")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["message", "agent"], name="mentioned_once")]


class Notification(models.Model):
    """What an agent is told about a ticket. `by`: who caused it; null: a customer or Postvak. At most one unread of a
    kind per agent and ticket, which the next one replaces."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", _("a ticket was given to you")
        ANSWERED = "answered", _("a customer wrote on your ticket")
        MENTIONED = "mentioned", _("you were mentioned")
        NOTED = "noted", _("a colleague wrote a note on your ticket")
        FOLLOWED = "followed", _("news on a ticket that you follow")
        REMINDED = "reminded", _("a reminder is due")
        LATE = "late", _("a ticket is late")
        UNDELIVERED = "undelivered", _("an answer was not delivered")
        OPENED = "opened", _("a new ticket in your queue")
        CHANGED = "changed", _("status, queue or priority changed")
        DUE_NEAR = "due_near", _("an answer is due soon")
        UNANSWERED = "unanswered", _("a customer waits for an answer")
        UNASSIGNED = "unassigned", _("a ticket has no assignee")
        SILENT = "silent", _("a customer doesn't answer")

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="notifications")
    ticket = models.ForeignKey("Ticket", models.CASCADE, related_name="+")
    message = models.ForeignKey("Message", models.CASCADE, null=True, blank=True, related_name="+")
    by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=11, choices=Kind)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["agent", "ticket", "kind"], condition=models.Q(read_at=None), name="unread_notification_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["agent", "-at"], name="notification_by_agent")]


class RemoteContent(models.Model):
    """An agent wants to see pictures from other servers in mails of this sender, always."""

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="+")
    email = models.CharField(max_length=320)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["agent", "email"], name="remote_content_once")]

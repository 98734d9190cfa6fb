"""Ticket: a conversation with number, queue, status, assignee and requester."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.models.priority import NORMAL

if TYPE_CHECKING:
    from postvak.models.agent import Agent
    from postvak.models.tag import Tag, Tagging


class Ticket(models.Model):
    """`is_open` repeats the status' type, because a partial index on it makes every list quick.

    The columns from `preview` on are kept by the verbs in tickets/ for the lists; they repeat facts of the
    messages. `waiting_since`: since when the customer waits for us, null when he doesn't. `fields`: values of custom
    fields, see CustomField. `organisation` is set only when it isn't the customer's own. `closed_at`: when it was last
    closed. `merged_into`: its mails are there now. `is_personal` is a mark; `is_private` hides the ticket from all but its
    assignee, leads of its queue and administrators (tickets.access).

    The columns from `sla` on are kept by tickets/sla: times until which we should have answered first, answered again and
    solved it, null when nothing is due or the clock stands still; `due_at` is the earliest. `waited`: seconds of business time
    that the clock stood still so far, `waits_from`: since when it does. `late_told_at`: when it was told that it is late.
    """

    class Answer(models.TextChoices):
        """What became of our newest mail on this ticket: quiet when all is well."""

        NONE = "", _("nothing on its way")
        WAITING = "waiting", _("answer not out yet")
        LATER = "later", _("answer goes out later")
        FAILED = "failed", _("answer not delivered")
        IN_DOUBT = "in_doubt", _("answer perhaps not delivered")

    number = models.CharField(max_length=40, unique=True)
    subject = models.TextField(_("subject"))
    queue = models.ForeignKey("Queue", models.PROTECT, related_name="tickets", verbose_name=_("queue"))
    status = models.ForeignKey("Status", models.PROTECT, related_name="+", verbose_name=_("status"))
    priority = models.ForeignKey(
        "Priority", models.PROTECT, related_name="+", verbose_name=_("priority"), default=NORMAL, db_column="priority"
    )
    type = models.ForeignKey(
        "TicketType", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("type")
    )
    tags: "models.ManyToManyField[Tag, Tagging]" = models.ManyToManyField(
        "Tag", through="Tagging", related_name="tickets", verbose_name=_("tags")
    )
    fields = models.JSONField(blank=True, default=dict)
    followers: "models.ManyToManyField[Agent, models.Model]" = models.ManyToManyField(
        "Agent", related_name="followed", verbose_name=_("followers")
    )
    assignee = models.ForeignKey(
        "Agent", models.SET_NULL, null=True, blank=True, related_name="tickets", verbose_name=_("assignee")
    )
    customer = models.ForeignKey(
        "Customer", models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("customer")
    )
    organisation = models.ForeignKey(
        "Organisation", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organisation")
    )
    pending_until = models.DateTimeField(_("pending until"), null=True, blank=True)
    is_spam = models.BooleanField(_("spam"), default=False)
    is_personal = models.BooleanField(_("personal"), default=False)
    is_private = models.BooleanField(_("private"), default=False)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    reply_address = models.ForeignKey("Address", models.PROTECT, null=True, blank=True, related_name="+")
    reply_via = models.ForeignKey("Channel", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    is_open = models.BooleanField(default=True)

    preview = models.CharField(max_length=200, blank=True, default="")
    message_count = models.PositiveIntegerField(default=0)
    attachment_count = models.PositiveIntegerField(default=0)
    is_unread = models.BooleanField(default=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=8, choices=Answer, blank=True, default=Answer.NONE)
    first_answered_at = models.DateTimeField(null=True, blank=True)

    sla = models.ForeignKey("Sla", models.SET_NULL, null=True, blank=True, related_name="+")
    first_due_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    solution_due_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    waited = models.PositiveIntegerField(default=0)
    waits_from = models.DateTimeField(null=True, blank=True)
    late_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["queue", "-changed_at"], condition=models.Q(is_open=True), name="open_by_queue"),
            models.Index(fields=["-changed_at"], condition=models.Q(is_open=True), name="open_by_change"),
            models.Index(fields=["assignee", "-changed_at"], condition=models.Q(is_open=True), name="open_by_assignee"),
            models.Index(fields=["-changed_at", "id"], name="ticket_by_change"),
            models.Index(fields=["answer"], condition=~models.Q(answer=""), name="ticket_answer_state"),
            models.Index(
                fields=["pending_until"], condition=models.Q(pending_until__isnull=False), name="ticket_reminder"
            ),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="ticket_due"),
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False, late_told_at=None),
                name="ticket_late_to_tell",
            ),
            models.Index(
                fields=["waiting_since"], condition=models.Q(waiting_since__isnull=False), name="ticket_customer_waits"
            ),
            models.Index(fields=["-changed_at"], condition=models.Q(is_spam=True), name="spam_by_change"),
            models.Index(fields=["customer", "-changed_at"], name="ticket_by_customer"),
            models.Index(fields=["created_at"], name="ticket_by_creation"),
            models.Index(fields=["closed_at"], condition=models.Q(closed_at__isnull=False), name="ticket_by_closing"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"

    @staticmethod
    def preview_of(text: str) -> str:
        """The beginning of a message on one line, for lists."""
        return " ".join(text[:1000].split())[:200]


class Participant(models.Model):
    """Another customer in the conversation than the requester; may write to the ticket."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="participants")
    customer = models.ForeignKey("Customer", models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["ticket", "customer"], name="participant_once")]


class TicketLink(models.Model):
    """Two tickets that have to do with each other; `kind` says how `ticket` came from `origin`."""

    class Kind(models.TextChoices):
        INSTEAD = "instead", _("opened instead of")
        WANTED_TO_JOIN = "wanted", _("named by a stranger's mail")
        SPLIT = "split", _("split off from")
        MERGED = "merged", _("merged into")
        RELATED = "related", _("related to")
        PART = "part", _("part of")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="links")
    origin = models.ForeignKey(Ticket, models.CASCADE, related_name="backlinks")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RELATED)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["ticket", "origin"], name="link_once")]


class ExternalLink(models.Model):
    """A record elsewhere that the ticket has to do with: an invoice, an order. `url` is http or https."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="external_links")
    url = models.URLField(_("address"), max_length=2000)
    title = models.CharField(_("title"), max_length=200)
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)


class SideConversation(models.Model):
    """Mail with a third party about the ticket, apart from the customer's thread. Its messages are internal."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="side_conversations")
    subject = models.TextField(_("subject"))
    agent = models.ForeignKey("Agent", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()


class TicketCounter(models.Model):
    """The last counter given out on a day; its row lock makes numbers unique and without gaps."""

    day = models.DateField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

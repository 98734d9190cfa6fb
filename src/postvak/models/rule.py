"""Rule: one line of the message centre, a mail that Postvak sends by itself. Beside it what stops such mail. Spec 06."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from postvak.models.draft import StoredFile
from postvak.models.protection import Protected


class Rule(Protected):
    """`key`: of a shipped rule (notify.shipped has its name and texts), "" for one of an administrator.

    `trigger`: what happens before it is asked. `recipients`: words of notify.recipients ("requester", "participants",
    "assignee", "followers", "members", "leads", "agent:5", "address:boss@example.org" …). `conditions`: as of a filter
    (conditions.condition), on fields of notify.rules.fields; `match`: all of them or any.

    `minutes`: of a trigger by time, how long after (before: DUE_NEAR); on `calendar` business time, else the clock's.
    `hour`: of the digest, on each agent's clock. `status`: what the ticket becomes besides, null: as it is.

    `delivery`: of mail to agents; each may choose for himself (RuleChoice). `once`: how often for a ticket. `per_day`: most
    mails of this rule to one address in 24 hours, null: no limit. `on_since`: what happened before is none of its business;
    `looked_until`: moments up to then were looked at (triggers by time).
    """

    class Trigger(models.TextChoices):
        NEW_TICKET = "new_ticket", _("a ticket is opened")
        INSTEAD = "instead", _("a ticket is opened instead of a closed one")
        FOLLOW_UP = "follow_up", _("a customer writes on a ticket")
        REJECTED = "rejected", _("a mail on a closed ticket is rejected")
        NOTED = "noted", _("a colleague writes a note")
        MENTIONED = "mentioned", _("somebody is mentioned in a note")
        ASSIGNED = "assigned", _("a ticket gets an assignee")
        STATUS = "status", _("the status changes")
        CLOSED = "closed", _("a ticket is closed")
        REOPENED = "reopened", _("a closed ticket is opened again")
        QUEUE = "queue", _("a ticket moves to another queue")
        PRIORITY = "priority", _("the priority changes")
        UNDELIVERED = "undelivered", _("an answer could not be delivered")
        PENDING = "pending", _("a reminder is due")
        DUE_NEAR = "due_near", _("an answer is due soon")
        LATE = "late", _("an answer is late")
        UNANSWERED = "unanswered", _("a customer waits for an answer")
        UNASSIGNED = "unassigned", _("a ticket has no assignee")
        SILENT = "silent", _("a customer doesn't answer")
        ACCOUNT = "account", _("a mailbox or channel is broken")
        CERTIFICATE = "certificate", _("a certificate expires")
        DIGEST = "digest", _("each day at a certain hour")

    class Delivery(models.TextChoices):
        MAIL = "mail", _("by mail at once")
        DIGEST = "digest", _("in the daily digest")
        APP = "app", _("in Postvak only")
        NONE = "none", _("not at all")

    class Once(models.TextChoices):
        EACH = "each", _("each time")
        DAY = "day", _("once a day for a ticket")
        TICKET = "ticket", _("once for a ticket")

    key = models.SlugField(max_length=40, blank=True, default="")
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    trigger = models.CharField(_("when"), max_length=12, choices=Trigger)
    recipients = models.JSONField(_("to whom"), default=list)
    match = models.CharField(max_length=3, default="all")
    conditions = models.JSONField(default=list)
    minutes = models.PositiveIntegerField(_("minutes"), null=True, blank=True)
    calendar = models.ForeignKey(
        "Calendar", models.PROTECT, null=True, blank=True, related_name="rules", verbose_name=_("business hours")
    )
    hour = models.PositiveSmallIntegerField(_("hour"), null=True, blank=True)
    status = models.ForeignKey(
        "Status", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("status afterwards")
    )
    delivery = models.CharField(_("for agents"), max_length=6, choices=Delivery, default=Delivery.MAIL)
    once = models.CharField(_("how often"), max_length=6, choices=Once, default=Once.EACH)
    per_day = models.PositiveSmallIntegerField(_("mails to one address in 24 hours"), null=True, blank=True)
    is_on = models.BooleanField(_("switched on"), default=False)
    on_since = models.DateTimeField(null=True, blank=True)
    looked_until = models.DateTimeField(null=True, blank=True)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=~models.Q(key=""), name="shipped_rule_once"),
            models.CheckConstraint(condition=~models.Q(key="") | ~models.Q(name=""), name="rule_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name or self.key


class RuleText(models.Model):
    """What a rule says in one language; "" is for all that have none of their own. Where there is none, a shipped rule says
    what it was shipped with. `html` is clean (mail.html); both may hold placeholders (mail.placeholders)."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=500, blank=True, default="")
    html = models.TextField(_("text"), blank=True, default="")

    class Meta:
        ordering: ClassVar = ["language"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "language"], name="rule_text_once")]


class RuleFile(StoredFile):
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="files")

    class Meta:
        ordering: ClassVar = ["id"]


class RuleChoice(models.Model):
    """How an agent wants the mails of a rule; without a row as the rule says."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="choices")
    agent = models.ForeignKey("Agent", models.CASCADE, related_name="rule_choices")
    delivery = models.CharField(max_length=6, choices=Rule.Delivery)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "agent"], name="rule_choice_once")]


class Digest(models.Model):
    """An agent had his digest of this day (on his own clock)."""

    agent = models.ForeignKey("Agent", models.CASCADE, related_name="digests")
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["agent", "day"], name="digest_once")]


class Blocked(models.Model):
    """The block list: automatic mail never goes to this address, "@domain", or pattern with "*"; in small letters."""

    pattern = models.CharField(_("address, @domain or pattern"), max_length=320)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["pattern"]
        constraints: ClassVar = [models.UniqueConstraint(Lower("pattern"), name="blocked_once")]

    def __str__(self) -> str:
        return self.pattern


class LoopBreak(models.Model):
    """The loop breaker opened: between `ours` (an address of ours) and `theirs` no automatic mail goes any more, until a person
    resumes, or nothing was stopped for a day. `code`: which limit, a code of log.sentences, `parameters`: its numbers;
    `stopped`: mails that didn't go out, or receipts that were held. `ours` is "" where all of ours together were too many."""

    ours = models.CharField(max_length=320, blank=True, default="")
    theirs = models.CharField(max_length=320)
    code = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    stopped = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey("Agent", models.SET_NULL, null=True, blank=True, related_name="+")
    is_blocked = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["-last_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ours", "theirs", "code"], condition=models.Q(closed_at=None), name="loop_broken_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["theirs", "-last_at"], name="loop_by_address"),
            models.Index(fields=["-last_at"], name="loop_by_time"),
        ]

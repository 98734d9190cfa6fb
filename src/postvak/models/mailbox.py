"""Mailbox: an incoming account (IMAP, POP3), or the mails that come by command line (`local`)."""

import re
from datetime import datetime
from typing import ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.mail.addresses import normalise
from postvak.models.account import Account


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def fetched(self) -> Self:
        """Valid mailboxes that have a server to fetch from."""
        return self.filter(validity=Mailbox.Validity.VALID, kind__in=[Mailbox.Kind.IMAP, Mailbox.Kind.POP3])

    def forwarded(self) -> Self:
        """Mailboxes whose addresses the listener knows; what comes for a paused one is asked to come later."""
        return self.exclude(validity=Mailbox.Validity.INVALID).filter(kind=Mailbox.Kind.FORWARD)

    def listed(self) -> Self:
        """By name, the invalid ones at the end."""
        sinks = models.Case(models.When(validity=Mailbox.Validity.INVALID, then=1), default=0)
        return self.order_by(sinks, "name")

    def due(self, now: datetime) -> Self:
        return self.fetched().filter(models.Q(next_fetch_at=None) | models.Q(next_fetch_at__lte=now))


class Mailbox(Account):
    """State columns (`last_…`, `failing_since`, `failures`, `next_fetch_at`) are written by receive.fetch only,
    `unreadable` (source key -> failed attempts) by receive.unreadable,
    `reconciled_at`, `compared` and `missing` (source keys) by receive.reconcile. `move_begun_at`: since when an IMAP MOVE
    has no answer (receive.fetch).

    `is_look_only`: mails are received and stored, but not processed and not touched on the server until go-live.
    `is_trusted`: control headers in its mails are obeyed, with `trusted_senders` (addresses or domains, one per line)
    only for those whose mail passes DMARC or has their domain's DKIM signature. `receiving_host`: the authserv-id whose Authentication-Results header
    (RFC 8601) is believed; empty: none; never on forwarding addresses, where anybody's mail comes in unfiltered.
    `forward_addresses`: one per line or with commas; those that the listener accepts for this mailbox.
    """

    class Kind(models.TextChoices):
        IMAP = "imap", _("IMAP")
        POP3 = "pop3", _("POP3")
        FORWARD = "forward", _("forwarding address")
        HTTP = "http", _("HTTP")
        LOCAL = "local", _("command line")

    class Validity(models.TextChoices):
        """Temporarily invalid ("paused"): no mail is taken, nobody is turned away for good, silence is no alarm."""

        VALID = "valid", _("valid")
        TEMPORARILY = "temporarily", _("temporarily invalid")
        INVALID = "invalid", _("invalid")

    class AgentsMail(models.TextChoices):
        CUSTOMER = "customer", _("like mail from anybody")
        NOTE = "note", _("kept as an internal note")
        ANSWER = "answer", _("sent on to the customer as an answer")

    class AfterStoring(models.TextChoices):
        LEAVE = "leave", _("leave untouched")
        SEEN = "seen", _("mark as seen")
        MOVE = "move", _("move to a folder")
        DELETE = "delete", _("delete on the server")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.IMAP)
    folders = models.CharField(_("folders"), max_length=1000, blank=True, default="INBOX")
    queue = models.ForeignKey(
        "Queue", models.PROTECT, null=True, blank=True, related_name="mailboxes", verbose_name=_("fixed queue")
    )
    reply_via = models.ForeignKey(
        "Channel", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("answers go out by")
    )
    start_at = models.DateTimeField(_("start date"), null=True, blank=True)
    after_storing = models.CharField(_("after storing"), max_length=8, choices=AfterStoring, default=AfterStoring.LEAVE)
    move_to = models.CharField(_("target folder"), max_length=255, blank=True, default="")
    interval = models.PositiveIntegerField(_("interval in seconds"), default=60, validators=[MinValueValidator(1)])
    size_limit = models.PositiveIntegerField(_("size limit in MB"), default=50, validators=[MinValueValidator(1)])
    is_look_only = models.BooleanField(_("look only"), default=False)
    is_trusted = models.BooleanField(_("trusted"), default=False)
    trusted_senders = models.TextField(_("trusted senders only"), blank=True, default="")
    receiving_host = models.CharField(_("checks are made by"), max_length=253, blank=True, default="")
    agents_mail = models.CharField(
        _("mail that agents write"), max_length=8, choices=AgentsMail, default=AgentsMail.NOTE
    )
    agents_commands = models.BooleanField(_("agents may give commands by mail"), default=False)
    agents_forwards = models.BooleanField(_("mail forwarded by agents is the first sender's"), default=True)
    answers_automatically = models.BooleanField(_("automatic answers to its mails"), default=True)
    imports_closed = models.BooleanField(_("import as closed"), default=False)
    silence_limit = models.PositiveIntegerField(
        _("silence limit in minutes"), default=15, validators=[MinValueValidator(1)]
    )
    forward_addresses = models.TextField(_("forwarding addresses"), blank=True, default="")
    validity = models.CharField(_("validity"), max_length=12, choices=Validity, default=Validity.VALID)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")

    next_fetch_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_problem = models.CharField(max_length=32, blank=True, default="")
    last_said = models.TextField(blank=True, default="")
    last_details = models.JSONField(blank=True, default=dict)
    unreadable = models.JSONField(blank=True, default=dict)
    move_begun_at = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)
    compared = models.PositiveIntegerField(default=0)
    missing = models.JSONField(blank=True, default=list)

    objects: ClassVar = MailboxQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind"], condition=models.Q(kind="local"), name="one_local_mailbox")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_valid(self) -> bool:
        return self.validity == self.Validity.VALID

    @property
    def is_paused(self) -> bool:
        return self.validity == self.Validity.TEMPORARILY

    @property
    def folder_list(self) -> list[str]:
        return [name.strip() for name in self.folders.split(",") if name.strip()] or ["INBOX"]

    @property
    def forward_list(self) -> list[str]:
        """The forwarding addresses as they are compared: lower case, the domain in ASCII."""
        words = re.split(r"[\s,;]+", self.forward_addresses)
        return list(dict.fromkeys(normalise(word) for word in words if word))

    @property
    def trusted_list(self) -> list[str]:
        """Addresses and domains as they are compared: lower case, domains in ASCII and without a leading @."""
        words = re.split(r"[\s,;]+", self.trusted_senders)
        return list(dict.fromkeys(normalise(word.lstrip("@")) for word in words if word.lstrip("@")))

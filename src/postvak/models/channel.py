"""Sending channel: a way out: an SMTP server, a provider's API, or a folder of .eml files for trying out."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal
from postvak.models.account import Account

MOST_CONNECTIONS = 20


class Channel(Account):
    """`provider`: a key of send.providers for that kind, its settings and secrets sealed in `sealed_settings`.

    `return_path`: where delivery reports go. "": to the address that the mail is from; "bounces@example.org": there,
    with a signed token (`bounces+<token>@…`); "@bounce.example.org": `<token>@bounce.example.org`. See mail.return_path.
    `copies_to`: an IMAP mailbox that gets a copy of each mail that was accepted, into `copies_folder`.
    `rate_per_minute`: recipients per minute, null: as many as the server takes; `rate_from` and `rate_used` count the
    running minute. `size_limit`: bytes of a whole mail, null: what the server announces.
    """

    class Kind(models.TextChoices):
        SMTP = "smtp", _("SMTP server")
        PROVIDER = "provider", _("mail provider (API)")
        FILE = "file", _("file (for trying out)")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SMTP)
    port = models.PositiveIntegerField(_("port"), default=587)
    security = models.CharField(
        _("encryption"), max_length=8, choices=Account.Encryption, default=Account.Encryption.STARTTLS
    )
    provider = models.CharField(_("provider"), max_length=32, blank=True, default="")
    sealed_settings = models.TextField(blank=True, default="")
    is_default = models.BooleanField(_("default channel"), default=False)
    is_valid = models.BooleanField(_("valid"), default=True)

    connections = models.PositiveSmallIntegerField(
        _("connections at the same time"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CONNECTIONS)],
    )
    rate_per_minute = models.PositiveIntegerField(
        _("mails per minute"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    rate_from = models.DateTimeField(null=True, blank=True)
    rate_used = models.PositiveIntegerField(default=0)
    size_limit = models.PositiveBigIntegerField(null=True, blank=True)
    announced_size = models.PositiveBigIntegerField(null=True, blank=True)

    return_path = models.CharField(_("address for delivery reports"), max_length=320, blank=True, default="")
    copies_to = models.ForeignKey(
        "Mailbox", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("copies into the mailbox")
    )
    copies_folder = models.CharField(_("folder for copies"), max_length=255, blank=True, default="")

    paused_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_problem = models.CharField(max_length=32, blank=True, default="")
    last_said = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_channel"
            )
        ]

    def __str__(self) -> str:
        return self.name


class SigningKey(models.Model):
    """A DKIM key (RFC 6376) for the domain of our addresses; it signs only while it `is_on`, which needs its DNS record.

    `public`: the value of `p=` in the record, base64. `checked_at` and `found`: when DNS was last asked, and the record
    that was there ("" for none).
    """

    domain = models.CharField(_("domain"), max_length=253)
    selector = models.CharField(_("selector"), max_length=63)
    sealed_key = models.TextField()
    public = models.TextField()
    is_on = models.BooleanField(_("signs"), default=False)
    created_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    found = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["domain", "selector"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "selector"], name="selector_once"),
            models.UniqueConstraint(fields=["domain"], condition=models.Q(is_on=True), name="one_key_signs"),
        ]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def private(self) -> bytes:
        """PEM (PKCS #8). Raises crypto.sealing.CannotOpen."""
        return unseal(self.sealed_key, settings.CONFIGURATION.sealing_keys).encode()

    @private.setter
    def private(self, pem: bytes) -> None:
        self.sealed_key = seal(pem.decode(), settings.CONFIGURATION.sealing_keys)

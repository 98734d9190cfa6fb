"""Sending channel: a way out. Kinds so far: an SMTP server, or a folder of .eml files for trying out."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.models.account import Account


class Channel(Account):
    class Kind(models.TextChoices):
        SMTP = "smtp", _("SMTP server")
        FILE = "file", _("file (for trying out)")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SMTP)
    port = models.PositiveIntegerField(_("port"), default=587)
    security = models.CharField(
        _("encryption"), max_length=8, choices=Account.Encryption, default=Account.Encryption.STARTTLS
    )
    is_default = models.BooleanField(_("default channel"), default=False)
    is_valid = models.BooleanField(_("valid"), default=True)
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

"""Sending channel: a way out. Kinds so far: an SMTP server, or a folder of .eml files for trying out."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal
from postvak.net.connection import Endpoint, Security


class Channel(models.Model):
    class Kind(models.TextChoices):
        SMTP = "smtp", _("SMTP server")
        FILE = "file", _("file (for trying out)")

    class Encryption(models.TextChoices):
        NONE = "none", _("none")
        STARTTLS = "starttls", _("STARTTLS")
        TLS = "tls", _("TLS")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SMTP)
    host = models.CharField(_("server"), max_length=255, blank=True, default="")
    port = models.PositiveIntegerField(_("port"), default=587)
    security = models.CharField(_("encryption"), max_length=8, choices=Encryption, default=Encryption.STARTTLS)
    verify_tls = models.BooleanField(_("check the server's certificate"), default=True)
    ca_pem = models.TextField(_("own CA certificates (PEM)"), blank=True, default="")
    username = models.CharField(_("user"), max_length=255, blank=True, default="")
    sealed_password = models.TextField(blank=True, default="")
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

    @property
    def password(self) -> str:
        """The password in clear. Raises crypto.sealing.CannotOpen."""
        return unseal(self.sealed_password, settings.CONFIGURATION.sealing_keys)

    @password.setter
    def password(self, secret: str) -> None:
        self.sealed_password = seal(secret, settings.CONFIGURATION.sealing_keys)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            host=self.host,
            port=self.port,
            security=Security(self.security),
            verify=self.verify_tls,
            ca_pem=self.ca_pem,
            username=self.username,
            password=self.password,
        )

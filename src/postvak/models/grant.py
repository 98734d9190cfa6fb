"""Grant: an account at Microsoft or Google that we may use by OAuth 2 (RFC 6749), with its tokens."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal


class Grant(models.Model):
    """Secrets are sealed. The provider's last refresh token replaces the old one in the same transaction.

    Tokens, `…_at`, `failing_since` and `last_said` are written by connect/ only.  `endpoints` replaces addresses of
    the provider (see net.oauth_providers).
    """

    class Provider(models.TextChoices):
        MICROSOFT = "microsoft", _("Microsoft 365")
        GOOGLE = "google", _("Google")

    class Flow(models.TextChoices):
        CODE = "code", _("an agent signs in")
        CLIENT = "client", _("application only, without an agent")

    name = models.CharField(_("name"), max_length=200, unique=True)
    provider = models.CharField(_("provider"), max_length=10, choices=Provider)
    flow = models.CharField(_("way of signing in"), max_length=8, choices=Flow, default=Flow.CODE)
    tenant = models.CharField(_("tenant"), max_length=100, blank=True, default="common")
    client_id = models.CharField(_("application (client) id"), max_length=255)
    sealed_client_secret = models.TextField(blank=True, default="")
    endpoints = models.JSONField(blank=True, default=dict)
    account = models.CharField(_("account"), max_length=320, blank=True, default="")
    sealed_access_token = models.TextField(blank=True, default="")
    sealed_refresh_token = models.TextField(blank=True, default="")
    access_expires_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_said = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def client_secret(self) -> str:
        """In clear, as the two tokens below. Raises crypto.sealing.CannotOpen."""
        return unseal(self.sealed_client_secret, settings.CONFIGURATION.sealing_keys)

    @client_secret.setter
    def client_secret(self, secret: str) -> None:
        self.sealed_client_secret = seal(secret, settings.CONFIGURATION.sealing_keys)

    @property
    def access_token(self) -> str:
        return unseal(self.sealed_access_token, settings.CONFIGURATION.sealing_keys)

    @property
    def refresh_token(self) -> str:
        return unseal(self.sealed_refresh_token, settings.CONFIGURATION.sealing_keys)

    @property
    def is_connected(self) -> bool:
        """Somebody signed in once; whether it still works, `failing_since` says."""
        return self.connected_at is not None

    def is_fresh(self, now: datetime) -> bool:
        """The access token is good for another minute at least."""
        return bool(self.access_expires_at and self.access_expires_at > now + timedelta(minutes=1))

"""What mailboxes and sending channels share: a server and the account we use there."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from postvak.crypto.sealing import seal, unseal
from postvak.net.connection import Endpoint, Security


class Account(models.Model):
    """The password is sealed with a key outside the database. `ca_pem` is trusted in addition to the system's CAs."""

    class Encryption(models.TextChoices):
        NONE = "none", _("none")
        STARTTLS = "starttls", _("STARTTLS")
        TLS = "tls", _("TLS")

    host = models.CharField(_("server"), max_length=255, blank=True, default="")
    port = models.PositiveIntegerField(_("port"), default=993)
    security = models.CharField(_("encryption"), max_length=8, choices=Encryption, default=Encryption.TLS)
    verify_tls = models.BooleanField(_("check the server's certificate"), default=True)
    ca_pem = models.TextField(_("own CA certificates (PEM)"), blank=True, default="")
    username = models.CharField(_("user"), max_length=255, blank=True, default="")
    sealed_password = models.TextField(blank=True, default="")
    grant = models.ForeignKey(
        "postvak.Grant",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="%(class)ss",
        verbose_name=_("connected account"),
    )

    class Meta:
        abstract = True

    @property
    def password(self) -> str:
        """The password in clear. Raises crypto.sealing.CannotOpen."""
        return unseal(self.sealed_password, settings.CONFIGURATION.sealing_keys)

    @password.setter
    def password(self, secret: str) -> None:
        self.sealed_password = seal(secret, settings.CONFIGURATION.sealing_keys)

    @property
    def endpoint(self) -> Endpoint:
        """As it stands here; with a grant without any secret (see connect.endpoint). Raises crypto.sealing.CannotOpen."""
        return Endpoint(
            host=self.host,
            port=self.port,
            security=Security(self.security),
            verify=self.verify_tls,
            ca_pem=self.ca_pem,
            username=self.username,
            password="" if self.grant_id else self.password,
        )

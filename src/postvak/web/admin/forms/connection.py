"""What mailboxes and sending channels have in common: server, encryption, user, a password that is never shown."""

import ssl
from typing import Any, ClassVar, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.connect.registration import overrides_of
from postvak.models import Grant
from postvak.net.connection import Endpoint
from postvak.net.oauth_providers import may_see_token
from postvak.net.providers import cleaned_app_password

CONNECTION_FIELDS = ("host", "port", "security", "verify_tls", "ca_pem", "username", "password", "grant")
PLAIN_TEXT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class Connectable(Protocol):
    """A row with a server: Mailbox or Channel."""

    pk: Any
    grant: Grant | None
    sealed_password: str
    password: str

    @property
    def endpoint(self) -> Endpoint: ...


def password_field() -> forms.CharField:
    return forms.CharField(
        label=_("password"),
        required=False,
        strip=False,
        max_length=1024,
        help_text=_("Kept sealed on this server."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


CONNECTION_WIDGETS: dict[str, forms.Widget] = {
    "host": forms.TextInput(attrs={**PLAIN_TEXT, "inputmode": "url"}),
    "port": forms.NumberInput(attrs={"min": 1, "max": 65535}),
    "username": forms.TextInput(attrs=PLAIN_TEXT),
    "ca_pem": forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "data-pem": ""}),
}


class ConnectionMixin(forms.ModelForm):  # type: ignore[type-arg]
    """Checks of server, port, certificate and password; subclasses are ModelForms of a Connectable.

    With a connected account no password is kept. The choice shows only where there is such an account.
    """

    kinds_with_server: ClassVar[tuple[str, ...]] = ()

    grant = forms.ModelChoiceField(
        Grant.objects.all(), required=False, label=_("log in with"), empty_label=_("user and password")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_host = getattr(self.instance, "host", "") if self.instance.pk else ""
        self.fields["username"].required = False
        self.fields["grant"].initial = self.instance.grant_id
        if not Grant.objects.exists():
            del self.fields["grant"]
        if "password" in self.fields and self.instance.sealed_password:
            self.fields["password"].help_text = _("Stored. Leave it empty to keep it.")

    @property
    def has_server(self) -> bool:
        return self.cleaned_data.get("kind") in self.kinds_with_server

    def clean_host(self) -> str:
        return str(self.cleaned_data["host"]).strip().lower()

    def clean_port(self) -> int:
        port = int(self.cleaned_data["port"])
        if not 0 < port < 65536:
            raise ValidationError(gettext("A port is a number from 1 to 65535."))
        return port

    def clean_ca_pem(self) -> str:
        pem: str = self.cleaned_data["ca_pem"].strip()
        if pem:
            try:
                ssl.create_default_context().load_verify_locations(cadata=pem)
            except (ssl.SSLError, ValueError) as error:
                raise ValidationError(
                    gettext("This is no certificate in PEM form (-----BEGIN CERTIFICATE----- …).")
                ) from error
        return pem

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.has_server and not cleaned.get("host") and "host" not in self.errors:
            self.add_error("host", gettext("Enter the name of the server."))
        if "grant" in self.fields:
            self.log_in_with(cleaned.get("grant"))
        moved = self.has_server and self.stored_host and cleaned.get("host") != self.stored_host
        if moved and self.instance.sealed_password and not cleaned.get("password"):
            self.add_error(
                "password",
                gettext("The server changed: enter the password again. Postvak hands a stored one to no other server."),
            )
        if cleaned.get("password") and self.instance.grant is None:
            self.instance.password = cleaned_app_password(cleaned.get("host") or "", cleaned["password"])
        return cleaned

    def log_in_with(self, grant: Grant | None) -> None:
        """A token replaces the password, and is handed to servers of its provider only."""
        self.instance.grant = grant
        if grant is None:
            return
        self.instance.sealed_password = ""
        if not self.cleaned_data.get("username"):
            self.cleaned_data["username"] = grant.account
        host = self.cleaned_data.get("host") or ""
        if host and not may_see_token(grant.provider, host, overrides_of(grant)):
            said = gettext("This is no server of %(provider)s. The account “%(grant)s” is used with its servers only.")
            self.add_error("host", said % {"provider": grant.get_provider_display(), "grant": grant.name})

    def can_connect(self) -> bool:
        """What is needed for a test is there, whatever else is still missing."""
        self.is_valid()
        return not {*CONNECTION_FIELDS, "kind", "folders"} & set(self.errors)

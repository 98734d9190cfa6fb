"""Forms of the administration's page "Log-in": who needs a second factor, and the ways to log in elsewhere."""

import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.mail.charsets import storable
from postvak.models import LoginProvider, Options, Queue, Role
from postvak.net import oidc
from postvak.net.https_form import is_acceptable
from postvak.net.oauth_providers import is_tenant
from postvak.web.account.issuers import discovered
from postvak.web.account.vouching import domains_of
from postvak.web.admin.forms.queue_choice import queues_as_tree

Kind = LoginProvider.Kind
EVERYBODYS = {
    "common",
    "organizations",
    "consumers",
    "9188040d-6c67-4c5b-b112-36a304b66dad",
}  # Microsoft's names for all tenants, and for private people
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}|xn--.+")
PUBLIC = {
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "proton.me",
}


class SecondFactorForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Options
        fields = ("second_factor",)
        widgets: ClassVar = {"second_factor": forms.RadioSelect}
        labels: ClassVar = {"second_factor": _("who needs a second factor")}

    hints: ClassVar = {
        "nobody": _("Everybody may set one up in their preferences; who has one is asked for it."),
        "admins": _("They read everything and change everything here."),
        "all": _("The safest choice. Who logs in at a provider below shows what that provider asks for."),
    }


class LoginProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """The provider is asked when the form is saved: `found` is what it says of itself."""

    issuer = forms.URLField(
        label=_("address of the issuer"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=_("Such as https://login.example.org/realms/office for Keycloak."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}),
    )
    client_secret = forms.CharField(
        label=_("client secret"),
        max_length=2000,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    queues = forms.ModelMultipleChoiceField(
        label=_("queues"),
        queryset=Queue.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    role = forms.ModelChoiceField(
        label=_("role"), queryset=Role.objects.all(), required=False, empty_label=_("the usual one")
    )

    class Meta:
        model = LoginProvider
        fields = ("name", "kind", "issuer", "tenant", "client_id", "domains", "role", "queues", "is_valid")
        widgets: ClassVar = {
            "kind": forms.RadioSelect,
            "tenant": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "client_id": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "domains": forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        }
        help_texts: ClassVar = {
            "name": _("Stands on the button of the log-in page."),
            "tenant": _(
                "Number or domain of your own tenant. With another tenant's people anybody could claim your addresses."
            ),
            "domains": _(
                "One per line. Whoever has a confirmed address there gets an account when they first come. Empty: only agents who "
                "exist already, and colleagues whom you invited."
            ),
            "is_valid": _("Its button stands on the log-in page."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found: oidc.Provider | None = None
        queues_as_tree(self.fields["queues"], Queue.objects.filter(is_valid=True))
        if self.instance.sealed_client_secret:
            self.fields["client_secret"].help_text = _("Leave it empty to keep the present one.")

    def clean_tenant(self) -> str:
        return str(self.cleaned_data["tenant"]).strip()

    def clean_domains(self) -> str:
        domains = sorted(domains_of(LoginProvider(domains=self.cleaned_data["domains"])))
        for domain in domains:
            if not DOMAIN.fullmatch(domain):
                raise ValidationError(gettext("“%(domain)s” is no domain.") % {"domain": domain[:100]})
            if domain in PUBLIC:
                raise ValidationError(gettext("Everybody can get an address at %(domain)s.") % {"domain": domain})
        return "\n".join(domains)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind, tenant, issuer = cleaned.get("kind"), cleaned.get("tenant", ""), cleaned.get("issuer", "")
        if kind == Kind.MICROSOFT and (not is_tenant(tenant) or tenant.lower() in EVERYBODYS):
            self.add_error("tenant", gettext("Enter the number or the domain of your own tenant."))
        if kind == Kind.OIDC and not is_acceptable(issuer):
            self.add_error("issuer", gettext("Enter an address that begins with https://."))
        if not self.errors:
            self.ask_provider(cleaned)
        return cleaned

    def ask_provider(self, cleaned: dict[str, Any]) -> None:
        """Nobody saves what can't work, but switched off."""
        row = LoginProvider(kind=cleaned["kind"], issuer=cleaned.get("issuer", ""), tenant=cleaned.get("tenant", ""))
        found = discovered(row)
        if isinstance(found, oidc.Provider):
            self.found = found
        elif cleaned.get("is_valid"):
            place = {Kind.MICROSOFT: "tenant", Kind.OIDC: "issuer"}.get(cleaned["kind"])
            self.add_error(place, trouble_sentence(found))

    def save(self, commit: bool = True) -> LoginProvider:
        if self.cleaned_data["client_secret"]:
            self.instance.client_secret = self.cleaned_data["client_secret"]
        saved: LoginProvider = super().save(commit=commit)
        return saved


def trouble_sentence(trouble: oidc.Trouble) -> str:
    sentences = {
        "unreachable": gettext("Nobody answers there: %(said)s"),
        "no_document": gettext("There is no OpenID Connect provider at this address: %(said)s"),
        "other_issuer": gettext("The provider there calls itself %(said)s. Enter that address."),
        "unsafe": gettext("The provider names an address that doesn't begin with https://: %(said)s"),
    }
    return sentences[trouble.code] % {"said": storable(trouble.said)}

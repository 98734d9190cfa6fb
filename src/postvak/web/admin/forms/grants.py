"""The forms of a connected account: its registration at the provider, and what "connect" shall set up."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Grant, Queue
from postvak.net.oauth_providers import OAUTH_PROVIDERS, is_tenant
from postvak.web.admin.forms.connection import PLAIN_TEXT
from postvak.web.admin.forms.queue_choice import queues_as_tree


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]
    client_secret = forms.CharField(
        label=_("client secret"),
        required=False,
        max_length=1024,
        help_text=_("Kept sealed on this server."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Grant
        fields = ("name", "provider", "flow", "tenant", "client_id", "account")
        labels: ClassVar = {"account": _("e-mail address of the account")}
        help_texts: ClassVar = {
            "tenant": _("Id or domain of your organisation at Microsoft; “common” if the registration is open to all."),
            "account": _("Filled in by the sign-in, if the provider tells it."),
        }
        widgets: ClassVar = {
            "flow": forms.RadioSelect,
            "tenant": forms.TextInput(attrs=PLAIN_TEXT),
            "client_id": forms.TextInput(attrs=PLAIN_TEXT),
            "account": forms.EmailInput(attrs=PLAIN_TEXT),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].validators.extend(forms.EmailField.default_validators)
        if self.instance.sealed_client_secret:
            self.fields["client_secret"].help_text = _("Stored. Leave it empty to keep it.")

    def clean_tenant(self) -> str:
        tenant = str(self.cleaned_data["tenant"]).strip() or "common"
        if not is_tenant(tenant):
            raise ValidationError(gettext("A tenant is an id such as 8e1f… or a domain such as example.org."))
        return tenant

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("flow") == Grant.Flow.CLIENT:
            self.check_application(cleaned)
        if cleaned.get("client_secret"):
            self.instance.client_secret = cleaned["client_secret"].strip()
        return cleaned

    def check_application(self, cleaned: dict[str, Any]) -> None:
        """Without an agent: Microsoft only, one organisation, a secret, and we must be told whose mails to read."""
        provider = OAUTH_PROVIDERS.get(cleaned.get("provider") or "")
        if provider and not provider.app_scopes:
            self.add_error("flow", gettext("Google offers this way to no application: let an agent sign in."))
        if cleaned.get("tenant") in {"common", "organizations", "consumers"}:
            self.add_error("tenant", gettext("Without an agent the tenant has to be that of your organisation."))
        if not cleaned.get("account") and "account" not in self.errors:
            self.add_error("account", gettext("Enter whose mails are read: without an agent nobody tells us."))
        if not cleaned.get("client_secret") and not self.instance.sealed_client_secret:
            self.add_error("client_secret", gettext("Without an agent a client secret is needed."))


class ConnectForm(forms.Form):
    """Beside the button "Sign in"."""

    sets_up = forms.BooleanField(
        label=_("set up mailbox, address and sending channel as well"),
        required=False,
        help_text=_("What is there already for this account is only connected with it."),
    )
    queue = forms.ModelChoiceField(Queue.objects.none(), label=_("queue"), empty_label=None, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queue: Any = self.fields["queue"]
        queues_as_tree(queue, Queue.objects.filter(is_valid=True))
        queue.initial = Queue.objects.filter(is_default=True).first()

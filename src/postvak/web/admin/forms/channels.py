"""The form of a sending channel."""

import json
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Channel, Mailbox
from postvak.models.channel import MOST_CONNECTIONS
from postvak.send.channel_rules import check_channel_settings
from postvak.web.admin.forms.checked import refuse_while_needed
from postvak.web.admin.forms.connection import CONNECTION_WIDGETS, PLAIN_TEXT, ConnectionMixin, password_field
from postvak.web.admin.forms.provider_settings import ProviderSettingsMixin

PORTS = {"smtp/starttls": 587, "smtp/tls": 465, "smtp/none": 25}
MEGABYTE = 1024 * 1024
LARGEST = 1000  # MB
ELSEWHERE = ("host", "port", "security", "username", "password", "grant", "provider")


class ChannelForm(ProviderSettingsMixin, ConnectionMixin):
    kinds_with_server = (Channel.Kind.SMTP,)
    ports = json.dumps(PORTS)
    password = password_field()
    megabytes = forms.IntegerField(
        label=_("largest mail in MB"),
        required=False,
        min_value=1,
        max_value=LARGEST,
        help_text=_("With its files. Leave it empty to go by what the server announces."),
    )

    class Meta:
        model = Channel
        fields = (
            "name", "kind", "host", "port", "security", "verify_tls", "ca_pem", "username", "is_default", "is_valid",
            "provider", "connections", "rate_per_minute", "return_path", "copies_to", "copies_folder",
        )  # fmt: skip
        widgets: ClassVar = {
            **CONNECTION_WIDGETS,
            "connections": forms.NumberInput(attrs={"min": 1, "max": MOST_CONNECTIONS}),
            "rate_per_minute": forms.NumberInput(attrs={"min": 1}),
            "return_path": forms.TextInput(
                attrs={**PLAIN_TEXT, "inputmode": "email", "placeholder": "bounces@example.org"}
            ),
            "copies_folder": forms.TextInput(attrs={**PLAIN_TEXT, "placeholder": "Sent"}),
        }
        help_texts: ClassVar = {
            "is_default": _("Everything goes out by it that no mailbox, address or brand sends elsewhere."),
            "is_valid": _("Nothing new goes out by an invalid channel."),
            "ca_pem": _("Only if the server has a certificate of your own authority."),
            "connections": _("More than two make sense only for many mails; some servers refuse more."),
            "rate_per_minute": _("Each recipient counts. Leave it empty if your server sets no limit."),
            "copies_folder": _(
                "Leave it empty for the folder that the server has for sent mail. A missing one is made."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "megabytes" in self.fields:
            self.fields["megabytes"].initial = self.instance.size_limit and -(-self.instance.size_limit // MEGABYTE)
        if "copies_to" in self.fields:
            copies: Any = self.fields["copies_to"]
            copies.queryset = Mailbox.objects.filter(kind=Mailbox.Kind.IMAP).order_by("name")
            copies.empty_label = gettext("none")
        self.prepare_default()

    def prepare_default(self) -> None:
        if "is_default" not in self.fields:
            return
        if self.instance.is_default:
            self.fields["is_default"].disabled = True
            self.fields["is_default"].help_text = _("Make another channel the default to change this.")
        elif not Channel.objects.exists():
            self.fields["is_default"].initial = True

    def clean_is_valid(self) -> bool:
        valid: bool = self.cleaned_data["is_valid"]
        refuse_while_needed(self.instance, valid=valid)
        return valid

    def clean_return_path(self) -> str:
        return str(self.cleaned_data["return_path"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("kind") != Channel.Kind.SMTP:
            cleaned["host"] = cleaned["username"] = ""
            self.instance.sealed_password, self.instance.grant = "", None
        if cleaned.get("copies_to") is None:
            cleaned["copies_folder"] = ""
        if cleaned.get("is_default") and cleaned.get("is_valid") is False:
            self.add_error(
                "is_valid", gettext("The default channel has to be valid. Make another one the default first.")
            )
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """The constraint "one default" holds only after save() let the former one step back."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"is_default"}

    def _post_clean(self) -> None:
        """The row has the form's values only after this step of Django's."""
        super()._post_clean()  # type: ignore[misc]
        if self.instance.kind == Channel.Kind.PROVIDER:
            self.instance.return_path = ""
        else:
            self.instance.provider = ""
        if "megabytes" in self.fields:
            size = self.cleaned_data.get("megabytes")
            self.instance.size_limit = size * MEGABYTE if size else None
        self.seal_settings()
        if not self.errors:
            try:
                check_channel_settings(self.instance)
            except ValidationError as error:
                self.add_error(None, error)

    @transaction.atomic
    def save(self, commit: bool = True) -> Channel:
        """There is one default: the former one steps back in the same transaction."""
        if self.instance.is_default:
            Channel.objects.exclude(pk=self.instance.pk).filter(is_default=True).update(is_default=False)
        if {*ELSEWHERE, *self.setting_names()} & set(self.changed_data):
            self.instance.paused_until = None
        if {"host", "kind", "provider"} & set(self.changed_data):
            self.instance.announced_size = None
        saved: Channel = super().save(commit=commit)
        return saved

"""The form of a sending channel."""

import json
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Address, Brand, Channel, Mailbox
from postvak.web.admin.forms.connection import CONNECTION_WIDGETS, ConnectionMixin, password_field

PORTS = {"smtp/starttls": 587, "smtp/tls": 465, "smtp/none": 25}


class ChannelForm(ConnectionMixin):
    kinds_with_server = (Channel.Kind.SMTP,)
    ports = json.dumps(PORTS)
    password = password_field()

    class Meta:
        model = Channel
        fields = (
            "name", "kind", "host", "port", "security", "verify_tls", "ca_pem", "username", "is_default", "is_valid",
        )  # fmt: skip
        widgets: ClassVar = CONNECTION_WIDGETS
        help_texts: ClassVar = {
            "is_default": _("Everything goes out by it that no mailbox, address or brand sends elsewhere."),
            "is_valid": _("Nothing new goes out by an invalid channel."),
            "ca_pem": _("Only if the server has a certificate of your own authority."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "is_default" not in self.fields:
            return
        if self.instance.is_default:
            self.fields["is_default"].disabled = True
            self.fields["is_default"].help_text = _("Make another channel the default to change this.")
        elif not Channel.objects.exists():
            self.fields["is_default"].initial = True

    def clean_is_valid(self) -> bool:
        valid: bool = self.cleaned_data["is_valid"]
        if not valid and self.instance.pk:
            refuse_while_used(self.instance)
        return valid

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("kind") == Channel.Kind.FILE:
            cleaned["host"] = cleaned["username"] = ""
        if cleaned.get("is_default") and cleaned.get("is_valid") is False:
            self.add_error(
                "is_valid", gettext("The default channel has to be valid. Make another one the default first.")
            )
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """The constraint "one default" holds only after save() let the former one step back."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"is_default"}

    @transaction.atomic
    def save(self, commit: bool = True) -> Channel:
        """There is one default: the former one steps back in the same transaction."""
        if self.instance.is_default:
            Channel.objects.exclude(pk=self.instance.pk).filter(is_default=True).update(is_default=False)
        if {"host", "port", "security", "username", "password", "grant"} & set(self.changed_data):
            self.instance.paused_until = None
        saved: Channel = super().save(commit=commit)
        return saved


def users_of(channel: Channel) -> list[str]:
    """Names of valid addresses, mailboxes and brands that send by it."""
    return [
        *Address.objects.filter(channel=channel, is_valid=True).values_list("email", flat=True),
        *Mailbox.objects.filter(reply_via=channel)
        .exclude(validity=Mailbox.Validity.INVALID)
        .values_list("name", flat=True),
        *Brand.objects.filter(channel=channel).values_list("name", flat=True),
    ]


def refuse_while_used(channel: Channel) -> None:
    names = users_of(channel)
    if names:
        raise ValidationError(
            gettext("Still used by %(names)s. Choose another channel there first.") % {"names": ", ".join(names)}
        )

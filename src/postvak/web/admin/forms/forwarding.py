"""What the form of a mailbox has for mail that comes to us by itself: forwarding addresses, and the token of HTTP."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Mailbox
from postvak.receive.forwarding import misspelt, taken

Kind = Mailbox.Kind
OWN_KINDS = [(Kind.FORWARD, _("forwarding address")), (Kind.HTTP, "HTTP")]


class ForwardingMixin(forms.ModelForm):  # type: ignore[type-arg]
    """For a ModelForm of Mailbox with the field `forward_addresses`; without it the kinds aren't offered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_kind: str = self.instance.kind if self.instance.pk else ""
        self.stored_secret: str = self.instance.sealed_password
        if "forward_addresses" in self.fields:
            kind = self.fields["kind"]
            kind.choices = [*kind.choices, *OWN_KINDS]  # type: ignore[attr-defined]

    def clean_forward_addresses(self) -> str:
        """One on each line. A wrong one is named."""
        text: str = self.cleaned_data["forward_addresses"]
        if self.cleaned_data.get("kind") != Kind.FORWARD:
            return text
        addresses = Mailbox(forward_addresses=text).forward_list
        if not addresses:
            raise ValidationError(gettext("Enter the address that mail is forwarded to."))
        for address in misspelt(addresses):
            raise ValidationError(gettext("%(address)s is no e-mail address.") % {"address": address})
        for address, name in taken(addresses, besides=self.instance.pk).items():
            facts = {"address": address, "name": name}
            raise ValidationError(gettext("%(address)s belongs to the mailbox %(name)s already.") % facts)
        return "\n".join(addresses)

    def clean(self) -> dict[str, Any]:
        """A secret is never used for another purpose: a password doesn't become a token, nor a token a password."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        if kind in {Kind.FORWARD, Kind.HTTP}:
            self.instance.sealed_password = self.stored_secret if kind == self.stored_kind == Kind.HTTP else ""
        elif self.stored_kind == Kind.HTTP and not cleaned.get("password"):
            self.instance.sealed_password = ""
        return cleaned

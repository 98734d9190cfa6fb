"""The form of an entry of the block list."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Blocked
from postvak.notify.blocking import read_pattern


class BlockedForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Blocked
        fields = ("pattern", "comment")
        widgets: ClassVar = {
            "pattern": forms.TextInput(
                attrs={
                    "autocomplete": "off",
                    "autocapitalize": "off",
                    "spellcheck": "false",
                    "placeholder": "@shop.example",
                }
            ),
        }
        help_texts: ClassVar = {
            "pattern": _(
                "For example ann@customer.example, @shop.example for a whole domain, or order-*@shop.example."
            ),
            "comment": _("Why it is on the list, for the one who wonders next year."),
        }

    def clean_pattern(self) -> str:
        """As it is compared: in small letters, a domain as it stands in mails."""
        pattern = read_pattern(str(self.cleaned_data["pattern"]))
        others = Blocked.objects.filter(pattern__iexact=pattern).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError(gettext("%(pattern)s is on the list already.") % {"pattern": pattern})
        return pattern

    def clean(self) -> dict[str, Any]:
        return super().clean() or self.cleaned_data

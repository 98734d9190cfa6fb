"""The forms of what mails are recognised by: grouping exclusions and external numbers."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import CustomField, ExternalNumber, GroupingExclusion
from postvak.process.recognition import check_external_number, read_sender
from postvak.web.admin.forms.checked import CheckedForm

EXPRESSION = forms.TextInput(
    attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "data-mono": ""}
)


class ExclusionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = GroupingExclusion
        fields = ("sender", "comment")
        widgets: ClassVar = {"sender": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})}
        help_texts: ClassVar = {
            "sender": _("ann@example.org is one sender; example.org is everybody there and at mail.example.org.")
        }

    def clean_sender(self) -> str:
        sender = read_sender(self.cleaned_data["sender"])
        if GroupingExclusion.objects.filter(sender=sender).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("%(sender)s is on the list already.") % {"sender": sender})
        return sender


class ExternalNumberForm(CheckedForm):
    """`trial_subject` and `trial_sender` are for trying only; they are saved nowhere."""

    trial_subject = forms.CharField(label=_("subject of such a mail"), max_length=2000, required=False)
    trial_sender = forms.CharField(label=_("its sender"), max_length=320, required=False)

    class Meta:
        model = ExternalNumber
        fields = ("name", "sender", "number", "in_subject", "in_body", "field", "is_valid")
        widgets: ClassVar = {"sender": EXPRESSION, "number": EXPRESSION}
        help_texts: ClassVar = {
            "name": _("For example the name of the supplier whose numbers these are."),
            "sender": _("A regular expression that fits the sender's address, such as @supplier\\.example$"),
            "number": _("A regular expression with the number itself in brackets, such as Case ([A-Z]+-[0-9]+)"),
            "field": _("The number is kept in this custom field of the ticket."),
            "is_valid": _("An invalid one recognises nothing; numbers on tickets stay."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["field"]
        usable = Q(is_valid=True, kind=CustomField.Kind.TEXT, holder=CustomField.Holder.TICKET) | Q(
            pk=self.instance.field_id
        )
        field.queryset, field.empty_label = CustomField.objects.filter(usable), _("choose one")

    def check(self, row: ExternalNumber) -> None:
        check_external_number(row)

"""The forms of customers and organisations."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Customer, CustomField, Organisation
from postvak.tickets.customers import CannotChange, checked_address
from postvak.tickets.organisations import checked_domain
from postvak.web.desk.field_forms import FieldsForm


class CustomerForm(FieldsForm):
    """`company` is the organisation's name: of thousands one is typed, not chosen from a list."""

    holder = CustomField.Holder.CUSTOMER
    company = forms.CharField(
        label=gettext_lazy("organisation"), max_length=200, required=False, help_text=gettext_lazy("Type its name.")
    )
    language = forms.ChoiceField(label=gettext_lazy("language"), required=False)

    class Meta:
        model = Customer
        fields = ("name", "language", "note")
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 4})}
        help_texts: ClassVar = {"note": gettext_lazy("Every agent sees it, customers don't.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language: Any = self.fields["language"]
        language.choices = [("", _("of their mails")), *settings.LANGUAGES]
        if self.instance.language and self.instance.language not in dict(settings.LANGUAGES):
            language.choices.append((self.instance.language, self.instance.language))
        if self.instance.organisation:
            self.fields["company"].initial = self.instance.organisation.name

    def clean_company(self) -> Organisation | None:
        """One of that name, rather the one that he is in already."""
        name = " ".join(self.cleaned_data["company"].split())
        if not name:
            return None
        there = self.instance.organisation
        if there is not None and there.name.casefold() == name.casefold():
            return Organisation.objects.get(pk=there.pk)
        found = Organisation.objects.filter(name__iexact=name).order_by("pk").first()
        if found is None:
            raise ValidationError(_("There is no organisation “%(name)s” yet: make it first.") % {"name": name})
        return found

    def save(self, commit: bool = True) -> Customer:
        self.instance.organisation = self.cleaned_data["company"]
        saved: Customer = super().save(commit=commit)
        return saved


class NewCustomerForm(CustomerForm):
    address = forms.CharField(label=gettext_lazy("e-mail address"), max_length=320, required=False)
    field_order = ("name", "address", "company", "language", "note")

    def clean_address(self) -> str:
        typed: str = self.cleaned_data["address"]
        if not typed.strip():
            return ""
        try:
            return checked_address(typed)
        except CannotChange as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("name", "").strip() and not cleaned.get("address") and "address" not in self.errors:
            raise ValidationError(_("Give a name or an address."))
        return cleaned


class OrganisationForm(FieldsForm):
    holder = CustomField.Holder.ORGANISATION
    domain_list = forms.CharField(
        label=gettext_lazy("domains"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One per line. Whoever writes from there for the first time belongs to the organisation."
        ),
    )
    takes_in = forms.BooleanField(
        label=gettext_lazy("put customers of these domains who belong to no organisation here, too"), required=False
    )

    class Meta:
        model = Organisation
        fields = ("name", "number", "note")
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 4})}
        help_texts: ClassVar = {"note": gettext_lazy("Every agent sees it, customers don't.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            domains = self.instance.domains.order_by("domain").values_list("domain", flat=True)
            self.fields["domain_list"].initial = "\n".join(domains)

    def clean_domain_list(self) -> Sequence[str]:
        try:
            return [checked_domain(one) for one in self.cleaned_data["domain_list"].replace(",", "\n").split()]
        except CannotChange as refusal:
            raise ValidationError(str(refusal)) from refusal

"""Custom fields in the form of a customer or an organisation: drawn by their kind, checked by tickets.field_sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from postvak.models import CustomField
from postvak.tickets.field_sets import completed, fields_of
from postvak.tickets.fields import WrongValues

Kind = CustomField.Kind
PREFIX = "field-"
LONGEST = 4000  # the check of the values has a sentence of its own


class FieldsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form of a row with `fields`; `holder` says whose fields they are."""

    holder = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.custom = fields_of(self.holder)
        for custom in self.custom:
            values = list(self.instance.fields.get(custom.key, []))
            self.fields[PREFIX + custom.key] = form_field(custom, values)

    def own_fields(self) -> Iterator[tuple[CustomField, BoundField]]:
        for custom in self.custom:
            yield custom, self[PREFIX + custom.key]

    def clean(self) -> dict[str, Any]:
        """What doesn't fit is said beside its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        typed = {one.key: listed(cleaned[PREFIX + one.key]) for one in self.custom if PREFIX + one.key in cleaned}
        try:
            self.kept_fields: Mapping[str, Sequence[str]] = completed(self.custom, self.instance.fields, typed)
        except WrongValues as problem:
            for key, sentence in problem.sentences.items():
                if PREFIX + key not in self.errors:
                    self.add_error(PREFIX + key, sentence)
        return cleaned

    def save(self, commit: bool = True) -> Any:
        self.instance.fields = self.kept_fields
        return super().save(commit=commit)


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def form_field(custom: CustomField, values: list[str]) -> forms.Field:
    """Values that an administrator took from the list stay to choose as long as the row has them."""
    first = values[0] if values else ""
    offered = [(one, one) for one in dict.fromkeys([*custom.option_list, *values])]
    usual: dict[str, Any] = {"label": custom.label, "required": False}
    if custom.kind == Kind.CHOICES:
        return forms.MultipleChoiceField(choices=offered, initial=values, widget=forms.CheckboxSelectMultiple, **usual)
    if custom.kind == Kind.CHOICE:
        return forms.ChoiceField(choices=[("", "–"), *offered], initial=first, **usual)
    if custom.kind == Kind.CHECKBOX:
        return forms.ChoiceField(choices=[("", "–"), ("1", _("Yes")), ("0", _("No"))], initial=first, **usual)
    return forms.CharField(max_length=LONGEST, initial=first, widget=widget_of(custom.kind), **usual)


def widget_of(kind: str) -> forms.TextInput:
    if kind == Kind.DATE:
        return forms.TextInput(attrs={"type": "date"})
    if kind == Kind.NUMBER:
        return forms.TextInput(attrs={"inputmode": "decimal"})
    if kind == Kind.LINK:
        return forms.TextInput(attrs={"type": "url", "placeholder": "https://", "spellcheck": "false"})
    return forms.TextInput()

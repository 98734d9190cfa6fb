"""Forms whose rows have rules beyond their columns, and forms of rows that stand in an order."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.tickets.used_by import obstacle_to_invalid
from postvak.tickets.vocabulary import place_after


def refuse_while_needed(row: Model, *, valid: bool) -> None:
    """For clean_is_valid(): raises ValidationError when something needs the row, which is valid so far."""
    if valid or row.pk is None or not type(row)._default_manager.filter(pk=row.pk, is_valid=True).exists():
        return
    sentence = obstacle_to_invalid(row)
    if sentence:
        raise ValidationError(sentence)


class CheckedForm(forms.ModelForm):  # type: ignore[type-arg]
    """`check` is the rule of the row; `postvak config apply` asks the same one."""

    def check(self, row: Any) -> None:
        """Raises ValidationError by field."""
        raise NotImplementedError

    def clean_is_valid(self) -> bool:
        valid: bool = self.cleaned_data["is_valid"]
        refuse_while_needed(self.instance, valid=valid)
        return valid

    def _post_clean(self) -> None:
        """The row has the form's values only after this step of Django's."""
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                self.check(self.instance)
            except ValidationError as error:
                self.add_error(None, error)


class PlacedForm(CheckedForm):
    """With the choice after which other row this one stands."""

    after: Any = forms.ModelChoiceField(
        label=_("place"), queryset=None, required=False, empty_label=_("at the beginning"), blank=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = self._meta.model._default_manager.all()
        others = list(rows.exclude(pk=self.instance.pk))
        after: Any = self.fields["after"]
        after.queryset = rows.exclude(pk=self.instance.pk)
        after.label_from_instance = lambda row: gettext("after “%(name)s”") % {"name": row}
        before = [row for row in others if self.instance.pk is None or self.comes_before(row)]
        after.initial = before[-1] if before else None

    def comes_before(self, row: Any) -> bool:
        ordering = self._meta.model._meta.ordering
        own, other = ([getattr(one, name) for name in ordering] for one in (self.instance, row))
        return bool(other < own)

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        row: Model = super().save(commit=commit)
        place_after(row, self.cleaned_data["after"])  # type: ignore[arg-type]
        return row

"""Roles that a form gives: one field for each agent (team, queue) that has one, and two that add others with a role.

What an answer doesn't name stays as it is, so that a form that was opened before a colleague came in takes nobody's role.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from postvak.models import Queue, Role
from postvak.tickets.people import USUAL
from postvak.web.admin.forms.queue_choice import queues_as_tree


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: who or what has the role, and the bound field that holds it."""

    row: Any
    field: forms.BoundField


class GivenRoles:
    """The fields `<name>-<key>`, `<name>-new` and `<name>-as` of a form."""

    def __init__(
        self,
        form: forms.BaseForm,
        name: str,
        *,
        there: Mapping[Any, int],
        others: QuerySet[Any],
        label: str | Promise,
        help_text: str | Promise = "",
    ) -> None:
        """`there`: row -> key of the role that it has."""
        self.form, self.name, self.there = form, name, dict(there)
        roles = list(Role.objects.all())
        choices = [(role.pk, capfirst(str(role))) for role in roles]
        self.usual = next(role.pk for role in roles if role.key == USUAL)
        for row, role in self.there.items():
            form.fields[f"{name}-{row.pk}"] = forms.TypedChoiceField(
                label=str(row), choices=[("", _("No role")), *choices], coerce=int, empty_value=None, required=False, initial=role
            )  # fmt: skip
        form.fields[f"{name}-new"] = forms.ModelMultipleChoiceField(
            others, label=label, required=False, widget=forms.CheckboxSelectMultiple, help_text=help_text
        )
        if others.model is Queue:
            queues_as_tree(form.fields[f"{name}-new"], others)
        form.fields[f"{name}-as"] = forms.TypedChoiceField(
            label=_("role"), choices=choices, coerce=int, required=False, initial=self.usual
        )

    @property
    def lines(self) -> list[Line]:
        return [Line(row, self.form[f"{self.name}-{row.pk}"]) for row in self.there]

    @property
    def new(self) -> forms.BoundField:
        return self.form[f"{self.name}-new"]

    @property
    def role(self) -> forms.BoundField:
        return self.form[f"{self.name}-as"]

    @property
    def is_wide(self) -> bool:
        """Others can be added."""
        field: Any = self.new.field
        return bool(field.queryset.exists())

    def chosen(self) -> dict[int, int]:
        """Key -> key of the role, of a valid form."""
        cleaned = self.form.cleaned_data
        added = {row.pk: cleaned[f"{self.name}-as"] or self.usual for row in cleaned[f"{self.name}-new"]}
        return added | {row.pk: role for row, was in self.there.items() if (role := self.kept(row, was)) is not None}

    def kept(self, row: Any, was: int) -> int | None:
        name = f"{self.name}-{row.pk}"
        if self.form.add_prefix(name) not in self.form.data:
            return was
        role: int | None = self.form.cleaned_data[name]
        return role

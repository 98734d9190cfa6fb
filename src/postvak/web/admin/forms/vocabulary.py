"""The forms of statuses, priorities, types, tags and custom fields."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from postvak.models import CustomField, Priority, Queue, Status, Tag, TicketType
from postvak.models.priority import NORMAL, SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES
from postvak.tickets.field_sets import has_values
from postvak.tickets.vocabulary import (
    ALWAYS_VALID,
    FIXED,
    LISTS,
    STAYS,
    check_custom_field,
    check_priority,
    check_status,
    check_tag,
    check_type,
    free_key,
)
from postvak.web.admin.forms.checked import CheckedForm, PlacedForm
from postvak.web.admin.forms.queue_choice import queues_as_tree

LEVELS = range(1, 10)
OWN_NAME = _("Empty: the name that comes with Postvak, in the language of each reader.")
INVALID = _("Nobody can choose it any more when it is invalid; tickets that have it keep it.")


class StatusForm(PlacedForm):
    class Meta:
        model = Status
        fields = ("name", "type", "is_valid")
        widgets: ClassVar = {"type": forms.RadioSelect}
        help_texts: ClassVar = {"is_valid": INVALID}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shipped = SHIPPED_NAMES.get(self.instance.key)
        name = self.fields["name"]
        name.required = shipped is None
        if shipped:
            name.help_text = OWN_NAME
            name.widget.attrs["placeholder"] = shipped
        if self.instance.pk:
            del self.fields["type"]
        else:
            type_: Any = self.fields["type"]
            type_.choices, type_.initial = Status.Type.choices, Status.Type.OPEN
        if self.instance.key in ALWAYS_VALID:
            self.fields["is_valid"].disabled = True
            self.fields["is_valid"].help_text = _("Postvak sets this status by itself, so it stays valid.")

    def check(self, row: Status) -> None:
        check_status(row)

    def save(self, commit: bool = True) -> Status:
        if not self.instance.key:
            self.instance.key = free_key(self.instance.name)
        saved: Status = super().save(commit=commit)
        return saved


class PriorityForm(CheckedForm):
    """The level is chosen once, from those that are free."""

    level = forms.TypedChoiceField(
        label=_("level"), coerce=int, help_text=_("1 is the lowest. Tickets have level 3 when nothing says otherwise.")
    )

    class Meta:
        model = Priority
        fields = ("level", "name", "is_valid")
        help_texts: ClassVar = {"is_valid": INVALID}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shipped, name = SHIPPED_PRIORITIES.get(self.instance.level), self.fields["name"]
        name.required = shipped is None
        if shipped:
            name.help_text = OWN_NAME
            name.widget.attrs["placeholder"] = shipped
        if self.instance.pk:
            del self.fields["level"]
        else:
            level: Any = self.fields["level"]
            level.choices = [(number, number) for number in free_levels()]
        if self.instance.level == NORMAL:
            self.fields["is_valid"].disabled = True
            self.fields["is_valid"].help_text = _(
                "Tickets have this level when nothing says otherwise: it stays valid."
            )

    def check(self, row: Priority) -> None:
        check_priority(row)


def free_levels() -> list[int]:
    taken = set(Priority.objects.values_list("level", flat=True))
    return [level for level in LEVELS if level not in taken]


class TicketTypeForm(CheckedForm):
    class Meta:
        model = TicketType
        fields = ("name", "is_valid")
        help_texts: ClassVar = {"is_valid": INVALID}

    def check(self, row: TicketType) -> None:
        check_type(row)


class TagForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Tag
        fields = ("name", "colour")
        widgets: ClassVar = {"colour": forms.RadioSelect}

    def clean_name(self) -> str:
        """Before Django's own check of the constraint, whose words nobody understands."""
        name: str = self.cleaned_data["name"]
        try:
            check_tag(Tag(pk=self.instance.pk, name=name))
        except ValidationError as error:
            raise ValidationError(error.messages) from error
        return name


class CustomFieldForm(PlacedForm):
    """Key, kind and holder can be changed until the first one has a value."""

    class Meta:
        model = CustomField
        fields = ("label", "key", "holder", "queues", "kind", "options", "is_required", "is_valid")
        widgets: ClassVar = {
            "key": forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
            "options": forms.Textarea(attrs={"rows": 5}),
            "holder": forms.RadioSelect,
            "queues": forms.CheckboxSelectMultiple,
        }
        help_texts: ClassVar = {
            "label": _("Agents see it beside the value."),
            "key": _("Filters, control headers and the API call the field so: X-Postvak-DynamicField-<key>."),
            "options": _("One value on each line. Tickets keep values that you take out."),
            "queues": _("Shown on tickets of these queues only. None chosen: in all of them."),
            "is_required": _(
                "Agents can't close a ticket, or save a customer or an organisation, while it is empty. Rules, filters and imports can."
            ),
            "is_valid": _("Agents don't see an invalid field; its values are kept."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = list(self.instance.queues.values_list("pk", flat=True)) if self.instance.pk else []
        queues_as_tree(self.fields["queues"], Queue.objects.filter(Q(is_valid=True) | Q(pk__in=chosen)))
        holder: Any = self.fields["holder"]
        holder.choices = CustomField.Holder.choices
        if self.instance.pk and has_values(self.instance):
            for name in FIXED:
                self.fields[name].disabled = True
            self.fields["kind"].help_text = STAYS

    def clean(self) -> dict[str, Any]:
        """Customers and organisations are in no queue."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("holder") != CustomField.Holder.TICKET and "queues" in cleaned:
            cleaned["queues"] = Queue.objects.none()
        return cleaned

    def clean_options(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["options"].splitlines()]
        return (
            "\n".join(dict.fromkeys(line for line in lines if line)) if self.cleaned_data.get("kind") in LISTS else ""
        )

    def check(self, row: CustomField) -> None:
        check_custom_field(row)

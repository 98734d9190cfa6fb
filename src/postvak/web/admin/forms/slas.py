"""The form of a service level: targets in minutes, hours or days of business time, and for which tickets."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Priority, Queue, Sla
from postvak.tickets.sla.rules import check_sla, day_minutes
from postvak.web.admin.forms.checked import PlacedForm
from postvak.web.admin.forms.queue_choice import queues_as_tree

TARGETS = ("first_answer", "next_answer", "solution")
HOUR, MOST = 60, 1_000_000  # minutes
UNITS = (("minutes", _("minutes")), ("hours", _("hours")), ("days", _("business days")))


class SlaForm(PlacedForm):
    """Of each target a number and its unit; together they are the column."""

    class Meta:
        model = Sla
        fields = ("name", "calendar", "queues", "priorities", "is_valid")
        widgets: ClassVar = {"queues": forms.CheckboxSelectMultiple, "priorities": forms.CheckboxSelectMultiple}
        help_texts: ClassVar = {
            "queues": _("None ticked: for tickets of all queues."),
            "priorities": _("None ticked: for tickets of all priorities."),
            "is_valid": _("An invalid one holds for no ticket."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["after"].label = _("order")
        self.fields["after"].help_text = _("The first level that fits a ticket holds.")
        calendar: Any = self.fields["calendar"]
        calendar.empty_label = None
        chosen = self.instance.pk or 0
        queues_as_tree(self.fields["queues"], Queue.objects.filter(Q(is_valid=True) | Q(slas=chosen)).distinct())
        self.fields["queues"].required = False
        mine = self.instance.priorities.values("pk") if chosen else []
        self.limit("priorities", Priority.objects.filter(Q(is_valid=True) | Q(pk__in=mine)).order_by("-level"))
        for name in TARGETS:
            self.add_target(name)

    def limit(self, name: str, rows: Any) -> None:
        field: Any = self.fields[name]
        field.queryset, field.required = rows, False

    def add_target(self, name: str) -> None:
        label = Sla._meta.get_field(name).verbose_name  # type: ignore[union-attr]
        number, unit = in_units(self.instance)(getattr(self.instance, name))
        self.fields[name] = forms.DecimalField(
            label=label, required=False, min_value=0, max_value=MOST, initial=number, widget=forms.NumberInput(attrs={"step": "any", "min": "0"})
        )  # fmt: skip
        self.fields[f"{name}_unit"] = forms.ChoiceField(label=_("unit"), choices=UNITS, required=False, initial=unit)

    @property
    def targets(self) -> list[tuple[Any, Any]]:
        return [(self[name], self[f"{name}_unit"]) for name in TARGETS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        calendar = cleaned.get("calendar")
        units = {"minutes": 1, "hours": HOUR, "days": day_minutes(calendar) if calendar else HOUR}
        for name in TARGETS:
            value = cleaned.get(name)
            minutes = round(value * units.get(cleaned.get(f"{name}_unit") or "hours", HOUR)) if value else None
            if minutes is not None and minutes > MOST:
                self.add_error(name, ValidationError(gettext("This is longer than a target can be.")))
            setattr(self.instance, name, minutes or None)
        return cleaned

    def check(self, row: Sla) -> None:
        check_sla(row)


def in_units(sla: Sla) -> Any:
    """Reads minutes as the largest unit that fits."""
    day = day_minutes(sla.calendar) if sla.calendar_id else 0

    def read(minutes: int | None) -> tuple[int | None, str]:
        if minutes and day and minutes % day == 0:
            return minutes // day, "days"
        if minutes and minutes % HOUR:
            return minutes, "minutes"
        return (minutes // HOUR if minutes else None), "hours"

    return read

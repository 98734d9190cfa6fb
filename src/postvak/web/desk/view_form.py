"""The editor of a saved view: which tickets, how they are shown, who sees it. Conditions are in tickets.views."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Agent, Priority, SavedView, Status, Tag, TicketType
from postvak.tickets.access import visible_queues
from postvak.tickets.orders import ORDERS, is_order
from postvak.tickets.queue_tree import path_column, path_of
from postvak.tickets.views import LONGEST_WAIT, LONGEST_WORDS, MARKS, OPEN_STATES, STATES, Condition
from postvak.web.desk.columns import COLUMNS, readable

Choices = Iterable[tuple[str, Any]]


def several(label: object) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, widget=forms.CheckboxSelectMultiple)  # type: ignore[arg-type]


class ViewForm(forms.Form):
    """What is ticked nowhere in a group counts as "any". Values that the agent can't choose (any more) are kept as they are:
    a colleague's queue that he doesn't see, an agent who left."""

    name = forms.CharField(label=gettext_lazy("name"), max_length=60)
    is_shared = forms.BooleanField(
        label=gettext_lazy("for everybody"),
        help_text=gettext_lazy("All colleagues find it in their navigation; each sees the tickets that he may read."),
        required=False,
    )
    state = forms.ChoiceField(
        label=gettext_lazy("which tickets"), choices=[(key, label) for key, (label, _q) in STATES.items()]
    )
    queues = several(gettext_lazy("in the queues"))
    assignees = several(gettext_lazy("assigned to"))
    statuses = several(gettext_lazy("with the status"))
    priorities = several(gettext_lazy("with the priority"))
    types = several(gettext_lazy("of the type"))
    tags = several(gettext_lazy("with one of the tags"))
    marks = forms.MultipleChoiceField(
        label=gettext_lazy("and all of this holds"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(key, label) for key, (label, _q) in MARKS.items()],
    )
    waiting_hours = forms.IntegerField(
        label=gettext_lazy("the customer waits for at least … hours"),
        required=False,
        min_value=0,
        max_value=LONGEST_WAIT,
    )
    words = forms.CharField(
        label=gettext_lazy("customer or organisation"),
        help_text=gettext_lazy("A part of the name is enough."),
        required=False,
        max_length=LONGEST_WORDS,
    )
    order = forms.ChoiceField(
        label=gettext_lazy("order"), choices=[(key, order.label) for key, order in ORDERS.items()]
    )
    is_turned = forms.BooleanField(label=gettext_lazy("the other way round"), required=False)
    columns = forms.MultipleChoiceField(
        label=gettext_lazy("columns"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=list(COLUMNS.items()),
    )

    GROUPS = ("queues", "assignees", "statuses", "priorities", "types", "tags")

    def __init__(self, agent: Agent, view: SavedView, data: QueryDict | None = None) -> None:
        self.agent, self.view = agent, view
        self.condition = Condition.of(view.condition)
        super().__init__(data, initial=initial(view, self.condition))
        for name, choices in offered(agent).items():
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [*choices, *gone_choices(getattr(self.condition, name), choices)]

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("state") not in OPEN_STATES and not is_order(values.get("order", ""), only_indexed=True):
            labels = ", ".join(str(order.label) for order in ORDERS.values() if order.is_indexed)
            self.add_error("order", _("Long lists can be in these orders only: %(orders)s.") % {"orders": labels})
        return values

    @property
    def wanted(self) -> Condition:
        """Of a valid form."""
        values = self.cleaned_data
        return Condition(
            state=values["state"],
            queues=tuple(map(int, values["queues"])),
            statuses=tuple(values["statuses"]),
            assignees=tuple(values["assignees"]),
            priorities=tuple(map(int, values["priorities"])),
            types=tuple(map(int, values["types"])),
            tags=tuple(map(int, values["tags"])),
            marks=tuple(values["marks"]),
            waiting_hours=values["waiting_hours"] or 0,
            words=values["words"],
        )

    def fill(self) -> SavedView:
        """The view with what was typed, not yet saved."""
        values, view = self.cleaned_data, self.view
        view.name, view.is_shared = values["name"], values["is_shared"]
        view.condition = self.wanted.stored
        view.order = f"-{values['order']}" if values["is_turned"] else values["order"]
        view.columns = list(readable(values["columns"]))
        return view


def initial(view: SavedView, condition: Condition) -> dict[str, Any]:
    groups = {name: [str(value) for value in getattr(condition, name)] for name in (*ViewForm.GROUPS, "marks")}
    return {
        **groups,
        "name": view.name,
        "is_shared": view.is_shared,
        "state": condition.state,
        "waiting_hours": condition.waiting_hours or None,
        "words": condition.words,
        "order": view.order.removeprefix("-") if is_order(view.order) else "changed",
        "is_turned": view.order.startswith("-"),
        "columns": view.columns,
    }


def offered(agent: Agent) -> dict[str, list[tuple[str, Any]]]:
    colleagues = Agent.objects.filter(is_active=True).exclude(pk=agent.pk).order_by("name")
    queues = visible_queues(agent).filter(is_valid=True).annotate(path=path_column()).order_by("path")
    return {
        "queues": [(str(queue.pk), path_of(queue.name)) for queue in queues],
        "assignees": [
            ("me", _("whoever looks at the view")),
            ("nobody", _("nobody")),
            *((str(colleague.pk), colleague.name) for colleague in colleagues),
        ],
        "statuses": [(status.key, str(status)) for status in Status.objects.filter(is_valid=True)],
        "priorities": [(str(priority.level), str(priority)) for priority in Priority.objects.filter(is_valid=True)],
        "types": [(str(kind.pk), kind.name) for kind in TicketType.objects.filter(is_valid=True)],
        "tags": [(str(tag.pk), tag.name) for tag in Tag.objects.all()],
    }


def gone_choices(values: Iterable[object], choices: Choices) -> list[tuple[str, str]]:
    known = {value for value, _label in choices}
    return [(str(value), _("no longer there, or not yours to see")) for value in values if str(value) not in known]

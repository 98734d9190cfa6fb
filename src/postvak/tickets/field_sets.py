"""Which custom fields a ticket, customer or organisation has, which of them it still needs, and their values taken together.

A ticket can't be closed by a person while a required field is empty; rules, filters and imports may. A customer or organisation
can't be saved so.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Count, Model, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.models import Customer, CustomField, Organisation, Status, Ticket
from postvak.tickets.fields import WrongValues, kept_values

Holder = CustomField.Holder
Values = Mapping[str, Sequence[str]]
MODELS: Mapping[str, type[Model]] = {
    Holder.TICKET: Ticket,
    Holder.CUSTOMER: Customer,
    Holder.ORGANISATION: Organisation,
}


class CannotClose(Exception):
    """Required fields are empty; the text names them. `keys`: of the fields."""

    def __init__(self, fields: Sequence[CustomField]) -> None:
        self.keys = [field.key for field in fields]
        names = ", ".join(field.label for field in fields)
        sentence = ngettext(
            "The ticket can't be closed yet, this field is empty: %(names)s.",
            "The ticket can't be closed yet, these fields are empty: %(names)s.",
            len(fields),
        )
        super().__init__(sentence % {"names": names})


def fields_of(holder: str) -> list[CustomField]:
    """All valid ones of customers or organisations."""
    return list(CustomField.objects.filter(is_valid=True, holder=holder))


def of_queue(queue: int | None) -> Q:
    """Fields of tickets in this queue."""
    return Q(holder=Holder.TICKET) & (Q(queues=None) | Q(queues=queue))


def fields_of_ticket(ticket: Ticket) -> list[CustomField]:
    """Those of its queue, and those in which it has a value from another one."""
    return [field for field in fields_around(ticket) if field.holder == Holder.TICKET]


def fields_around(ticket: Ticket) -> list[CustomField]:
    """The same with all fields of customers and organisations: what stands beside a ticket, in one query."""
    others = Q(holder__in=[Holder.CUSTOMER, Holder.ORGANISATION])
    has_value = Q(holder=Holder.TICKET, key__in=list(ticket.fields))
    return list(CustomField.objects.filter(of_queue(ticket.queue_id) | has_value | others, is_valid=True).distinct())


# -- what is required ----------------------------------------------------------------------------


def demand_complete(ticket: Ticket, status: Status) -> None:
    """Raises CannotClose when `status` closes an open ticket whose queue asks for more."""
    if ticket.is_open and status.type == Status.Type.CLOSED:
        missing = missing_in(ticket.fields, required_in(ticket.queue_id))
        if missing:
            raise CannotClose(missing)


def required_in(queue: int) -> list[CustomField]:
    rows = CustomField.objects.filter(of_queue(queue), is_valid=True, is_required=True)
    return list(rows.distinct())


def missing_in(values: Values, fields: Iterable[CustomField]) -> list[CustomField]:
    return [field for field in fields if field.is_required and not values.get(field.key)]


# -- values of customers and organisations ----------------------------------------------------------------------------


def completed(fields: Iterable[CustomField], old: Values, typed: Values) -> dict[str, list[str]]:
    """`old` with what was typed, checked; an empty list takes a value away. Values of fields that aren't among `fields` stay.
    Raises WrongValues, also for what is required and empty."""
    values, wrong = {key: list(value) for key, value in old.items()}, {}
    for field in fields:
        before = values.get(field.key, [])
        given = list(typed.get(field.key, before))
        try:
            values[field.key] = before if given == before else kept_values(field, given, before)
        except ValueError as error:
            wrong[field.key] = str(error)
            continue
        if field.is_required and not values[field.key]:
            wrong[field.key] = _("“%(field)s” has to be filled in.") % {"field": field.label}
    if wrong:
        raise WrongValues(wrong)
    return {key: value for key, value in values.items() if value}


# -- how much they are used ----------------------------------------------------------------------------


def has_values(field: CustomField) -> bool:
    return MODELS[field.holder]._default_manager.filter(fields__has_key=field.key).exists()


def used_by(fields: Sequence[CustomField]) -> dict[int, int]:
    """{key of the field's row: how many have a value in it}, one query for each kind of holder."""
    found: dict[int, int] = {}
    for holder, model in MODELS.items():
        mine = [field for field in fields if field.holder == holder]
        if mine:
            counts = {f"of_{field.pk}": Count("pk", filter=Q(fields__has_key=field.key)) for field in mine}
            row = model._default_manager.exclude(fields={}).aggregate(**counts)
            found |= {field.pk: row[f"of_{field.pk}"] for field in mine}
    return found

"""What administrators name for tickets – statuses, priorities, types, tags, custom fields – and which changes keep
tickets whole.

The checks raise ValidationError by field in the reader's language: forms show it beside the field, and
`postvak config apply` prints it. What may be deleted is in tickets.deletion.
"""

from typing import cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import CustomField, ExternalNumber, Priority, Sla, Status, Tag, Tagging, TicketType
from postvak.models.priority import NORMAL, SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES
from postvak.tickets.field_sets import has_values

ALWAYS_VALID = frozenset({"new", "open", "customer", "closed", "trash"})  # Postvak sets them by itself
FIXED = ("key", "kind", "holder")  # of a custom field that has values
STAYS = gettext_lazy("There are values in this field already: its key, its kind and what it belongs to stay.")
LISTS = frozenset({CustomField.Kind.CHOICE, CustomField.Kind.CHOICES})
KEY_LENGTH = 36
Placed = Status | CustomField | Sla


def check_status(status: Status) -> None:
    """The type stays; statuses that Postvak sets by itself stay valid; each shows a name of its own."""
    if Status.objects.filter(pk=status.pk).exclude(type=status.type).exists():
        raise ValidationError({"type": _("The type of a status stays as it was made. Make a new status instead.")})
    if status.key in ALWAYS_VALID and not status.is_valid:
        raise ValidationError({"is_valid": _("Postvak sets this status by itself, so it has to stay valid.")})
    if not status.name and status.key not in SHIPPED_NAMES:
        raise ValidationError({"name": _("Enter a name.")})
    others = Status.objects.exclude(pk=status.pk)
    if str(status).casefold() in {name.casefold() for other in others for name in (str(other), other.key)}:
        raise ValidationError({"name": _("There is already a status “%(name)s”.") % {"name": status}})


def free_key(name: str) -> str:
    """A key for a new status, made from its name."""
    start = slugify(name)[:KEY_LENGTH] or "status"
    taken = set(Status.objects.filter(key__startswith=start).values_list("key", flat=True))
    return next(key for key in (start, *(f"{start}-{count}" for count in range(2, 999))) if key not in taken)


def check_priority(priority: Priority) -> None:
    if priority.level == NORMAL and not priority.is_valid:
        raise ValidationError({"is_valid": _("Tickets have this level when nothing says otherwise: it stays valid.")})
    if not priority.name and priority.level not in SHIPPED_PRIORITIES:
        raise ValidationError({"name": _("Enter a name.")})
    others = Priority.objects.exclude(pk=priority.pk)
    if str(priority).casefold() in {str(other).casefold() for other in others}:
        raise ValidationError({"name": _("There is already a priority “%(name)s”.") % {"name": priority}})


def check_type(ticket_type: TicketType) -> None:
    if TicketType.objects.filter(name__iexact=ticket_type.name).exclude(pk=ticket_type.pk).exists():
        raise ValidationError({"name": _("There is already a type “%(name)s”.") % {"name": ticket_type}})


def check_tag(tag: Tag) -> None:
    other = Tag.objects.filter(name__iexact=tag.name).exclude(pk=tag.pk).first()
    if other:
        raise ValidationError({"name": _("There is already a tag “%(name)s”.") % {"name": other}})


def check_custom_field(field: CustomField) -> None:
    """Key, kind and what it belongs to stay once there are values: they would be lost or become nonsense."""
    if CustomField.objects.filter(key__iexact=field.key).exclude(pk=field.pk).exists():
        raise ValidationError({"key": _("There is already a field with the key %(key)s.") % {"key": field.key}})
    stored = CustomField.objects.filter(pk=field.pk).first()
    changed = [name for name in FIXED if stored and getattr(stored, name) != getattr(field, name)]
    if stored and changed and has_values(stored):
        raise ValidationError({changed[0]: STAYS})
    if field.kind in LISTS and not field.option_list:
        raise ValidationError({"options": _("Enter at least one value to choose from.")})
    if field.kind not in CustomField.Kind.values or field.holder not in CustomField.Holder.values:
        raise ValidationError({"kind": _("There is no such kind of field.")})
    is_text = field.kind == CustomField.Kind.TEXT and field.holder == CustomField.Holder.TICKET
    if not is_text and ExternalNumber.objects.filter(field_id=field.pk or 0).exists():
        raise ValidationError(
            {"kind": _("Numbers of another system are kept in this field, so it has to stay a text of tickets.")}
        )


@transaction.atomic
def place_after(row: Placed, other: Placed | None) -> None:
    """Put `row` right after `other` in the order that agents see; None: at the beginning."""
    model = type(row)
    rows = cast(list[Placed], list(model._default_manager.exclude(pk=row.pk)))
    at = rows.index(other) + 1 if other in rows else 0
    for position, placed in enumerate([*rows[:at], row, *rows[at:]]):
        if placed.position != position:
            model._default_manager.filter(pk=placed.pk).update(position=position)


@transaction.atomic
def merge_tags(tag: Tag, *, into: Tag) -> int:
    """Every ticket that has `tag` has `into` afterwards, `tag` is gone. Returns how many tickets had it."""
    if tag.pk == into.pk:
        raise ValueError("a tag can't be merged into itself")
    list(Tag.objects.select_for_update().filter(pk__in=[tag.pk, into.pk]).order_by("pk"))  # nobody tags meanwhile
    count = tag.taggings.count()
    tag.taggings.exclude(ticket__in=Tagging.objects.filter(tag=into).values("ticket")).update(tag=into)
    tag.delete()
    return count

"""Tags on a ticket. A word that nobody used yet becomes a tag; letter case makes no difference."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from postvak.models import Agent, Tag, Tagging, Ticket
from postvak.tickets.access import demand
from postvak.tickets.history import write_history

LONGEST = 60


def words(typed: str) -> list[str]:
    """The tags in what people type, with commas between them; each once."""
    cleaned = (" ".join(word.replace("\x00", "").split())[:LONGEST].strip() for word in typed.split(","))
    return list({word.casefold(): word for word in cleaned if word}.values())


def tags_named(names: Sequence[str]) -> list[Tag]:
    """The tags of these names; missing ones are made. Call inside the transaction that puts them on tickets."""
    known = known_tags(names)
    Tag.objects.bulk_create([Tag(name=name) for name in names if name.casefold() not in known], ignore_conflicts=True)
    known = known_tags(names)
    return list({known[name.casefold()].pk: known[name.casefold()] for name in names}.values())


def known_tags(names: Sequence[str]) -> dict[str, Tag]:
    """By name in small letters. SQLite knows those of ASCII only, so for other names all tags are looked at."""
    if all(name.isascii() for name in names):
        rows = [tag for name in names for tag in Tag.objects.filter(name__iexact=name)]
    else:
        rows = list(Tag.objects.all())
    return {tag.name.casefold(): tag for tag in rows}


def set_tags(ticket: Ticket, names: Sequence[str], *, by: Agent) -> None:
    """The ticket has these tags and no others."""
    with transaction.atomic():
        there = list(ticket.tags.all())
        wanted = {name.casefold() for name in names}
        take_off(ticket, [tag for tag in there if tag.name.casefold() not in wanted], by=by)
        add_tags(ticket, names, by=by)


def add_tags(ticket: Ticket, names: Sequence[str], *, by: Agent) -> None:
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        there = set(ticket.tags.values_list("pk", flat=True))
        fresh = [tag for tag in tags_named(names) if tag.pk not in there]
        Tagging.objects.bulk_create([Tagging(ticket=ticket, tag=tag) for tag in fresh], ignore_conflicts=True)
        record(ticket, "tagged", fresh, by=by)


def remove_tag(ticket: Ticket, tag: Tag, *, by: Agent) -> None:
    with transaction.atomic():
        take_off(ticket, [tag], by=by)


def take_off(ticket: Ticket, tags: Iterable[Tag], *, by: Agent) -> None:
    demand(by, "work", ticket.queue_id)
    gone = [tag for tag in tags if ticket.taggings.filter(tag=tag).delete()[0]]
    record(ticket, "untagged", gone, by=by)


def record(ticket: Ticket, code: str, tags: Sequence[Tag], *, by: Agent) -> None:
    """Nothing changed, nothing written."""
    if tags:
        write_history(ticket, code, by=by, tags=", ".join(tag.name for tag in tags))
        ticket.changed_at = timezone.now()
        ticket.save(update_fields=["changed_at"])

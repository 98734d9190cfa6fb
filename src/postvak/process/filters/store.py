"""How filters are kept: saved with a version of what they were, loaded in their order, hits counted in bulk."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from postvak.conditions.condition import Malformed
from postvak.conditions.operators import BadValue
from postvak.models import Agent, Filter, FilterVersion, Mailbox, Options
from postvak.process.filters.compiled import CompiledFilter, compile_filter
from postvak.process.filters.draft import Draft
from postvak.process.filters.order import natural

Revision = tuple[int | None, datetime | None]  # of the newest FilterVersion

_compiled: dict[str, tuple[Revision, tuple[CompiledFilter, ...]]] = {}


def valid_filters(revision: Revision) -> tuple[CompiledFilter, ...]:
    """The filters that run, in their order; compiled once per change, in each process."""
    kept = _compiled.get("valid")
    if kept is not None and kept[0] == revision:
        return kept[1]
    rows = sorted(Filter.objects.filter(is_valid=True).prefetch_related("mailboxes"), key=lambda row: natural(row.name))
    found = tuple(compiled for row in rows if (compiled := compile_row(row)) is not None)
    _compiled["valid"] = (revision, found)
    return found


def compile_row(row: Filter) -> CompiledFilter | None:
    """None for one that can't run (a newer Postvak wrote it, or a hand in the database): the filter list warns."""
    mailboxes = None if row.is_everywhere else frozenset(mailbox.pk for mailbox in row.mailboxes.all())
    try:
        return compile_filter(draft_of(row), id=row.pk, mailbox_ids=mailboxes)
    except (BadValue, Malformed):
        return None


def draft_of(row: Filter) -> Draft:
    """The filter as people write it. Raises draft.Malformed for a row that nobody here wrote."""
    names = None if row.is_everywhere else [mailbox.name for mailbox in row.mailboxes.all()]
    return Draft.from_json(
        {
            "name": row.name,
            "valid": row.is_valid,
            "comment": row.comment,
            "mailboxes": names,
            "match": row.match,
            "conditions": row.conditions,
            "actions": row.actions,
            "stop": row.stops,
        }
    )


def ordered_filters() -> list[Filter]:
    """All of them, valid or not, in the order in which they run."""
    return sorted(Filter.objects.prefetch_related("mailboxes"), key=lambda row: natural(row.name))


def save_filter(draft: Draft, *, by: Agent | None, row: Filter | None = None) -> Filter:
    """Write a checked draft (check.problems() found nothing) over `row` or as a new filter; keeps what it was.

    Raises IntegrityError when another filter has the name, Mailbox.DoesNotExist for a mailbox that is gone.
    """
    now = timezone.now()
    with transaction.atomic():
        wait_for_others()
        before = draft_of(row) if row else None
        if row is not None and before == draft:
            return row
        target = row or Filter(created_at=now)
        target.name, target.is_valid, target.comment = draft.name, draft.valid, draft.comment
        target.match, target.stops = draft.match, draft.stop
        target.conditions = [condition.as_json() for condition in draft.conditions]
        target.actions = [action.as_json() for action in draft.actions]
        target.is_everywhere = draft.mailboxes is None
        target.changed_at, target.changed_by = now, by
        target.save()
        target.mailboxes.set([Mailbox.objects.get(name__iexact=name) for name in draft.mailboxes or ()])
        FilterVersion.objects.create(
            filter=target, at=now, agent=by, before=before.as_json() if before else None, after=draft.as_json()
        )
    return target


def wait_for_others() -> None:
    """Changes are committed one after the other: a version that became visible after a newer one would be missed by
    every process that compiled the filters in between."""
    Options.objects.select_for_update().get(pk=1)


def delete_filter(row: Filter, *, by: Agent | None) -> None:
    """Its versions stay, so that it can be brought back."""
    with transaction.atomic():
        wait_for_others()
        FilterVersion.objects.create(at=timezone.now(), agent=by, before=draft_of(row).as_json(), after=None)
        row.delete()


def undo(version: FilterVersion, *, by: Agent | None) -> Filter | None:
    """Make the filter what it was before `version`; None: it didn't exist then, so it is deleted now."""
    with transaction.atomic():
        row = version.filter
        if version.before is None:
            if row is not None:
                delete_filter(row, by=by)
            return None
        return save_filter(Draft.from_json(version.before), by=by, row=row)


def count_hits(hits: Iterable[int], at: datetime) -> None:
    """One small transaction after a claim of mails, rows in the order of their keys so that workers never wait in a
    circle. A crash before it loses counts only."""
    counted = Counter(hits)
    if not counted:
        return
    with transaction.atomic():
        for pk in sorted(counted):
            Filter.objects.filter(pk=pk).update(hits=F("hits") + counted[pk], last_hit_at=at)

"""Filters in words: conditions, actions, and what a change of a filter changed."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition, Malformed
from postvak.process.filters.actions import CUSTOM_FIELD, HEADER, Needs, sort_of
from postvak.process.filters.draft import BOTH, FOLLOW_UP, Action, Draft
from postvak.web.admin.condition_kit import in_words
from postvak.web.admin.filters_choices import Lists, kit_of, values_of_action


def condition_in_words(condition: Condition, lists: Lists) -> str:
    return in_words(condition, kit_of(lists))


def action_in_words(action: Action, lists: Lists) -> str:
    sort = sort_of(action.set)
    if sort is None:
        return f"{action.set}: {action.value}"
    label = str(sort.label)
    if action.set.startswith(CUSTOM_FIELD):
        key = action.set.removeprefix(CUSTOM_FIELD)
        label = _("Fill “%(field)s”") % {"field": lists.fields.get(key, key)}
    elif action.set.startswith(HEADER):
        label = action.set.removeprefix(HEADER)
    said = label
    if sort.needs is not Needs.nothing:
        value = values_of_action(action.set, lists).get(action.value, action.value)
        said = _("%(action)s: %(value)s") % {"action": label, "value": value}
    if sort.only or action.on in {"", sort.usually}:
        return said
    patterns = {FOLLOW_UP: _("%(said)s (on follow-ups)"), BOTH: _("%(said)s (on new tickets and on follow-ups)")}
    return patterns.get(action.on, _("%(said)s (on new tickets)")) % {"said": said}


def changes_in_words(before: object, after: object, lists: Lists) -> list[str]:
    """What lies between two drafts as FilterVersion keeps them; null is no filter."""
    try:
        old = Draft.from_json(before) if before is not None else None
        new = Draft.from_json(after) if after is not None else None
    except Malformed:
        return [_("Changed in a way that this version can't read.")]
    if old is None or new is None:
        return whole_in_words(new or old, lists) if new or old else []
    return [*head_changes(old, new), *row_changes(old, new, lists)]


def whole_in_words(draft: Draft | None, lists: Lists) -> list[str]:
    if draft is None:
        return []
    conditions = [condition_in_words(condition, lists) for condition in draft.conditions]
    return [*conditions, *(f"→ {action_in_words(action, lists)}" for action in draft.actions)]


def head_changes(old: Draft, new: Draft) -> Iterable[str]:
    if old.name != new.name:
        yield _("Renamed from “%(old)s” to “%(new)s”") % {"old": old.name, "new": new.name}
    if old.valid != new.valid:
        yield _("Switched on") if new.valid else _("Switched off")
    if old.match != new.match:
        yield _("Fires when any condition is true") if new.match == "any" else _("Fires when all conditions are true")
    if old.stop != new.stop:
        yield _("Stops the filters after it") if new.stop else _("No longer stops the filters after it")
    if old.mailboxes != new.mailboxes:
        yield _("Applies to: %(scope)s") % {"scope": scope_in_words(new)}
    if old.comment != new.comment:
        yield _("Comment: %(comment)s") % {"comment": new.comment or "–"}


def scope_in_words(draft: Draft) -> str:
    return _("all mailboxes") if draft.mailboxes is None else ", ".join(draft.mailboxes)


def row_changes(old: Draft, new: Draft, lists: Lists) -> Iterable[str]:
    pairs = (
        (
            [condition_in_words(c, lists) for c in old.conditions],
            [condition_in_words(c, lists) for c in new.conditions],
        ),
        ([action_in_words(a, lists) for a in old.actions], [action_in_words(a, lists) for a in new.actions]),
    )
    for was, now in pairs:
        yield from (_("Taken out: %(what)s") % {"what": row} for row in was if row not in now)
        yield from (_("Added: %(what)s") % {"what": row} for row in now if row not in was)
        if was != now and sorted(was) == sorted(now):
            yield _("The order of the rows changed")

"""Filters out of a file: what kind of file it is, what would become of each filter in it, and the saving. Spec 03.

report = import_text(raw, "filters.yml", replace=False)   # reads the database, writes nothing
save(report, by=agent)                                    # what the report says, all or nothing
"""

import codecs
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as with_
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.conditions.condition import Malformed
from postvak.models import Agent, Filter, Mailbox
from postvak.process.filters.check import LONGEST_NAME, Names, Problem, names, problems
from postvak.process.filters.draft import Draft
from postvak.process.filters.exchange import drafts_of, is_ours, read_json, read_toml
from postvak.process.filters.order import natural
from postvak.process.filters.otobo import TakenOver, taken_over
from postvak.process.filters.otobo_files import (
    BadFile,
    OldFilter,
    data_of_yaml,
    filters_of_data,
    filters_of_rows,
    is_csv,
    rows_of_csv,
)
from postvak.process.filters.otobo_sql import BadDump, mentions_table, rows_of
from postvak.process.filters.store import draft_of, ordered_filters, save_filter


class Result(StrEnum):
    taken_over = "taken_over"
    adapted = "adapted"
    off = "off"
    unchanged = "unchanged"
    refused = "refused"

    @property
    def label(self) -> Promise:
        return LABELS[self]

    @property
    def is_saved(self) -> bool:
        return self in {Result.taken_over, Result.adapted, Result.off}


LABELS: Mapping[Result, Promise] = {
    Result.taken_over: gettext_lazy("taken over"),
    Result.adapted: gettext_lazy("adapted"),
    Result.off: gettext_lazy("switched off"),
    Result.unchanged: gettext_lazy("unchanged"),
    Result.refused: gettext_lazy("refused"),
}


class NotUnderstood(ValueError):
    """Nothing of the file can be imported; the text is a sentence for people."""


class ChangedMeanwhile(Exception):
    """Since the report was made, somebody made a filter of the same name, or deleted a mailbox. Nothing was saved."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One filter of the file. `notes`: what is different; `faults`: why it is off or refused. `replaces`: a filter of
    that name exists. `draft` is what is saved; None for what is no filter."""

    name: str
    result: Result
    notes: tuple[str, ...]
    faults: tuple[str, ...]
    draft: Draft | None
    replaces: bool = False

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "result": self.result.value,
            "adapted": list(self.notes),
            "reasons": list(self.faults),
            "replaces": self.replaces,
            "filter": self.draft.as_json() if self.draft else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """`source` says what the file is; `notes` are about all filters together."""

    source: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Result, int]:
        return {result: sum(entry.result is result for entry in self.entries) for result in Result}

    def as_json(self) -> dict[str, object]:
        return {
            "source": self.source,
            "counts": {result.value: count for result, count in self.counts.items()},
            "notes": list(self.notes),
            "filters": [entry.as_json() for entry in self.entries],
        }


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds, before it is judged. `order`: names as they ran there, if that isn't our order."""

    source: str
    filters: tuple[TakenOver, ...]
    order: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def import_text(raw: bytes, filename: str = "", *, replace: bool = False) -> Report:
    """What would become of each filter. The content decides what the file is, not its name. Raises NotUnderstood."""
    known = names()
    found = read(raw, filename, known)
    existing = {row.name: row for row in ordered_filters()}
    entries, seen = [], set[str]()
    for one in found.filters:
        entries.append(judge(one, existing, known, replace=replace, is_second=one.name in seen))
        seen.add(one.name)
    return Report(found.source, tuple(entries), (*found.notes, *notes_on_order(found.order)))


def save(report: Report, *, by: Agent | None) -> int:
    """Write what the report says; how many were written. All or nothing. Raises ChangedMeanwhile."""
    count = 0
    try:
        with transaction.atomic():
            rows = {row.name: row for row in Filter.objects.select_for_update()}
            for entry in report.entries:
                if entry.result.is_saved and entry.draft:
                    save_filter(entry.draft, by=by, row=rows.get(entry.name) if entry.replaces else None)
                    count += 1
    except (IntegrityError, Mailbox.DoesNotExist, Malformed) as error:
        raise ChangedMeanwhile from error
    return count


def read(raw: bytes, filename: str, known: Names) -> Found:
    text = text_of(raw)
    for data in (read_json(text), read_toml(text)):
        if is_ours(data):
            return our_file(data)
    try:
        source, old = old_filters(text)
    except BadDump as error:
        raise NotUnderstood(
            _("Line %(line)s of the SQL can't be read. Nothing was imported.") % {"line": error.line}
        ) from error
    except BadFile as error:
        raise NotUnderstood(_("The file can't be read: %(where)s. Nothing was imported.") % {"where": error}) from error
    if not old:
        raise NotUnderstood(
            _(
                "There are no filters in “%(file)s”. Give a file that Postvak exported, an export of OTOBO, Znuny or OTRS (YAML or JSON), or its table postmaster_filter as SQL, CSV or JSON."
            )
            % {"file": filename or "-"}
        )
    return their_file(source, old, known)


def text_of(raw: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else Windows-1252."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("windows-1252", "replace")


def our_file(data: object) -> Found:
    try:
        drafts = drafts_of(data)
    except Malformed as error:
        raise NotUnderstood(_("The file has a mistake: %(where)s. Nothing was imported.") % {"where": error}) from error
    return Found(_("Filters of Postvak"), tuple(TakenOver(draft.name, draft) for draft in drafts))


def old_filters(text: str) -> tuple[str, list[OldFilter]]:
    """What the file is, and its filters. Raises BadDump or BadFile."""
    data = read_json(text)
    if data is not None:
        return _("Filters of OTOBO, Znuny or OTRS (JSON)"), filters_of_data(data)
    if is_csv(text):
        return _("Table postmaster_filter (CSV)"), filters_of_rows(rows_of_csv(text))
    if mentions_table(text):
        return _("Table postmaster_filter (SQL)"), filters_of_rows(rows_of(text))
    return _("Filters of OTOBO, Znuny or OTRS (YAML)"), filters_of_data(data_of_yaml(text))


def their_file(source: str, old: list[OldFilter], known: Names) -> Found:
    """In the order in which OTOBO runs them: those of the table by their names, then those of the configuration."""
    ran = sorted(old, key=lambda one: (bool(one.module), one.name))
    notes = []
    if any(one.stop for one in ran if not one.module) and any(
        one.module in {"Match", "NewTicketReject"} for one in ran
    ):
        notes.append(_("There, filters of the configuration ran even after “stop”; here they don't."))
    return Found(
        source, tuple(taken_over(one, known) for one in ran), tuple(one.name.strip() for one in ran), tuple(notes)
    )


def notes_on_order(order: Iterable[str]) -> Iterator[str]:
    before = list(dict.fromkeys(order))
    after = sorted(before, key=natural)
    if before != after:
        moved = next(name for name, other in zip(after, before, strict=True) if name != other)
        yield _(
            "The order changes, because numbers count by their value and letter case doesn't count: “%(name)s” comes earlier here. Rename filters if it matters."
        ) % {"name": moved}


def judge(one: TakenOver, existing: Mapping[str, Filter], known: Names, *, replace: bool, is_second: bool) -> Entry:
    if one.draft is None:
        return Entry(one.name, Result.refused, one.notes, one.faults, None)
    refusals = tuple(reasons_to_refuse(one.draft, is_second=is_second))
    if refusals:
        return Entry(one.name, Result.refused, one.notes, refusals, None)
    faults = (*one.faults, *(described(problem) for problem in problems(one.draft, known)))
    draft = ready(one.draft, faults)
    row = existing.get(one.name)
    if row is not None and as_saved(row) == draft:
        return Entry(one.name, Result.unchanged, (), (), draft)
    if row is not None and not replace:
        there = _("There is a filter of this name already. It is only replaced if you say so.")
        return Entry(one.name, Result.refused, one.notes, (there,), draft)
    if row is not None and as_saved(row) is None:
        broken = _("The filter of this name that is there can't be read. Delete it first.")
        return Entry(one.name, Result.refused, one.notes, (broken,), draft)
    result = Result.off if faults else Result.adapted if one.notes else Result.taken_over
    return Entry(one.name, result, one.notes, faults, draft, replaces=row is not None)


def reasons_to_refuse(draft: Draft, *, is_second: bool) -> Iterator[str]:
    """Why it can't even be kept switched off."""
    if not draft.name.strip():
        yield _("It has no name.")
    if len(draft.name) > LONGEST_NAME:
        yield _("The name is longer than %(limit)s characters.") % {"limit": LONGEST_NAME}
    if is_second:
        yield _("The name stands in the file twice; only the first one is looked at.")
    if draft.match not in {"all", "any"}:
        yield _("“%(value)s” is neither all nor any.") % {"value": draft.match}
    if not all(map(is_storable, texts_of(draft))):
        yield _("It contains characters that can't be stored.")


def texts_of(draft: Draft) -> Iterator[str]:
    yield from (draft.name, draft.comment, *(draft.mailboxes or ()))
    for condition in draft.conditions:
        yield from (condition.field, condition.operator, condition.value)
    for action in draft.actions:
        yield from (action.set, action.value, action.on)


def is_storable(text: str) -> bool:
    """No zero bytes, which PostgreSQL can't keep, and no halves of characters."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def as_saved(row: Filter) -> Draft | None:
    try:
        return draft_of(row)
    except Malformed:
        return None


PARTS: Mapping[str, Promise] = {
    "conditions": gettext_lazy("Condition %(number)s: %(problem)s"),
    "actions": gettext_lazy("Action %(number)s: %(problem)s"),
}


def described(problem: Problem) -> str:
    form = PARTS.get(problem.part)
    return str(form) % {"number": problem.index + 1, "problem": problem.text} if form else problem.text


def ready(draft: Draft, faults: tuple[str, ...]) -> Draft:
    """As it is saved: off if something is wrong, with that in the comment, and without mailboxes that don't exist."""
    there = (
        {name.casefold(): name for name in Mailbox.objects.values_list("name", flat=True)} if draft.mailboxes else {}
    )
    mailboxes = tuple(there[name.casefold()] for name in draft.mailboxes or () if name.casefold() in there)
    return with_(
        draft,
        valid=draft.valid and not faults,
        comment=commented(draft.comment, faults),
        mailboxes=None if draft.mailboxes is None else mailboxes,
    )


def commented(comment: str, faults: tuple[str, ...]) -> str:
    """What stands there already isn't repeated, so that an exported filter can be imported again."""
    new = [text for text in faults if text not in comment]
    return "\n".join([*filter(None, [comment]), _("Switched off when it was imported:"), *new]) if new else comment

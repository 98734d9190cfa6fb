"""The set-up that decisions depend on: two queries for a wave of mails, two more when something can be wished."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import CharField, Exists, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Lower
from django.utils import translation

from postvak.mail.values import Mail
from postvak.models import (
    Address,
    Agent,
    ClassifierModel,
    CustomField,
    ExternalNumber,
    FilterVersion,
    GroupingExclusion,
    Mode,
    Options,
    Organisation,
    Priority,
    Queue,
    Status,
    TicketType,
)
from postvak.models.priority import SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES
from postvak.notify.circumstances import limits_of
from postvak.process import set_up as values
from postvak.process.assignees import find_assignees
from postvak.process.controls import wishes_of
from postvak.process.filters.actions import has_placeholder
from postvak.process.filters.compiled import CompiledFilter
from postvak.process.filters.store import valid_filters
from postvak.process.set_up import Desk, Directory, FieldRule, OwnAddress, OwnQueue
from postvak.tickets.rules.known import from_json, rules_as_json
from postvak.tickets.rules.occurrence import BY_MAIL

STATUSES_ELSEWHERE = {
    "closed successful": "closed",
    "closed unsuccessful": "closed",
    "closed with workaround": "closed",
    "merged": "closed",
    "pending reminder": "internal",
    "pending auto close+": "customer",
    "pending auto close-": "customer",
    "removed": "trash",
}  # OTOBO, Znuny, OTRS


def load_options() -> Options:
    """With what else must be known before anything else is asked: revision of the filters, what is switched on."""
    return options_query().get(pk=1)


@lru_cache(maxsize=1)
def options_query() -> "QuerySet[Options]":
    """Never run itself: building it takes most of the time of a query that always is the same."""
    newest = FilterVersion.objects.order_by("-pk")
    return Options.objects.annotate(
        filters_pk=Subquery(newest.values("pk")[:1]),
        filters_at=Subquery(newest.values("at")[:1]),
        has_external=Exists(ExternalNumber.objects.filter(is_valid=True)),
        has_grouping=Exists(Address.objects.filter(grouping_hours__gt=0)),
        rules_json=rules_as_json(BY_MAIL),
        has_models=Exists(ClassifierModel.objects.filter(is_active=True).exclude(classifier__mode=Mode.OFF)),
    )


def load_desk(options: Options, mails: Iterable[Mail], *, has_commands: bool = False) -> Desk:
    """For these mails; `has_commands`: agents may give some in them. Raises Queue.DoesNotExist when set-up made no default queue."""
    queues, addresses, default_id, faces = load_queues()
    filters = valid_filters((options.filters_pk, options.filters_at))  # type: ignore[attr-defined]
    has_grouping = options.has_grouping  # type: ignore[attr-defined]
    return Desk(
        addresses=addresses,
        default_queue_id=default_id,
        queues=queues,
        options=values.Options(
            hook=options.hook,
            stranger=options.stranger,
            unmatched_report=options.unmatched_report,
            number_in_body=options.number_in_body,
            number_in_attachments=options.number_in_attachments,
            tickets_per_hour=options.tickets_per_hour,
            limits=limits_of(options),
        ),
        ungrouped=frozenset(GroupingExclusion.objects.values_list("sender", flat=True) if has_grouping else ()),
        filters=filters,
        directory=load_directory(filters, mails, has_commands=has_commands),
        rules=from_json(options.rules_json),  # type: ignore[attr-defined]
        faces=faces,
    )


def load_queues() -> tuple[dict[int, OwnQueue], dict[str, OwnAddress], int, frozenset[str]]:
    """All queues and addresses, valid or not, in one query; the default queue; names that customers see."""
    queues: dict[int, OwnQueue] = {}
    addresses: dict[str, OwnAddress] = {}
    faces: set[str] = set()
    default_id = 0
    rows: Iterable[Any] = Queue.objects.values_list(
        "pk", "name", "is_valid", "follow_up", "follow_up_days", "is_default",
        "addresses__pk", "addresses__email", "addresses__is_valid", "addresses__grouping_hours", "address__email", "brand__name",
        "addresses__display_name", "keeps_decrypted", "holds_suspicious", "answers_unverified", "commands_need_dmarc", "is_proposed",
    )  # fmt: skip
    for (
        pk,
        name,
        is_valid,
        follow_up,
        days,
        is_default,
        *address,
        own,
        brand,
        face,
        keeps,
        holds,
        answers,
        proof,
        proposed,
    ) in rows:
        queues[pk] = OwnQueue(
            pk, name, is_valid, follow_up, days, own or "", brand, keeps, holds, answers, proof, proposed
        )
        faces |= {brand, face or ""}
        default_id = pk if is_default else default_id
        address_id, email, address_is_valid, hours = address
        if email:
            addresses[email] = OwnAddress(address_id, email, pk, name, address_is_valid and is_valid, hours)
    if not default_id:
        raise Queue.DoesNotExist("no queue is the default one; choose one in the administration")
    return queues, addresses, default_id, frozenset(faces)


def load_directory(
    filters: Iterable[CompiledFilter], mails: Iterable[Mail], *, has_commands: bool = False
) -> Directory:
    """Names that wishes may use; nothing asked, nothing queried: most mails and set-ups wish nothing."""
    wished = [(name, found[-1]) for mail in mails for name, found in wishes_of(mail)[0].items()]
    controls = {name.removeprefix("followup-") for name, _ in wished}
    controls |= {name.removeprefix("followup-") for rule in filters for _, names, _ in rule.actions for name in names}
    if not has_commands and not controls - NEEDS_NO_NAMES:
        return Directory()
    statuses, priorities = STATUSES_ELSEWHERE | shipped_statuses(), dict(shipped_priorities())
    valid: set[str | int] = set()
    types: dict[str, int] = {}
    agents: dict[str, int] = {}
    fields: dict[str, FieldRule] = {}
    for table, key, name, kind, options in all_names():
        if table == "status":
            valid.add(key)
            statuses |= {key.casefold(): key} | ({name.casefold(): key} if name else {})
        elif table == "priority":
            valid.add(int(key))
            priorities |= {key: int(key)} | ({name.casefold(): int(key)} if name else {})
        elif table == "type":
            types[name.casefold()] = int(key)
        elif table == "agent":
            agents |= {kind: int(key), f"#{key}": int(key), name.casefold(): int(key)}
        else:
            lines = tuple(line.strip() for line in options.splitlines() if line.strip())
            fields[key.casefold()] = FieldRule(key, kind, lines)
    named = [wish.value for name, wish in wished if name == "customerno"]
    numbers = organisations_for(filters, named) if "customerno" in controls else {}
    return Directory(
        {name: key for name, key in statuses.items() if key in valid},
        {name: level for name, level in priorities.items() if level in valid},
        types,
        agents,
        fields,
        numbers,
        find_assignees(agents.values()) if has_commands or controls & {"owner", "ownerid"} else {},
    )


NEEDS_NO_NAMES = {
    "queue", "state-pendingtime", "state-keep", "title", "sendertype", "isvisibleforcustomer", "ignore", "loop",
    "tag", "tag-remove", "note", "note-visible", "spam", "hold", "reject", "forward", "customeruser", "lock",
}  # fmt: skip


Names = Iterable[tuple[str, str, str, str, str]]


def all_names() -> Names:
    """(table, key, name, kind or e-mail, options) of everything valid that has a name, in one query."""
    own = CustomField.objects.filter(is_valid=True, holder=CustomField.Holder.TICKET)
    fields = named_rows(own, "field", "key", "label", "kind", "options")
    return fields.union(
        named_rows(Status.objects.filter(is_valid=True), "status", "key", "name"),
        named_rows(Priority.objects.filter(is_valid=True), "priority", "level", "name"),
        named_rows(TicketType.objects.filter(is_valid=True), "type", "pk", "name"),
        named_rows(Agent.objects.filter(is_active=True), "agent", "pk", "name", "email"),
        all=True,
    )


def named_rows(rows: "QuerySet[Any]", table: str, *columns: str) -> "QuerySet[Any, Any]":
    """Five texts for each row; columns that are not given are empty."""
    text = CharField()
    filled = [Cast(column, text) for column in columns] + [Value("", text)] * (4 - len(columns))
    return rows.order_by().values_list(Value(table, text), *filled)


def organisations_for(filters: Iterable[CompiledFilter], named: Iterable[str]) -> dict[str, int]:
    """By number: those that the mails and filters name; all, when a filter takes the number from the mail."""
    written = [a.value for rule in filters for a, names, _ in rule.actions if "customerno" in names]
    rows = Organisation.objects.exclude(number="")
    if not any(has_placeholder(value) for value in written):
        wanted = {value.strip().lower() for value in (*written, *named)}
        rows = rows.annotate(lowered=Lower("number")).filter(lowered__in=wanted)
    return {number.casefold(): pk for number, pk in rows.values_list("number", "pk")}


@lru_cache(maxsize=1)
def shipped_statuses() -> dict[str, str]:
    """Names that we ship, in all languages of the interface."""
    found: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found |= {str(name).casefold(): key for key, name in SHIPPED_NAMES.items()}
    return found


@lru_cache(maxsize=1)
def shipped_priorities() -> dict[str, int]:
    """Names that we ship, in all languages, also with the level in front ("3 normal"), as OTOBO writes them."""
    found: dict[str, int] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for level, name in SHIPPED_PRIORITIES.items():
                found |= {str(name).casefold(): level, f"{level} {name}".casefold(): level}
    return found

"""The audit: what was changed in the administration, by whom, and from what to what; log-ins, exports, downloads. Spec 07.

Whoever changes such a row does it inside `recording(by, row)`: the entry is written in the same transaction, with what
really changed. Secrets are never written, only that there is one. What Postvak notes by itself about a row (its last
success, its hits) is no change of a setting: STATE.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from postvak.crypto.sealing import FERNET
from postvak.mail.charsets import storable
from postvak.models import Agent, AuditEntry, Queue, Team

Value = object  # what JSON can hold
Snapshot = Mapping[str, Value]
Changes = dict[str, list[Value]]
Action, Origin = AuditEntry.Action, AuditEntry.Origin

HIDDEN = "…"
LONGEST = 4000  # letters of one value
LONGEST_ADDRESS = 100
SECRETS = frozenset({"password", "digest"})  # and whatever is sealed
STATE = frozenset(
    {
        "id", "last_login", "seen_at", "lists", "created_at", "changed_at", "changed_by", "hits", "last_hit_at", "times_used",
        "last_used_at", "next_fetch_at", "last_success_at", "last_error_at", "last_problem", "last_said", "last_details",
        "failing_since", "failures", "unreadable", "move_begun_at", "reconciled_at", "compared", "missing",
        "rate_from", "rate_used", "announced_size", "paused_until", "access_expires_at", "refreshed_at", "checked_at", "found",
        "sealed_access_token", "on_since", "looked_until", "is_stale", "last_problem_at", "closed_by", "opened_at", "last_at", "stopped", "created_by", "warned_days",
    }
)  # fmt: skip
PARTS = ("wordings", "texts", "files", "look")  # rows that are edited on the page of the row they belong to


@dataclass(frozen=True, slots=True)
class Kept:
    """The settings of a row by their names, as a configuration file has them, without secrets; `section` and `key` find it there."""

    section: str
    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class By:
    """Who does it and through which door. `ip`: of the browser; "" for the command line. `settings`: reads the settings of a row,
    so that the change can be taken back; null: there are none."""

    agent: Agent | None = None
    origin: str = Origin.ITSELF
    ip: str = ""
    settings: Callable[[models.Model], Kept | None] | None = None

    def kept(self, row: models.Model | None) -> Kept | None:
        return self.settings(row) if self.settings is not None and row is not None else None


COMMAND = By(origin=Origin.COMMAND)


def record(
    by: By,
    action: str,
    row: models.Model | None = None,
    changes: Mapping[str, list[Value]] | None = None,
    *,
    name: str = "",
    kind: str = "",
    key: int | None = None,
    earlier: Mapping[str, Value] | None = None,
) -> AuditEntry:
    """Write one entry. Without `row`: `kind` and `name` say what it is about. `earlier`: see earlier_of."""
    if row is not None:
        kind, key, name = kind or str(row._meta.model_name), key or keys(row), name or str(row)
    return AuditEntry.objects.create(
        at=timezone.now(),
        agent=by.agent,
        who=by.agent.name if by.agent else "",
        origin=by.origin,
        remote_ip=by.ip[:45],
        action=action,
        kind=kind[:40],
        key=key,
        name=storable(name)[:200],
        changes=dict(changes or {}),
        earlier=earlier,
    )


def keys(row: models.Model) -> int | None:
    return row.pk if isinstance(row.pk, int) else None


@contextmanager
def recording(by: By, *rows: models.Model, action: str = "") -> Iterator[list[models.Model]]:
    """Compare `rows` as they stand in the database before and after the block, and write what changed, all in one
    transaction. A new row gets its key in the block, or is put into the yielded list; one that is deleted may lose it.
    `action`: instead of the usual ones."""
    with transaction.atomic():
        before = [(row, row.pk, *both(by, stored(row, row.pk))) for row in rows]
        made: list[models.Model] = []
        yield made
        known = {(type(row), key) for row, key, _was, _kept in before}
        before += [(row, row.pk, None, None) for row in made if (type(row), row.pk) not in known]
        for row, key, was, kept in before:
            write_difference(by, row, key or row.pk, was, kept, action=action)


def both(by: By, row: models.Model | None) -> tuple[Snapshot | None, Kept | None]:
    return snapshot(row), by.kept(row)


def write_difference(
    by: By, row: models.Model, key: object, was: Snapshot | None, kept: Kept | None = None, *, action: str = ""
) -> None:
    """One entry, or none when nothing changed. For what can't stand in one transaction (a sign-in at a provider), call
    snapshot(row) before and this afterwards."""
    now = stored(row, key)
    after, name = snapshot(now), str(now or row)
    if was == after:
        return
    usual = Action.CREATED if was is None else Action.DELETED if after is None else Action.CHANGED
    changes = difference(was, after)
    if changes or usual != Action.CHANGED:
        number = key if isinstance(key, int) else None
        kind, earlier = str(row._meta.model_name), earlier_of(kept, by.kept(now))
        record(by, action or usual, changes=changes, kind=kind, key=number, name=name, earlier=earlier)


def earlier_of(before: Kept | None, after: Kept | None) -> dict[str, Value] | None:
    """{"section", "key", "before", "after"}: the settings that are different; without "after": all of a row that is gone."""
    if before is None:
        return None
    found: dict[str, Value] = {"section": before.section, "key": before.key}
    if after is None:
        return found | {"before": dict(before.values)}
    names = [name for name, value in before.values.items() if value != after.values.get(name)]
    if not names and before.key == after.key:
        return None
    return found | {
        "new_key": after.key,
        "before": {name: before.values[name] for name in names},
        "after": {name: after.values[name] for name in names},
    }


def stored(row: models.Model, key: object) -> models.Model | None:
    """As it stands in the database now; null: it is not there."""
    return type(row)._base_manager.filter(pk=key).first() if key is not None else None


def snapshot(row: models.Model | None) -> Snapshot | None:
    """{field: value} of all that can be set: names instead of keys, the parts of the row after its own fields."""
    if row is None:
        return None
    values = {field.name: plain(row, field) for field in row._meta.concrete_fields if field.name not in STATE}
    for many in row._meta.many_to_many:
        values[many.name] = sorted(str(other) for other in getattr(row, many.name).all())
    for relation in row._meta.related_objects:
        if relation.get_accessor_name() in PARTS:
            values |= part_values(row, relation.get_accessor_name() or "")
    return values | leads(row)


def part_values(row: models.Model, accessor: str) -> dict[str, Value]:
    """ "wordings.signature.de": its text."""
    found = getattr(row, accessor, None)
    if found is None:
        return {}
    if isinstance(found, models.Model):
        own = snapshot(found) or {}
        return {f"{accessor}.{name}": value for name, value in own.items() if name != row._meta.model_name}
    values: dict[str, Value] = {}
    for part in found.all():
        values |= one_part(accessor, part)
    return values


def one_part(accessor: str, part: models.Model) -> dict[str, Value]:
    if accessor == "files":
        return {f"files.{getattr(part, 'name', part.pk)}": str(getattr(part, "blob_id", ""))}
    place = ".".join(str(value) for name in ("part", "language") if (value := getattr(part, name, "")))
    texts = {name: str(getattr(part, name, "")) for name in ("subject", "text", "html")}
    text = "\n".join(value for value in texts.values() if value)
    return {f"{accessor}.{place}" if place else accessor: text}


def leads(row: models.Model) -> dict[str, Value]:
    """Who has which role in a queue, which ones an agent and a team have: none is a field of the row."""
    if isinstance(row, Queue):
        given = row.membership_set.select_related("agent", "own_role")
        leads = sorted(str(one.agent) for one in given if one.is_lead)
        return {"leads": leads, "roles": with_roles((one.agent, one.own_role) for one in given), "teams": teams_in(row)}
    if isinstance(row, Agent):
        own = row.membership_set.select_related("queue", "own_role")
        teams = sorted(str(team) for team in Team.objects.filter(members=row))
        return {"queues": sorted(str(queue) for queue in row.queues.all()), "teams": teams,
                "roles": with_roles((one.queue, one.own_role) for one in own)}  # fmt: skip
    if isinstance(row, Team):
        return {"roles": with_roles((one.queue, one.role) for one in row.queue_teams.select_related("queue", "role"))}
    return {}


def teams_in(queue: Queue) -> Value:
    return with_roles((one.team, one.role) for one in queue.queue_teams.select_related("team", "role"))


def with_roles(pairs: Iterable[tuple[models.Model, models.Model | None]]) -> Value:
    """ "Bob Baker: agent"; who has no role of his own is left out."""
    return sorted(f"{whose}: {role}" for whose, role in pairs if role is not None)


def plain(row: models.Model, field: "models.Field[Any, Any]") -> Value:
    if isinstance(field, models.ForeignKey):
        related = getattr(row, field.name)
        return "" if related is None else str(related)
    value = getattr(row, field.attname)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return sha256(value).hexdigest()
    return value


def difference(before: Snapshot | None, after: Snapshot | None) -> Changes:
    """{field: [before, after]} of what is different; of a new or deleted row what isn't empty."""
    was, now = before or {}, after or {}
    changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    if before is None or after is None:
        changed = [name for name in changed if (was.get(name) or now.get(name)) not in (None, "", [], {}, False)]
    return {name: [shown(name, was.get(name)), shown(name, now.get(name))] for name in changed}


def shown(name: str, value: Value) -> Value:
    """As it may be kept: of a secret only that there is one, of a long text its beginning."""
    if is_secret(name) or (isinstance(value, str) and value.startswith(FERNET)):
        return HIDDEN if value else ""
    if isinstance(value, str) and len(value) > LONGEST:
        return value[: LONGEST - 1] + HIDDEN
    return value


def is_secret(name: str) -> bool:
    return name in SECRETS or name.startswith("sealed_")


def logged_in(by: By) -> None:
    record(by, Action.LOGGED_IN, by.agent)


def logged_out(by: By) -> None:
    record(by, Action.LOGGED_OUT, by.agent)


def login_refused(typed: str, *, ip: str) -> None:
    """`typed`: the e-mail address as somebody typed it. What was typed as a password is nobody's business."""
    by = By(origin=Origin.BROWSER, ip=ip)
    record(by, Action.LOGIN_REFUSED, kind="agent", name=typed[:LONGEST_ADDRESS])


def exported(by: By, what: str, name: str = "", key: int | None = None) -> None:
    """`what`: a model's name in lower case, or "config", "ledger", "report" …"""
    record(by, Action.EXPORTED, kind=what, name=name, key=key)

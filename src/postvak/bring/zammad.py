"""Zammad from what its REST API gives, saved as files: a directory or ZIP with users, groups, organizations, tickets and
ticket_articles as JSON lists (one file each, or several: tickets.json, tickets-2.json). docs/import.md says how to get them."""

import base64
import binascii
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from postvak.bring import memory
from postvak.bring.house import House, load_house
from postvak.bring.letter import Kept, Part, rebuilt
from postvak.bring.trip import Trip
from postvak.bring.values import Case, Entry, LeftOut
from postvak.bring.write import write
from postvak.mail.addresses import is_valid_recipient, read_addresses, read_author
from postvak.mail.charsets import storable
from postvak.mail.headers import message_ids
from postvak.mail.html import to_text
from postvak.mail.parse import parse
from postvak.mail.values import Address
from postvak.models import Agent, Mailbox, Message, Queue

Thing = Mapping[str, Any]
BATCH = 50
FILES = ("users", "groups", "organizations", "tickets", "ticket_articles")
KINDS = Message.AuthorKind
MAIL = {"email", "web"}
STATUSES = {"new": "new", "open": "open", "closed": "closed", "merged": "closed", "removed": "trash"}  # by name
LEVELS = {"1": 2, "2": 3, "3": 4}  # 1 low, 2 normal, 3 high


class NotZammad(ValueError):
    """There are no such files."""


@dataclass(slots=True)
class Source:
    """Everything by id; `articles` by ticket."""

    name: str = ""
    users: dict[int, Thing] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    agents: dict[int, int | None] = field(default_factory=dict)
    tickets: list[Thing] = field(default_factory=list)
    articles: dict[int, list[Thing]] = field(default_factory=dict)


def bring_zammad(trip: Trip) -> None:
    found = {name: list(rows_in(trip.options.path, name)) for name in FILES}
    if not found["tickets"]:
        raise NotZammad
    source = Source(name="zammad", users={number(row, "id"): row for row in found["users"]})
    source.tickets = sorted(found["tickets"], key=lambda row: number(row, "id"))
    for row in found["ticket_articles"]:
        source.articles.setdefault(number(row, "ticket_id"), []).append(row)
    bring_groups(trip, source, found["groups"])
    bring_agents(trip, source)
    house = load_house(
        source=source.name, title="Zammad", entry_kind="article", job=trip.options.job,
        mailbox=Mailbox.objects.get(pk=trip.options.mailbox),
    )  # fmt: skip
    trip.total, done = len(source.tickets), int(trip.point.get("done", 0))
    trip.reasons.update(trip.point.get("reasons", {}))
    while some := source.tickets[done : done + BATCH]:
        done += len(some)
        take(trip, house, source, some, done)


def rows_in(path: Path, name: str) -> Iterator[Thing]:
    """Raises NotZammad for what is no JSON list of objects."""
    for raw in files_named(path, name):
        try:
            rows = json.loads(raw)
        except ValueError as error:
            raise NotZammad from error
        if not isinstance(rows, list):
            raise NotZammad
        yield from (row for row in rows if isinstance(row, dict))


def files_named(path: Path, name: str) -> Iterator[bytes]:
    def is_wanted(file: str) -> bool:
        stem = Path(file).stem
        return file.endswith(".json") and (stem == name or stem.startswith(f"{name}-"))

    if path.is_dir():
        yield from (file.read_bytes() for file in sorted(path.glob("*.json")) if is_wanted(file.name))
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(file) for file in sorted(archive.namelist()) if is_wanted(file))


# ---- groups and agents ------------------------------------------------------------


def bring_groups(trip: Trip, source: Source, rows: Sequence[Thing]) -> None:
    known = {name.casefold(): pk for name, pk in Queue.objects.values_list("name", "pk")}
    brand = Queue.objects.select_related("brand").get(is_default=True).brand
    for row in rows:
        name = text(row, "name").strip()[:100]
        if name and name.casefold() not in known:
            trip.counts["queues"] += 1
            is_dry = trip.options.is_dry
            known[name.casefold()] = 0 if is_dry else Queue.objects.create(name=name, brand=brand).pk
        source.groups[number(row, "id")] = known.get(name.casefold(), 0)


def bring_agents(trip: Trip, source: Source) -> None:
    """Whoever wrote as an agent or owns a ticket; new ones are invalid and have no password."""
    known = dict(Agent.objects.values_list("email", "pk"))
    wrote = {
        number(row, "created_by_id") for rows in source.articles.values() for row in rows if sender(row) == "Agent"
    }
    for key in sorted(wrote | {number(row, "owner_id") for row in source.tickets}):
        user = source.users.get(key, {})
        email = text(user, "email").strip().lower()
        if key == 1 or not is_valid_recipient(email) or len(email) > 254:  # 1: nobody
            continue
        if email not in known:
            trip.counts["agents"] += 1
            known[email] = 0 if trip.options.is_dry else make_agent(email, name_of(user))
        source.agents[key] = known[email] or None


def make_agent(email: str, name: str) -> int:
    password = make_password(None)
    return Agent.objects.create(email=email, name=(name or email)[:200], is_active=False, password=password).pk


# ---- tickets ------------------------------------------------------------


def take(trip: Trip, house: House, source: Source, some: Sequence[Thing], done: int) -> None:
    keys = [str(number(row, "id")) for row in some]
    articles = [str(number(one, "id")) for row in some for one in source.articles.get(number(row, "id"), ())]
    known = memory.found(house.source, "ticket", keys)
    written = {key for key, row in memory.found(house.source, "article", articles).items() if row}
    left: list[LeftOut] = []
    cases = [case for row in some if (case := case_of(source, row, known, written, left, trip)) is not None]
    trip.counts["again"] += len(written)
    if trip.options.is_dry:
        trip.leave_out(house.source, left)
        trip.step(done, {}, counted(cases))
        return
    with transaction.atomic():
        trip.leave_out(house.source, left)
        write(house, cases, lambda found: trip.step(done, {"done": done}, found))


def counted(cases: Sequence[Case]) -> Counter[str]:
    found = Counter(str(entry.kind) for case in cases for entry in case.entries)
    found["tickets"] = sum(case.ticket is None for case in cases)
    return found


def case_of(
    source: Source, row: Thing, known: Mapping[str, int], written: set[str], left: list[LeftOut], trip: Trip
) -> Case | None:
    key = str(number(row, "id"))
    articles = source.articles.get(number(row, "id"), [])
    if not articles:
        left.append(LeftOut("ticket", key, "empty", text(row, "number")))
        return None
    entries = [entry_of(source, one) for one in articles if str(number(one, "id")) not in written]
    here = known.get(key) or None
    if here and not entries:
        return None
    customer = source.users.get(number(row, "customer_id"), {})
    email = text(customer, "email")
    return Case(
        key=key,
        ticket=here,
        entries=tuple(sorted(entries, key=lambda entry: entry.at)),
        number=text(row, "number"),
        subject=text(row, "title"),
        queue=source.groups.get(number(row, "group_id"), 0) or trip.options.queue,
        status=status_of(row),
        priority=LEVELS.get(text(row, "priority_id") or text(row, "priority")[:1], 3),
        assignee=source.agents.get(number(row, "owner_id")),
        customer=Address(name_of(customer), email) if email else None,
        created_at=moment(row, "created_at"),
        closed_at=moment(row, "close_at") or moment(row, "updated_at"),
        pending_until=moment(row, "pending_time"),
        tags=tuple(storable(tag) for tag in row.get("tags") or () if isinstance(tag, str)),
    )


def status_of(row: Thing) -> str:
    """By the name (`expand=true`), else by the number that a fresh Zammad gives: 1 new, 2 open, 3 and 7 pending, 4 closed, 5 merged."""
    name = text(row, "state").lower()
    if name:
        return STATUSES.get(name, "internal" if "reminder" in name else "customer" if "pending" in name else "open")
    numbers = {1: "new", 2: "open", 3: "internal", 4: "closed", 5: "closed", 6: "trash", 7: "customer"}
    return numbers.get(number(row, "state_id"), "open")


# ---- articles ------------------------------------------------------------


def entry_of(source: Source, row: Thing) -> Entry:
    key, by = number(row, "id"), number(row, "created_by_id")
    who = sender(row)
    is_mail, is_internal = text(row, "type").lower() in MAIL, row.get("internal") is True
    body = text(row, "body")
    is_html = "html" in text(row, "content_type")
    author = read_author(text(row, "from")) or Address(name_of(source.users.get(by, {})), "")
    kept = Kept(
        author=author, to=read_addresses(text(row, "to")), cc=read_addresses(text(row, "cc")), subject=text(row, "subject"),
        at=moment(row, "created_at") or datetime.fromtimestamp(0, UTC), message_id=text(row, "message_id").strip("<> "),
        in_reply_to=text(row, "in_reply_to"), references=text(row, "references"), text=to_text(body) if is_html else body,
        html=body if is_html else "", parts=list(parts_of(row)), source="Zammad",
    )  # fmt: skip
    is_note = not is_mail or is_internal
    raw = b"" if is_note and not kept.parts else rebuilt(kept)
    agent = source.agents.get(by) if who != "Customer" else None
    return Entry(
        key=str(key),
        kind=Message.Kind.NOTE if is_note else Message.Kind.INCOMING if who == "Customer" else Message.Kind.OUTGOING,
        at=kept.at,
        author=author,
        to=() if is_note else kept.to,
        cc=() if is_note else kept.cc,
        subject=kept.subject,
        text=kept.text,
        raw=raw,
        mail=parse(raw) if raw else None,
        message_id="" if is_note else kept.message_id,
        references=message_ids(kept.references.encode("utf-8", "replace")),
        agent=agent,
        author_kind=(KINDS.CUSTOMER if who == "Customer" else KINDS.AGENT if agent else KINDS.SYSTEM).value,
        is_internal=is_internal,
    )


def parts_of(row: Thing) -> Iterator[Part]:
    """Attachments with their content in Base64 (`data`)."""
    for one in row.get("attachments") or ():
        if not isinstance(one, dict) or not isinstance(one.get("data"), str):
            continue
        try:
            content = base64.b64decode(one["data"])
        except (binascii.Error, ValueError):
            continue
        kinds = one.get("preferences") or {}
        yield Part(text(one, "filename"), text(kinds, "Content-Type") or text(kinds, "Mime-Type"), content)


def sender(row: Thing) -> str:
    """Customer, Agent or System."""
    return text(row, "sender") or {1: "Agent", 2: "Customer", 3: "System"}.get(number(row, "sender_id"), "System")


def name_of(user: Thing) -> str:
    return f"{text(user, 'firstname')} {text(user, 'lastname')}".strip()


def text(row: Thing, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    return storable(str(value)) if isinstance(value, str | int) else ""


def number(row: Thing, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else 0


def moment(row: Thing, name: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text(row, name))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)

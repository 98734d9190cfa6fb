"""osTicket's tickets with their threads as cases: a batch at a time, read out of the staged dump."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postvak.bring.letter import Kept, Part, rebuilt
from postvak.bring.osticket_rows import values_in
from postvak.bring.osticket_setup import Setup, answers
from postvak.bring.staging import Record, Staging, number, text
from postvak.bring.values import Case, Entry, LeftOut
from postvak.mail.addresses import read_addresses
from postvak.mail.headers import message_ids
from postvak.mail.html import to_text
from postvak.mail.parse import parse
from postvak.mail.values import Address
from postvak.models import Message

BATCH = 25
KINDS = Message.AuthorKind
ENTRY_KINDS = {"M": Message.Kind.INCOMING, "R": Message.Kind.OUTGOING, "N": Message.Kind.NOTE}
NOBODY = Address("", "")
MERGED, LINKED = 0x3, 0x8  # of ticket.flags: combined or separate threads; linked only
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Batch:
    """Rows by the key that they are looked for with. `users`: id -> who it is."""

    staging: Staging
    tickets: list[Record]
    entries: dict[int, list[Record]]
    mails: dict[int, Record]
    files: dict[int, list[Record]]
    data: dict[int, Record]
    cdata: dict[int, Record]
    users: dict[int, Address]
    directory: Path | None
    left: list[LeftOut]


def batches(staging: Staging, after: int, directory: str) -> Iterator[Batch]:
    while tickets := list(staging.rows("ticket", "WHERE ticket_id > ? ORDER BY ticket_id LIMIT ?", [after, BATCH])):
        ids = [number(row, "ticket_id") for row in tickets]
        threads = {number(row, "id"): number(row, "object_id") for row in some(staging, "thread", "object_id", ids)
                   if text(row, "object_type") in {"T", "C"}}  # fmt: skip
        entries: dict[int, list[Record]] = {}
        for row in some(staging, "thread_entry", "thread_id", threads, "ORDER BY id"):
            entries.setdefault(threads[number(row, "thread_id")], []).append(row)
        own = [number(row, "id") for rows in entries.values() for row in rows]
        hung = [row for row in some(staging, "attachment", "object_id", own, "ORDER BY id") if text(row, "type") == "H"]
        wrote = {number(row, "user_id") for rows in entries.values() for row in rows}
        yield Batch(
            staging,
            tickets,
            entries,
            {
                number(row, "thread_entry_id"): row
                for row in some(staging, "thread_entry_email", "thread_entry_id", own)
            },
            grouped(hung, "object_id"),
            {number(row, "id"): row for row in some(staging, "file", "id", {number(row, "file_id") for row in hung})},
            {number(row, "ticket_id"): row for row in some(staging, "ticket__cdata", "ticket_id", ids)},
            users_of(staging, wrote | {number(row, "user_id") for row in tickets}),
            Path(directory) if directory else None,
            [],
        )
        after = ids[-1]


def some(staging: Staging, table: str, column: str, values: Iterable[int], order: str = "") -> list[Record]:
    listed, found = sorted(set(values)), list[Record]()
    for start in range(0, len(listed), 500):
        part = listed[start : start + 500]
        found += staging.rows(table, f"WHERE {column} IN ({', '.join('?' for _one in part)}) {order}", part)
    return found


def grouped(rows: Iterable[Record], column: str) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(number(row, column), []).append(row)
    return found


def users_of(staging: Staging, keys: Collection[int]) -> dict[int, Address]:
    emails: dict[int, dict[int, str]] = {}
    for row in some(staging, "user_email", "user_id", keys):
        emails.setdefault(number(row, "user_id"), {})[number(row, "id")] = text(row, "address").strip()
    found = {}
    for row in some(staging, "user", "id", keys):
        key = number(row, "id")
        listed = emails.get(key, {})
        email = listed.get(number(row, "default_email_id")) or next(iter(listed.values()), "")
        found[key] = Address(text(row, "name").strip(), email)
    return found


# ---- tickets ------------------------------------------------------------


def case_of(batch: Batch, row: Record, setup: Setup, known: Mapping[str, int], written: Collection[str]) -> Case | None:
    """None: nothing of it comes. `known`: their ticket ids -> ours; `written`: entries that are here."""
    key = number(row, "ticket_id")
    rows = [entry for entry in batch.entries.get(key, ()) if is_taken(batch, entry)]
    if not rows:
        code = "merged" if is_merged(row) else "empty"
        batch.left.append(LeftOut("ticket", str(key), code, text(row, "number")))
        return None
    fields, rest = answers(batch.staging, setup, "T", key)
    cdata = batch.cdata.get(key, {})
    subject = text(cdata, "subject") or rest.get("subject", "") or text(rows[0], "title")
    customer = batch.users.get(number(row, "user_id"), NOBODY)
    letters = Letters(batch, setup, subject, customer, setup.addresses.get(number(row, "email_id"), ""))
    entries = [letters.entry_of(entry) for entry in rows if str(number(entry, "id")) not in written]
    here = known.get(str(key)) or None
    if here and not entries:
        return None
    clock = setup.clock
    return Case(
        key=str(key),
        ticket=here,
        entries=tuple(sorted(entries, key=lambda entry: entry.at)),
        number=text(row, "number").strip(),
        subject=subject,
        queue=setup.queues.get(number(row, "dept_id"), 0) or setup.queue,
        status=status_of(row, rows, setup),
        priority=priority_of(cdata, rest, setup),
        type=setup.types.get(number(row, "topic_id")),
        assignee=setup.agents.get(number(row, "staff_id")),
        customer=customer if customer.email else None,
        created_at=clock.moment(row, "created"),
        closed_at=clock.moment(row, "closed") or clock.moment(row, "lastupdate") or clock.moment(row, "updated"),
        fields=fields,
    )


def is_taken(batch: Batch, entry: Record) -> bool:
    if text(entry, "type").upper() in ENTRY_KINDS:
        return True
    batch.left.append(LeftOut("article", str(number(entry, "id")), "not_taken", text(entry, "type")))
    return False


def is_merged(row: Record) -> bool:
    """Not only linked to the other ticket."""
    flags = number(row, "flags")
    return number(row, "ticket_pid") > 0 and not flags & LINKED and bool(flags & MERGED or not flags)


def status_of(row: Record, entries: Sequence[Record], setup: Setup) -> str:
    status = setup.statuses.get(number(row, "status_id"), "open")
    is_answered = any(text(entry, "type").upper() == "R" for entry in entries)
    return "new" if status == "open" and not is_answered and not number(row, "staff_id") else status


def priority_of(cdata: Record, rest: Mapping[str, str], setup: Setup) -> int | None:
    for said in (text(cdata, "priority"), *values_in(rest.get("priority", ""))):
        level = setup.priorities.get(said.strip().lower())
        if level is not None:
            return level
    return None


# ---- entries ------------------------------------------------------------


@dataclass(slots=True)
class Letters:
    """The entries of one ticket. `customer`: who it is for; `address`: ours, that it came to."""

    batch: Batch
    setup: Setup
    subject: str
    customer: Address
    address: str

    def entry_of(self, row: Record) -> Entry:
        key, said = number(row, "id"), self.batch.mails.get(number(row, "id"), {})
        kind = ENTRY_KINDS[text(row, "type").upper()]
        staff, is_theirs = number(row, "staff_id"), kind == Message.Kind.INCOMING
        is_phone = text(row, "source").lower() == "phone"
        if is_theirs and is_phone:
            kind = Message.Kind.NOTE
        agent = self.setup.agents.get(staff)
        kept = self.kept(row, said, is_theirs=is_theirs)
        is_note = kind == Message.Kind.NOTE
        raw = b"" if is_note and not kept.parts else rebuilt(kept)
        return Entry(
            key=str(key),
            kind=kind,
            at=kept.at,
            author=kept.author,
            to=() if is_note else kept.to,
            cc=() if is_note else kept.cc,
            subject=kept.subject,
            text=kept.text,
            raw=raw,
            mail=parse(raw) if raw else None,
            message_id="" if is_note else kept.message_id,
            references=() if is_note else message_ids(kept.references.encode("utf-8", "replace")),
            agent=None if is_theirs else agent,
            author_kind=(KINDS.CUSTOMER if is_theirs else KINDS.AGENT if agent else KINDS.SYSTEM).value,
            is_internal=is_note and not is_theirs,
        )

    def kept(self, row: Record, said: Record, *, is_theirs: bool) -> Kept:
        body, is_html = text(row, "body"), text(row, "format").lower() == "html"
        headers = said.get("headers") or b""
        to, cc = self.recipients(row, is_theirs=is_theirs)
        mail = parse(headers.replace(b"\0", b"") + b"\n\n") if headers else None
        return Kept(
            author=self.author(row, is_theirs=is_theirs),
            to=mail.to if mail and mail.to else to,
            cc=mail.cc if mail and mail.cc else cc,
            subject=(mail.subject if mail else "") or text(row, "title") or self.subject,
            at=self.setup.clock.moment(row, "created") or EPOCH,
            message_id=text(said, "mid").strip("<> "),
            in_reply_to=" ".join(f"<{one}>" for one in mail.in_reply_to) if mail else "",
            references=" ".join(f"<{one}>" for one in mail.references) if mail else "",
            text=to_text(body) if is_html else body,
            html=body if is_html else "",
            parts=list(self.parts_of(number(row, "id"))),
            source="osTicket",
            headers=headers,
        )

    def author(self, row: Record, *, is_theirs: bool) -> Address:
        if is_theirs:
            user = self.batch.users.get(number(row, "user_id"))
            return user if user and user.email else self.customer
        name = self.setup.names.get(number(row, "staff_id")) or text(row, "poster").strip()
        return Address(name, self.address)

    def recipients(self, row: Record, *, is_theirs: bool) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
        """As they were written down ({"to": {…}, "cc": {…}}, since 1.11), else those that a ticket has."""
        found: dict[str, Any] = dict.fromkeys(("to", "cc"), ())
        for name, listed in recipients_in(text(row, "recipients")):
            found[name] = listed
        if is_theirs:
            return found["to"] or ((Address("", self.address),) if self.address else ()), found["cc"]
        return found["to"] or ((self.customer,) if self.customer.email else ()), found["cc"]

    def parts_of(self, entry: int) -> Iterator[Part]:
        for row in self.batch.files.get(entry, ()):
            file = self.batch.data.get(number(row, "file_id"))
            content = content_of(self.batch, file) if file else None
            name = text(row, "name") or text(file or {}, "name")
            if file is None or content is None:
                self.batch.left.append(LeftOut("file", str(number(row, "id")), "file_missing", name))
                continue
            is_inline = number(row, "inline") == 1
            yield Part(name, text(file, "type"), content, text(file, "key") if is_inline else "", is_inline)


def recipients_in(written: str) -> Iterator[tuple[str, tuple[Address, ...]]]:
    try:
        found = json.loads(written or "{}")
    except ValueError:
        return
    for name in ("to", "cc"):
        said = found.get(name) if isinstance(found, dict) else None
        listed = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
        addresses = read_addresses(", ".join(one for one in listed if isinstance(one, str)))
        if addresses:
            yield name, addresses


def content_of(batch: Batch, file: Record) -> bytes | None:
    """In the database in chunks, or on disk by its key: K/Key…. None: it isn't there, or not all of it."""
    rows = list(batch.staging.rows("file_chunk", "WHERE file_id = ? ORDER BY chunk_id", [number(file, "id")]))
    if rows:
        return b"".join(row.get("filedata") or b"" for row in rows)
    key = text(file, "key")
    if not batch.directory or not key.replace("-", "").replace("_", "").isalnum():
        return b"" if number(file, "size") == 0 else None
    path = batch.directory / key[0] / key
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None

"""OTOBO's tickets with their articles as cases: a batch at a time, read out of the staged dump."""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from postvak.bring.letter import Kept, Part, rebuilt
from postvak.bring.otobo_history import history_of
from postvak.bring.otobo_rows import moment
from postvak.bring.otobo_setup import Setup
from postvak.bring.staging import Record, Staging, as_stored, number, text
from postvak.bring.values import Case, Entry, LeftOut
from postvak.mail.addresses import read_addresses, read_author
from postvak.mail.headers import message_ids
from postvak.mail.parse import parse
from postvak.mail.values import Address
from postvak.models import CustomField, Message

BATCH = 25
KINDS = Message.AuthorKind
HTML_NAME = re.compile(r"file-\d+")
BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
NOBODY = Address("", "")


@dataclass(slots=True)
class Batch:
    """Rows by the key that they are looked for with. `senders`, `channels`, `doings` (kinds of history): id -> name."""

    tickets: list[Record]
    articles: dict[int, list[Record]]
    mimes: dict[int, Record]
    plains: dict[int, Record]
    files: dict[int, list[Record]]
    values: dict[int, list[Record]]
    history: dict[int, list[Record]]
    customers: dict[str, Record]
    senders: dict[int, str]
    channels: dict[int, str]
    doings: dict[int, str]
    is_encoded: bool  # PostgreSQL keeps contents in Base64
    directory: Path | None
    left: list[LeftOut]


def batches(staging: Staging, after: int, directory: str) -> Iterator[Batch]:
    senders = {number(row, "id"): text(row, "name").lower() for row in staging.rows("article_sender_type")}
    channels = {number(row, "id"): text(row, "name").lower() for row in staging.rows("communication_channel")}
    doings = {number(row, "id"): text(row, "name") for row in staging.rows("ticket_history_type")}
    is_encoded = looks_encoded(staging)
    while tickets := list(staging.rows("ticket", "WHERE id > ? ORDER BY id LIMIT ?", [after, BATCH])):
        ids = [number(row, "id") for row in tickets]
        articles = grouped(some(staging, "article", "ticket_id", ids, "ORDER BY id"), "ticket_id")
        own = [number(row, "id") for rows in articles.values() for row in rows]
        logins = [row["customer_user_id"] for row in tickets if row.get("customer_user_id")]
        yield Batch(
            tickets,
            articles,
            {number(row, "article_id"): row for row in some(staging, "article_data_mime", "article_id", own)},
            {number(row, "article_id"): row for row in some(staging, "article_data_mime_plain", "article_id", own)},
            grouped(some(staging, "article_data_mime_attachment", "article_id", own, "ORDER BY id"), "article_id"),
            grouped(some(staging, "dynamic_field_value", "object_id", ids), "object_id"),
            grouped(some(staging, "ticket_history", "ticket_id", ids, "ORDER BY id"), "ticket_id"),
            {text(row, "login"): row for row in some(staging, "customer_user", "login", logins)},
            senders,
            channels,
            doings,
            is_encoded,
            Path(directory) if directory else None,
            [],
        )
        after = ids[-1]


def some(staging: Staging, table: str, column: str, values: Sequence[object], order: str = "") -> Iterable[Record]:
    if not values:
        return ()
    marks = ", ".join("?" for _value in values)
    stored = [as_stored(value) if isinstance(value, bytes) else value for value in values]
    return staging.rows(table, f"WHERE {column} IN ({marks}) {order}", stored)


def grouped(rows: Iterable[Record], column: str) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(number(row, column), []).append(row)
    return found


def looks_encoded(staging: Staging) -> bool:
    """Raw mails hold a colon within their first line; Base64 never does."""
    first = next(staging.rows("article_data_mime_plain", "LIMIT 1"), None)
    if first is None:
        first = next(staging.rows("article_data_mime_attachment", "LIMIT 1"), {})
        return bool(BASE64.fullmatch((first.get("content") or b"-")[:4000]))
    return b":" not in (first.get("body") or b":")[:2000]


# ---- tickets ------------------------------------------------------------


def case_of(batch: Batch, row: Record, setup: Setup, known: Mapping[str, int], written: Collection[str]) -> Case | None:
    """None: nothing of it comes. `known`: their ticket ids -> ours; `written`: articles that are here."""
    key = number(row, "id")
    articles = batch.articles.get(key, [])
    if not articles:
        batch.left.append(LeftOut("ticket", str(key), "empty", text(row, "tn")))
        return None
    entries = [
        entry_of(batch, article, mime, setup)
        for article in articles
        if str(number(article, "id")) not in written and (mime := mime_of(batch, article)) is not None
    ]
    here = known.get(str(key)) or None
    if not entries and here:
        return None
    status = setup.statuses.get(number(row, "ticket_state_id"), "open")
    until = number(row, "until_time")
    return Case(
        key=str(key),
        ticket=here,
        entries=tuple(sorted(entries, key=lambda entry: entry.at)),
        number=text(row, "tn").strip(),
        subject=text(row, "title"),
        queue=setup.queues.get(number(row, "queue_id"), 0) or setup.queue,
        status=status,
        priority=setup.priorities.get(number(row, "ticket_priority_id")),
        type=setup.types.get(number(row, "type_id")),
        assignee=setup.agents.get(number(row, "user_id")),
        customer=customer_of(batch, row, entries),
        created_at=moment(row, "create_time"),
        closed_at=moment(row, "change_time"),
        pending_until=datetime.fromtimestamp(until, UTC) if 0 < until < 4_000_000_000 else None,
        fields=dict(fields_of(batch.values.get(key, ()), setup)),
        history=tuple(history_of(batch.history.get(key, ()), batch.doings, setup.agents)),
    )


def mime_of(batch: Batch, article: Record) -> Record | None:
    found = batch.mimes.get(number(article, "id"))
    if found is None:
        batch.left.append(LeftOut("article", str(number(article, "id")), "broken"))
    return found


def customer_of(batch: Batch, row: Record, entries: Sequence[Entry]) -> Address | None:
    login = text(row, "customer_user_id")
    person = batch.customers.get(login)
    if person is not None:
        name = f"{text(person, 'first_name')} {text(person, 'last_name')}".strip()
        return Address(name, text(person, "email"))
    if "@" in login:
        return Address("", login)
    return next((entry.author for entry in entries if entry.author_kind == KINDS.CUSTOMER and entry.author.email), None)


def fields_of(rows: Iterable[Record], setup: Setup) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        known = setup.fields.get(number(row, "field_id"))
        if known is None:
            continue
        value = text(row, "value_text") or text(row, "value_date") or text(row, "value_int")
        if known.kind == CustomField.Kind.DATE:
            value = value[:10]
        if value:
            found.setdefault(known.key, []).append(value)
    yield from found.items()


# ---- articles ------------------------------------------------------------


def entry_of(batch: Batch, article: Record, mime: Record, setup: Setup) -> Entry:
    key = number(article, "id")
    sender = batch.senders.get(number(article, "article_sender_type_id"), "customer")
    channel = batch.channels.get(number(article, "communication_channel_id"), "email")
    is_visible, is_mail = number(article, "is_visible_for_customer") == 1, channel == "email"
    at = moment(article, "create_time") or moment(mime, "create_time") or datetime.fromtimestamp(0, UTC)
    author = read_author(text(mime, "a_from")) or NOBODY
    parts, html = files_of(batch, mime, key)
    original = plain_of(batch, mime, key)
    to, cc = read_addresses(text(mime, "a_to")), read_addresses(text(mime, "a_cc"))
    kept = Kept(
        author=author, to=to, cc=cc, subject=text(mime, "a_subject"), at=at, message_id=text(mime, "a_message_id").strip("<> "),
        in_reply_to=text(mime, "a_in_reply_to"), references=text(mime, "a_references"), text=text(mime, "a_body"),
        html=html, parts=parts, source="OTOBO",
    )  # fmt: skip
    raw = original or (rebuilt(kept) if is_mail or parts else b"")
    mail = parse(raw) if raw else None
    is_theirs = sender == "customer"
    return Entry(
        key=str(key),
        kind=Message.Kind.NOTE if not is_mail else Message.Kind.INCOMING if is_theirs else Message.Kind.OUTGOING,
        at=at,
        author=author,
        to=to if is_mail else (),
        cc=cc if is_mail else (),
        subject=kept.subject,
        text=mail.text if mail and original else kept.text,
        raw=raw,
        mail=mail,
        message_id=kept.message_id if is_mail else "",
        references=message_ids(kept.references.encode()) if is_mail else (),
        agent=None if is_theirs else setup.agents.get(number(article, "create_by")),
        author_kind=author_kind(sender, setup.agents.get(number(article, "create_by"))),
        is_internal=not is_visible,
        is_original=bool(original) and is_theirs and is_mail,
    )


def author_kind(sender: str, agent: int | None) -> str:
    if sender == "customer":
        return KINDS.CUSTOMER.value
    return (KINDS.AGENT if sender == "agent" and agent else KINDS.SYSTEM).value


def files_of(batch: Batch, mime: Record, article: int) -> tuple[list[Part], str]:
    """Attached files, and the HTML that the article's text was made of (kept as an inline file-1 or file-2)."""
    parts, html = [], ""
    for row in batch.files.get(article, ()):
        content = decoded(row.get("content"), is_encoded=batch.is_encoded)
        name, kind = text(row, "filename"), text(row, "content_type")
        if kind.lower().startswith("text/html") and HTML_NAME.fullmatch(name) and not html:
            html = content.decode("utf-8", "replace")
            continue
        is_inline = text(row, "disposition").lower() == "inline"
        parts.append(Part(name, kind, content, text(row, "content_id").strip("<>"), is_inline))
    if batch.directory and not parts:
        parts, html = files_on_disk(batch.directory, mime, article)
    return parts, html


def decoded(value: bytes | None, *, is_encoded: bool) -> bytes:
    if not value:
        return b""
    if value.startswith(b"\\x") and re.fullmatch(rb"(?:[0-9a-fA-F]{2})*", value[2:]):  # bytea
        value = bytes.fromhex(value[2:].decode("ascii"))
    if not is_encoded:
        return value
    try:
        return base64.b64decode(value)
    except binascii.Error:
        return value


def plain_of(batch: Batch, mime: Record, article: int) -> bytes:
    row = batch.plains.get(article)
    if row is not None:
        return decoded(row.get("body"), is_encoded=batch.is_encoded)
    found = place_of(batch.directory, mime, article) if batch.directory else None
    file = found / "plain.txt" if found else None
    return file.read_bytes() if file and file.is_file() else b""


def place_of(directory: Path, mime: Record, article: int) -> Path | None:
    """ArticleStorageFS: var/article/YYYY/MM/DD/<article>. Only below the directory that was named."""
    path = text(mime, "content_path")
    if not re.fullmatch(r"[\d/]{4,40}", path):
        return None
    return directory / path.strip("/") / str(article)


def files_on_disk(directory: Path, mime: Record, article: int) -> tuple[list[Part], str]:
    place, parts, html = place_of(directory, mime, article), list[Part](), ""
    if place is None or not place.is_dir():
        return parts, html
    beside = (".content_type", ".content_id", ".content_alternative", ".disposition")
    for file in sorted(place.iterdir()):
        if file.name == "plain.txt" or file.name.endswith(beside) or not file.is_file() or file.is_symlink():
            continue
        said = {end: beside_of(file, end) for end in beside}
        kind, content = said[".content_type"] or "application/octet-stream", file.read_bytes()
        if kind.lower().startswith("text/html") and HTML_NAME.fullmatch(file.name) and not html:
            html = content.decode("utf-8", "replace")
            continue
        is_inline = said[".disposition"].lower() == "inline"
        parts.append(Part(file.name, kind, content, said[".content_id"].strip("<>"), is_inline))
    return parts, html


def beside_of(file: Path, end: str) -> str:
    path = file.with_name(file.name + end)
    return path.read_text("utf-8", "replace").strip() if path.is_file() else ""

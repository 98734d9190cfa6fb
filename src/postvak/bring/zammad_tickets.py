"""Zammad's tickets with their articles as cases: a batch at a time, out of the staged export."""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from postvak.bring.letter import Kept, Part, rebuilt
from postvak.bring.values import Case, Entry, LeftOut
from postvak.bring.zammad_files import Things
from postvak.bring.zammad_setup import Setup, fields_of
from postvak.bring.zammad_values import Thing, moment, name_of, number, text, words
from postvak.mail.addresses import read_addresses, read_author
from postvak.mail.headers import message_ids
from postvak.mail.html import to_text
from postvak.mail.parse import parse
from postvak.mail.values import Address
from postvak.models import CustomField, Message

BATCH = 25
KINDS = Message.AuthorKind
MAIL = {"email", "web"}
TYPES = {1: "email", 2: "sms", 3: "chat", 4: "fax", 5: "phone", 10: "note", 11: "web"}  # of a fresh Zammad
SENDERS = {1: "Agent", 2: "Customer", 3: "System"}
STATUSES = {"new": "new", "open": "open", "closed": "closed", "merged": "closed", "removed": "trash"}  # by name
STATUS_IDS = {1: "new", 2: "open", 3: "pending reminder", 4: "closed", 5: "merged", 6: "removed", 7: "pending close"}
LEVELS = {1: 2, 2: 3, 3: 4}  # low, normal, high
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Batch:
    """`articles`, `tags` by the ticket; `users` by id."""

    things: Things
    tickets: list[Thing]
    articles: dict[int, list[Thing]]
    tags: dict[int, list[Thing]]
    users: dict[int, Thing]
    left: list[LeftOut]


def batches(things: Things, after: int) -> Iterator[Batch]:
    while tickets := things.after("tickets", after, BATCH):
        ids = [number(row, "id") for row in tickets]
        articles = things.of("articles", ids)
        wrote = {number(one, "created_by_id") for rows in articles.values() for one in rows}
        users = wrote | {number(row, "customer_id") for row in tickets}
        yield Batch(
            things,
            tickets,
            articles,
            things.of("tags", ids),
            {key: things.with_id("users", key) for key in users if key},
            [],
        )
        after = ids[-1]


# ---- tickets ------------------------------------------------------------


def case_of(batch: Batch, row: Thing, setup: Setup, known: Mapping[str, int], written: Collection[str]) -> Case | None:
    """None: nothing of it comes. `known`: their ticket ids -> ours; `written`: articles that are here."""
    key = number(row, "id")
    articles = batch.articles.get(key, [])
    if not articles:
        code = "merged" if state_of(row) == "merged" else "empty"
        batch.left.append(LeftOut("ticket", str(key), code, text(row, "number")))
        return None
    entries = [entry_of(batch, setup, one) for one in articles if str(number(one, "id")) not in written]
    here = known.get(str(key)) or None
    if here and not entries:
        return None
    customer = batch.users.get(number(row, "customer_id"), {})
    email = text(customer, "email").strip()
    tagged = [tag for one in (row, *batch.tags.get(key, ())) for tag in words(one, "tags")]
    return Case(
        key=str(key),
        ticket=here,
        entries=tuple(sorted(entries, key=lambda entry: entry.at)),
        number=text(row, "number").strip(),
        subject=text(row, "title"),
        queue=setup.queues.get(number(row, "group_id"), 0) or setup.queue,
        status=status_of(row),
        priority=LEVELS.get(number(row, "priority_id") or int_of(text(row, "priority")[:1]), 3),
        assignee=setup.agents.get(number(row, "owner_id")),
        customer=Address(name_of(customer), email) if email else None,
        created_at=moment(row, "created_at"),
        closed_at=moment(row, "close_at") or moment(row, "updated_at"),
        pending_until=moment(row, "pending_time"),
        fields=fields_of(row, setup, CustomField.Holder.TICKET),
        tags=tuple(dict.fromkeys(tagged)),
    )


def int_of(sign: str) -> int:
    return int(sign) if sign.isascii() and sign.isdigit() else 0


def state_of(row: Thing) -> str:
    """By the name (`expand=true`), else by the number that a fresh Zammad gives."""
    return text(row, "state").lower() or STATUS_IDS.get(number(row, "state_id"), "open")


def status_of(row: Thing) -> str:
    name = state_of(row)
    return STATUSES.get(name, "internal" if "reminder" in name else "customer" if "pending" in name else "open")


# ---- articles ------------------------------------------------------------


def entry_of(batch: Batch, setup: Setup, row: Thing) -> Entry:
    key, by = number(row, "id"), number(row, "created_by_id")
    who = text(row, "sender") or SENDERS.get(number(row, "sender_id"), "System")
    kind = (text(row, "type") or TYPES.get(number(row, "type_id"), "note")).lower()
    is_mail, is_theirs = kind in MAIL, who == "Customer"
    original = original_of(batch, key) if kind == "email" else b""
    kept = kept_of(batch, row, setup)
    raw = original or (rebuilt(kept) if is_mail or kept.parts else b"")
    mail = parse(raw) if raw else None
    agent = None if is_theirs else setup.agents.get(by)
    return Entry(
        key=str(key),
        kind=Message.Kind.NOTE if not is_mail else Message.Kind.INCOMING if is_theirs else Message.Kind.OUTGOING,
        at=kept.at,
        author=kept.author,
        to=kept.to if is_mail else (),
        cc=kept.cc if is_mail else (),
        subject=kept.subject,
        text=mail.text if mail and original else kept.text,
        raw=raw,
        mail=mail,
        message_id=kept.message_id if is_mail else "",
        references=message_ids(kept.references.encode("utf-8", "replace")) if is_mail else (),
        agent=agent,
        author_kind=(KINDS.CUSTOMER if is_theirs else KINDS.AGENT if agent else KINDS.SYSTEM).value,
        is_internal=row.get("internal") is True,
        is_original=bool(original) and is_theirs and is_mail,
    )


def original_of(batch: Batch, key: int) -> bytes:
    """As it was received; what the API answers where it has none is no mail."""
    raw = batch.things.content("plain", key) or b""
    return raw if b":" in raw[:2000] and not raw.lstrip().startswith((b"{", b"<")) else b""


def kept_of(batch: Batch, row: Thing, setup: Setup) -> Kept:
    body, is_html = text(row, "body"), "html" in text(row, "content_type")
    author = read_author(text(row, "from"))
    if author is None or not author.email:
        user = batch.users.get(number(row, "created_by_id"), {})
        author = Address(name_of(user) or text(row, "from"), text(user, "email"))
    return Kept(
        author=author, to=read_addresses(text(row, "to")), cc=read_addresses(text(row, "cc")), subject=text(row, "subject"),
        at=moment(row, "created_at") or EPOCH, message_id=text(row, "message_id").strip("<> "),
        in_reply_to=text(row, "in_reply_to"), references=text(row, "references"), text=to_text(body) if is_html else body,
        html=body if is_html else "", parts=list(parts_of(batch, row)), source="Zammad",
    )  # fmt: skip


def parts_of(batch: Batch, row: Thing) -> Iterator[Part]:
    """Attachments with their content beside them (`data`, in Base64), or as a file of its own."""
    listed = row.get("attachments")
    for place, one in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(one, dict):
            continue
        content = content_of(batch, one)
        said = one.get("preferences")
        about: Thing = said if isinstance(said, dict) else {}
        name = text(one, "filename")
        if content is None:
            key = text(one, "id") or f"{number(row, 'id')}:{place}"
            batch.left.append(LeftOut("file", key, "file_missing", name))
            continue
        inside = text(about, "Content-ID").strip("<> ")
        is_inline = "inline" in text(about, "Content-Disposition").lower() and bool(inside)
        yield Part(name, text(about, "Content-Type") or text(about, "Mime-Type"), content, inside, is_inline)


def content_of(batch: Batch, one: Thing) -> bytes | None:
    if isinstance(one.get("data"), str):
        try:
            return base64.b64decode(one["data"])
        except (binascii.Error, ValueError):
            return None
    return batch.things.content("attachment", number(one, "id"))

"""Mails of the past become tickets: an archive is read in batches, each mail is put to its ticket, and all is written at once.

What decides: the Message-ID, References and In-Reply-To as in the pipeline, our ticket numbers in the subject, and, for
an answer that names nothing, the same subject with the same person within 30 days. Mail from our own addresses is ours.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from postvak.bring import memory
from postvak.bring.archive import Found, Spot, mails_in, size_of
from postvak.bring.house import House, load_house
from postvak.bring.threads import Threads, Want
from postvak.bring.trip import Trip
from postvak.bring.values import Case, Entry, LeftOut
from postvak.bring.write import soon, write
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.mail.headers import read_date
from postvak.mail.parse import parse
from postvak.mail.threading import canonical_message_id
from postvak.mail.values import Address, Kind, Mail
from postvak.models import Mailbox, Message

SOURCE = "mails"
BATCH = 200
BATCH_BYTES = 20 * 1024 * 1024
NOBODY = Address("", "")
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
MACHINES = {Kind.BOUNCE, Kind.COMPLAINT}


@dataclass(frozen=True, slots=True)
class Read:
    """One mail, understood. `theirs`: the customer's side of it; `agent`: who of us wrote it, 0: one of our addresses did, null:
    none of us."""

    found: Found
    mail: Mail
    theirs: Address
    agent: int | None


def bring_mails(trip: Trip) -> None:
    options = trip.options
    house = load_house(
        source=SOURCE,
        title=options.path.name,
        entry_kind="mail",
        job=options.job,
        mailbox=Mailbox.objects.get(pk=options.mailbox),
    )
    house = with_options(house, trip)
    trip.total = size_of(options.path)
    threads = Threads(is_dry=options.is_dry)
    start = Spot(trip.point.get("name", ""), trip.point.get("offset", 0))
    trip.reasons.update(trip.point.get("reasons", {}))
    for batch in batches(mails_in(options.path, start)):
        take(trip, house, threads, batch)


def with_options(house: House, trip: Trip) -> House:
    ours = {normalise(email): 0 for email in trip.options.ours} | dict(house.ours)
    return House(
        **{name: getattr(house, name) for name in House.__slots__}
        | {"ours": ours, "open_since": soon(house.now, trip.options.open_days)}
    )


def batches(mails: Iterator[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    size = 0
    for found in mails:
        batch.append(found)
        size += len(found.raw)
        if len(batch) >= BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def take(trip: Trip, house: House, threads: Threads, batch: Sequence[Found]) -> None:
    """One batch: what is left out is written down in the same transaction as what is written."""
    last, read, left = batch[-1], list[Read](), list[LeftOut]()
    for found in batch:
        if found.problem:
            left.append(LeftOut("mail", found.name, found.problem))
            continue
        mail = parse(found.raw)
        why = reason_against(mail)
        if why:
            left.append(LeftOut("mail", found.name, why))
        else:
            read.append(understood(found, mail, house))
    threads.start_batch()
    fresh = list(without_copies(read, left, trip, threads))
    newest = threads.newest
    cases = to_tickets(trip, house, threads, fresh, left)
    point = {"name": last.after.name, "offset": last.after.offset}
    if trip.options.is_dry:
        trip.leave_out(SOURCE, left)
        trip.step(last.done, point, counted_dry(cases, newest - threads.newest))
        return
    with transaction.atomic():
        trip.leave_out(SOURCE, left)
        write(house, cases, lambda written: trip.step(last.done, point, written))


def reason_against(mail: Mail) -> str:
    if not (mail.author or mail.subject or mail.message_id or mail.to):
        return "no_mail"
    return "" if mail.author else "no_sender"


def understood(found: Found, mail: Mail, house: House) -> Read:
    author = mail.author or NOBODY
    agent = house.ours.get(normalise(author.email))
    if agent is None:
        return Read(found, mail, author, None)
    others = [one for one in (*mail.to, *mail.cc) if normalise(one.email) not in house.ours]
    return Read(found, mail, next((one for one in others if is_valid_recipient(one.email)), author), agent)


def without_copies(read: Sequence[Read], left: list[LeftOut], trip: Trip, threads: Threads) -> Iterator[Read]:
    """What an import brought before is passed over; what came by a mailbox, or went out from here, is said to be here."""
    keys = [one.mail.fingerprint for one in read]
    before = memory.found(SOURCE, "mail", keys)
    here = threads.here([one.mail for one in read])
    for one in read:
        key = one.mail.fingerprint
        if before.get(key) or key in threads.seen:
            trip.counts["again"] += 1
        elif key in here:
            left.append(LeftOut("mail", one.found.name, "copy", one.mail.subject[:200]))
        else:
            threads.seen.add(key)
            yield one


# ---- tickets ------------------------------------------------------------


def to_tickets(trip: Trip, house: House, threads: Threads, read: Sequence[Read], left: list[LeftOut]) -> list[Case]:
    """One case for each ticket that gets something."""
    wants = [want_of(one, house) for one in read]
    threads.look_up(wants)
    gathered: dict[int, list[tuple[Read, Want]]] = {}
    for one, want in zip(read, wants, strict=True):
        place = threads.place(want)
        if place is None and one.mail.kind in MACHINES:
            left.append(LeftOut("mail", one.found.name, "report", one.mail.subject[:200]))
            continue
        gathered.setdefault(threads.put(want, place), []).append((one, want))
    return [case_of(trip, house, threads, place, some) for place, some in gathered.items()]


def want_of(one: Read, house: House) -> Want:
    mail = one.mail
    names = [canonical_message_id(value) for value in (*reversed(mail.references), *mail.in_reply_to)]
    return Want(
        message_id=canonical_message_id(mail.message_id),
        references=tuple(dict.fromkeys(name for name in names if name)),
        subject=mail.subject,
        person=normalise(one.theirs.email),
        at=time_of(one.mail, house),
    )


def case_of(trip: Trip, house: House, threads: Threads, place: int, some: Sequence[tuple[Read, Want]]) -> Case:
    first = min(some, key=lambda pair: pair[1].at)[0]
    return Case(
        key="",
        ticket=place if place > 0 else None,
        subject=first.mail.subject,
        queue=trip.options.queue,
        customer=first.theirs if normalise(first.theirs.email) not in house.ours else None,
        entries=tuple(entry_of(one, house, threads.unknown(want)) for one, want in some),
    )


def entry_of(one: Read, house: House, unknown: tuple[str, ...]) -> Entry:
    mail, is_ours = one.mail, one.agent is not None
    kinds = Message.AuthorKind
    return Entry(
        key=mail.fingerprint,
        kind=Message.Kind.OUTGOING if is_ours else Message.Kind.INCOMING,
        at=time_of(mail, house),
        author=mail.author or NOBODY,
        to=mail.to,
        cc=mail.cc,
        subject=mail.subject,
        text=mail.text,
        raw=one.found.raw,
        mail=mail,
        message_id=mail.message_id,
        references=mail.references or (mail.in_reply_to if len(mail.in_reply_to) == 1 else ()),
        unknown=unknown,
        agent=one.agent or None,
        author_kind=(kinds.AGENT if one.agent else kinds.SYSTEM if is_ours else kinds.CUSTOMER).value,
        is_original=not is_ours,
    )


def time_of(mail: Mail, house: House) -> datetime:
    """Of its Date; where that is absent or impossible, of the newest server that took it; else now. Never the future."""
    _servers, _mark, taken = mail.header("received").rpartition(";")
    at = mail.date or read_date(taken.strip().encode("utf-8", "replace")) or house.now
    return min(max(at, EARLIEST), house.now)


def counted_dry(cases: Sequence[Case], tickets: int) -> Counter[str]:
    found = Counter(str(entry.kind) for case in cases for entry in case.entries)
    found["tickets"] = tickets
    found["files"] = sum(not info.is_inline for c in cases for e in c.entries if e.mail for info in e.mail.attachments)
    return found

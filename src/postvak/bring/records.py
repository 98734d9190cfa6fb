"""Receipts of mails that were imported as they were received: the ledger adds up, and a copy that a mailbox brings later is
known as one (promise 2)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from postvak.bring.house import House
from postvak.bring.values import Entry
from postvak.log.reason import Reason
from postvak.mail.threading import canonical_message_id
from postvak.models import Message, Receipt, Trace

if TYPE_CHECKING:
    from postvak.bring.write import Sheet

LONGEST_SOURCE = 400
WRITTEN_TO = 1000  # characters


def write_receipts(house: House, sheets: "Sequence[Sheet]") -> None:
    rows: list[Receipt] = []
    seen = taken_fingerprints(sheets)
    for sheet in sheets:
        opens = sheet.is_new
        for entry, message in sheet.messages:
            if not entry.is_original or entry.mail is None:
                continue
            rows.append(receipt_of(house, entry, message, opens=opens, seen=seen))
            opens = False
    reason = Reason("received", "imported", {"source": house.title}).as_json()
    Trace.objects.bulk_create(Trace(receipt=row, entries=[reason]) for row in Receipt.objects.bulk_create(rows))


def taken_fingerprints(sheets: "Sequence[Sheet]") -> set[str]:
    prints = {entry.mail.fingerprint for one in sheets for entry, _message in one.messages if entry.mail}
    rows = Receipt.objects.filter(fingerprint__in=prints).values_list("fingerprint", flat=True)
    return {one for one in rows if one} if prints else set()


def receipt_of(house: House, entry: Entry, message: Message, *, opens: bool, seen: set[str]) -> Receipt:
    mail = entry.mail
    if mail is None:
        raise ValueError("a receipt is of a mail")
    is_first = mail.fingerprint not in seen
    seen.add(mail.fingerprint)
    return Receipt(
        mailbox=house.mailbox,
        source=f"import/{house.source}/{entry.key}"[:LONGEST_SOURCE],
        blob_id=message.blob_id,
        size=len(entry.raw),
        received_at=entry.at,
        state=Receipt.State.DONE,
        outcome=Receipt.Outcome.NEW_TICKET if opens else Receipt.Outcome.FOLLOW_UP,
        processed_at=house.now,
        ticket_id=message.ticket_id,
        message=message,
        fingerprint=mail.fingerprint if is_first else None,
        message_id_header=canonical_message_id(mail.message_id),
        author_email=mail.author.email[:320] if mail.author else "",
        written_to=", ".join(dict.fromkeys(one.email for one in (*mail.to, *mail.cc)))[:WRITTEN_TO],
        subject=mail.subject,
    )

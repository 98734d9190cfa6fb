"""Protected mails are looked at again because a key has come: one, or as a job all that couldn't be opened. Spec 05.

Filters and rules don't run again: a ticket that somebody works on mustn't change by itself. Nothing of the content is stored, unless
the queue of the ticket keeps it.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.crypto.opening import open_mail
from postvak.crypto.sealing import is_sealed
from postvak.crypto.values import Keyring, Opened, State
from postvak.jobs.run import Run
from postvak.keys import again
from postvak.keys.collect import collect
from postvak.keys.keyring import TableKeyring
from postvak.keys.security import FOUND, take
from postvak.mail.parse import parse
from postvak.models import MailSecurity, Message, Options, Trace
from postvak.process.protection import opened_later
from postvak.send.letter import record_files
from postvak.tickets.columns import COUNTED, locked, recount
from postvak.tickets.search.index import read_again

AT_ONCE = 50


def try_again(run: Run) -> None:
    """All that wait, oldest first; `counts` says how many could be opened."""
    keyring = TableKeyring()
    opened, done = int(run.point.get("opened", 0)), int(run.point.get("done", 0))
    run.progress(total=done + again.waiting().count())
    while rows := list(after(int(run.point.get("after", 0)))):
        for row in rows:
            opened, done = opened + try_one(row.message, keyring), done + 1
        point = {"after": rows[-1].pk, "opened": opened, "done": done}
        run.progress(done=done, counts={"opened": opened}, point=point)


def after(key: int) -> list[MailSecurity]:
    rows = again.waiting().filter(pk__gt=key).select_related("message__ticket__queue").order_by("pk")
    return list(rows[:AT_ONCE])


def try_one(message: Message, keyring: Keyring | None = None) -> bool:
    """Can it be read now? Bytes that can't be fetched at the moment change nothing, and of a mail of ours we know what protects it."""
    if message.kind != Message.Kind.INCOMING:
        return True
    try:
        raw = store.get(str(message.blob_id))
    except (store.BlobMissing, store.VaultUnreachable):
        return False
    if is_sealed(raw):
        return True
    opened = open_mail(raw, keyring or TableKeyring(), at=message.created_at)
    with transaction.atomic():
        return note(message, opened, timezone.now())


def note(message: Message, opened: Opened, now: datetime) -> bool:
    """What is known now, in place of what was, unless that was more: a key may have gone since. Can it be read?"""
    row = MailSecurity.objects.select_for_update().get(pk=message.pk)
    was_shut = row.state in again.SHUT
    if is_less(opened, row):
        return not was_shut
    subject = row.sealed_subject
    take(row, opened, now)
    row.sealed_subject = row.sealed_subject if opened.subject else subject
    row.save(update_fields=FOUND)
    message.security = row
    if Options.objects.filter(pk=1, collects_keys=True).exists():
        collect([opened], are_new=False)
    if was_shut and opened.state is State.open:
        tell(message, opened)
        if message.ticket.queue.keeps_decrypted:
            keep(message, opened)
    return opened.state in (State.open, State.plain)


def is_less(opened: Opened, row: MailSecurity) -> bool:
    """Was more known of it?"""
    could_open = row.state == MailSecurity.State.OPEN and opened.state is not State.open
    return could_open or not opened.layers


def tell(message: Message, opened: Opened) -> None:
    """In the traces of the mail."""
    line = opened_later(opened).as_json()
    traces = list(Trace.objects.filter(receipt__message=message))
    for trace in traces:
        trace.entries = [*trace.entries, line]
    Trace.objects.bulk_update(traces, ["entries"])


def keep(message: Message, opened: Opened) -> None:
    """As process.apply does when it can be opened at once."""
    mail = parse(opened.raw)
    (ticket,) = locked(message.ticket_id).values()
    Message.objects.filter(pk=message.pk).update(text=mail.text, has_html=bool(mail.html))
    record_files(message, opened.raw)
    recount(ticket)
    ticket.save(update_fields=COUNTED)
    read_again([message.pk])

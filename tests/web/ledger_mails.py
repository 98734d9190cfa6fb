"""Every way in which a mail can end: (name, who makes it, words in the ledger, words on its page)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from django.utils import timezone

from postvak.blobs import store
from postvak.models import Agent, Channel, LedgerEntry, Mailbox, Message, Queue, Receipt, Status, Ticket
from postvak.process import run
from postvak.receive.accept import Arrived, accept
from postvak.send.deliver import send_due
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.process.arrivals import condition, make_filter, receive
from tests.process.test_delivery_reports import report

ANN = "ann@customer.example"
numbers = count()


@dataclass(slots=True)
class World:
    mailbox: Mailbox
    support: Queue
    bob: Agent
    channel: Channel
    patch: Callable[..., None]

    def first(self) -> Ticket:
        receive(self.mailbox, mail())
        return Ticket.objects.get()

    def close(self, **queue: object) -> Ticket:
        ticket = self.first()
        Queue.objects.filter(pk=self.support.pk).update(**queue)
        closed = Status.objects.get(key="closed")
        Ticket.objects.update(status=closed, is_open=False, closed_at=timezone.now() - timedelta(days=9))
        return ticket

    def trust(self, **changes: object) -> None:
        Mailbox.objects.filter(pk=self.mailbox.pk).update(**changes)
        self.mailbox.refresh_from_db()

    def sent(self) -> Message:
        message = answer(self.first(), Answer(to=(ANN,), text="Try a new bulb."), by=self.bob)
        send_due("test:1:x")
        return message

    def comes(self, raw: bytes, **arrived: object) -> LedgerEntry:
        (receipt,) = receive(self.mailbox, raw, **arrived)
        return LedgerEntry.objects.get(receipt=receipt)


Make = Callable[[World], LedgerEntry]


def again(**headers: str) -> bytes:
    return mail(message_id=f"again{next(numbers)}@customer.example", text="And now?", **headers)


ANSWERS = {"in_reply_to": "<m1@customer.example>"}


def after(ready: Callable[[World], object], **headers: str) -> Make:
    def make(world: World) -> LedgerEntry:
        ready(world)
        return world.comes(again(**headers))

    return make


def by_number(world: World) -> LedgerEntry:
    return world.comes(again(subject=f"Lamp [#{world.first().number}]"))


def guessed(world: World) -> LedgerEntry:
    return world.comes(again(subject=f"Lamp [#{world.first().number}]", sender="eve@stranger.example"))


def grouped(world: World) -> LedgerEntry:
    world.support.addresses.update(grouping_hours=24)
    world.first()
    return world.comes(again(subject="Something else"))


def filtered(action: tuple[str, str]) -> Make:
    def make(world: World) -> LedgerEntry:
        make_filter("Newsletters", action, when=[condition("subject", "contains", "Weekly")])
        return world.comes(again(subject="Lamps Weekly"))

    return make


def unmoved(world: World) -> LedgerEntry:
    make_filter("Newsletters", ("spam", ""), when=[condition("subject", "contains", "Weekly")])
    return world.comes(again())


def obeyed(world: World) -> LedgerEntry:
    world.trust(is_trusted=True)
    return world.comes(again(x_postvak_ignore="yes"))


def copied(world: World) -> LedgerEntry:
    world.first()
    return world.comes(mail())


def own_back(world: World) -> LedgerEntry:
    return world.comes(store.get(str(world.sent().outgoing.blob_id)))


def too_large(world: World) -> LedgerEntry:
    world.trust(size_limit=0)
    return world.comes(again())


def failing(world: World) -> LedgerEntry:
    def refuse(*args: object, **kwargs: object) -> None:
        raise ValueError("no such thing")

    world.patch(run, "apply", refuse)
    (receipt,) = accept(world.mailbox, [Arrived("ledger/failing", again())])
    for _round in range(3):
        Receipt.objects.filter(state="received").update(next_attempt_at=timezone.now())
        run.process_due("test:1:x")
    return LedgerEntry.objects.get(receipt=receipt)


def before_start(world: World) -> LedgerEntry:
    world.trust(start_at=timezone.now() + timedelta(days=1))
    return world.comes(again(), arrived_at=timezone.now())


def waiting(world: World) -> LedgerEntry:
    (receipt,) = accept(world.mailbox, [Arrived("ledger/waiting", again())])
    return LedgerEntry.objects.get(receipt=receipt)


def reported(**facts: str) -> Make:
    return lambda world: world.comes(report(world.sent().message_id, **facts))


IN: list[tuple[str, Make, str, str]] = [
    ("new", lambda w: w.comes(mail()), "ticket created", "A new ticket was opened"),
    ("new to the default queue", lambda w: w.comes(mail(to="x@elsewhere.example")), "ticket created", "Default queue"),
    ("from nobody", lambda w: w.comes(mail(sender="undisclosed")), "ticket created", "Received by mailbox"),
    ("damaged", lambda w: w.comes(mail(message_id="")), "ticket created", "The mail is not quite in order"),
    ("of a machine", lambda w: w.comes(mail(auto_submitted="auto-generated")), "ticket created", "an automatic reply"),
    ("newsletter", lambda w: w.comes(mail(precedence="bulk")), "ticket created", "Recognised by"),
    ("untrusted control header", lambda w: w.comes(mail(x_postvak_queue="Sales")), "ticket created", "is not trusted"),
    ("no filter fires", unmoved, "ticket created", "Filters looked at: 1."),
    ("tagged by a filter", filtered(("add_tags", "weekly")), "ticket created", "Filter “Newsletters” fires"),
    ("by reference", after(World.first, **ANSWERS), "added to ticket", "It refers to a mail that is on this ticket"),
    ("by number", by_number, "added to ticket", "its check digit is right"),
    ("reopens", after(lambda w: w.close(follow_up="reopen"), **ANSWERS), "added to ticket", "The ticket is open again"),
    ("guessed number", guessed, "ticket created", "Numbers can be guessed"),
    ("grouped", grouped, "grouped with recent ticket", "The same customer wrote to the same address"),
    ("instead", after(lambda w: w.close(follow_up="new_ticket"), **ANSWERS), "new ticket instead of closed one", "wants a new ticket for such mail"),
    ("rejected by the queue", after(lambda w: w.close(follow_up="reject"), **ANSWERS), "rejected", "takes no more mail on closed tickets"),
    ("rejected by a filter", filtered(("reject", "No.")), "rejected", "Newsletters"),
    ("ignored by a filter", filtered(("ignore", "")), "ignored", "No ticket was made; the mail stays readable here."),
    ("ignored by a header", obeyed, "ignored", "No ticket was made"),
    ("held by a filter", filtered(("hold", "Look")), "held", "Held for a person"),
    ("copy", copied, "duplicate", "The same mail was received before"),
    ("own mail back", own_back, "duplicate", "This is a mail of ours that came back"),
    ("empty", lambda w: w.comes(b""), "held", "There are no bytes in it at all"),
    ("too large", too_large, "held", "Larger than this mailbox allows"),
    ("no mail", lambda w: w.comes(b"\x00\x01garbage"), "held", "This can&#39;t be read as a mail"),
    ("failing", failing, "held", "Processing failed three times"),
    ("before the start", before_start, "before start date", "Older than the start date of its mailbox"),
    ("not processed yet", waiting, "in progress", "Nothing has been decided about this mail yet"),
    ("bounce", reported(), "delivery report", "Not delivered to ann@customer.example"),
    ("block", reported(status="5.7.1", said="550 5.7.1 refused by policy"), "delivery report", "Refused as unwanted"),
    ("delay", reported(action="delayed", status="4.4.1", said="421 later"), "delivery report", "Delayed on the way"),
    ("success", reported(action="delivered", status="2.0.0", said="250 ok"), "delivery report", "Delivered to ann@"),
    ("report of nothing", lambda w: w.comes(report("unknown@example.org")), "held", "fits no mail of ours"),
]  # fmt: skip

# state, code, the server's words, words on the page
OUT: list[tuple[str, int | None, str, str]] = [
    ("queued", None, "", "Put into the outbox"),
    ("sending", None, "", "Sending"),
    ("deferred", 451, "451 4.7.1 Greylisted, try again", "451 4.7.1 Greylisted"),
    ("deferred", 452, "452 4.2.2 mailbox full", "452 4.2.2 mailbox full"),
    ("deferred", 421, "421 4.4.2 connection timed out", "421 4.4.2"),
    ("deferred", 450, "450 4.2.0 too many connections", "450 4.2.0"),
    ("accepted", 250, "250 2.0.0 Ok: queued as 4XyZ", "queued as 4XyZ"),
    ("delivered", 250, "250 2.0.0 delivered", "250 2.0.0 delivered"),
    ("bounced", 550, "550 5.1.1 no such user", "550 5.1.1 no such user"),
    ("bounced", 552, "552 5.2.2 mailbox full", "552 5.2.2 mailbox full"),
    ("bounced", 550, "550 5.1.2 no such domain", "550 5.1.2"),
    ("bounced", 550, "550 5.4.4 host not found", "550 5.4.4"),
    ("blocked", 550, "550 5.7.1 message refused by policy", "550 5.7.1 message refused"),
    ("blocked", 554, "554 5.7.1 listed at zen.spamhaus.org", "zen.spamhaus.org"),
    ("blocked", 550, "550 5.7.26 DMARC check failed", "DMARC check failed"),
    ("blocked", 550, "550 SPF: not allowed to send", "SPF: not allowed"),
    ("complained", None, "abuse", "The recipient told the provider"),
    ("failed", 550, "550 5.1.1 unknown", "This address doesn&#39;t exist"),
    ("failed", 552, "552 5.3.4 message too big", "552 5.3.4 message too big"),
    ("failed", 535, "535 5.7.8 authentication failed", "535 5.7.8"),
    ("failed", 503, "503 bad sequence", "503 bad sequence"),
    ("failed", None, "no route to host", "no route to host"),
    ("failed", 550, "550 <script>alert(1)</script>", "&lt;script&gt;alert(1)"),
    ("cancelled", None, "", "Stopped"),
    ("in_doubt", None, "", "ask the recipient whether the mail arrived"),
]

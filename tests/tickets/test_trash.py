"""The trash: put in, taken out as it was, emptied after its days; what was received and sent stays countable."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.log.sentences import history_line, trace_line
from postvak.mail.compose import File
from postvak.models import (
    Agent,
    Channel,
    Draft,
    Message,
    Options,
    OutgoingMail,
    Receipt,
    RemovedTicket,
    SearchEntry,
    Status,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.retention import bury
from postvak.send.deliver import send_due
from postvak.tickets import trash
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import note, set_status
from postvak.tickets.drafts import USUAL_LIMIT, add_file
from postvak.tickets.marks import set_private
from postvak.tickets.merge import merge
from postvak.tickets.search.index import index_due
from postvak.tickets.trash import THROWN_AT, deletable, goes_at, move_to_trash, purge, restore, trashed
from tests.clock import Clock
from tests.mails import mail
from tests.tickets.conftest import Receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]

DAYS = 30


@pytest.fixture(autouse=True)
def thirty_days(db: None) -> None:
    Options.objects.update(trash_days=DAYS)


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def later(days: float = DAYS + 1) -> int:
    return purge(timezone.now() + timedelta(days=days))


@pytest.mark.parametrize("key", ["new", "customer", "closed", "clarify"])
def test_a_ticket_comes_out_as_it_was(receive: Receive, bob: Agent, key: str) -> None:
    lamp = receive()
    set_status(lamp, Status.objects.get(key=key), by=bob)
    before = Ticket.objects.values().get(pk=lamp.pk)
    move_to_trash(lamp, by=bob)
    there = fresh(lamp)
    assert (there.status.type, there.is_open, there.waiting_since) == ("removed", False, None)
    restore(there, by=bob)
    after = Ticket.objects.values().get(pk=lamp.pk)
    assert {**after, "changed_at": None} == {**before, "changed_at": None}
    lines = [history_line(row.code, row.parameters) for row in lamp.history.all()][-2:]
    assert [line.split(" ")[0] for line in lines] == ["Moved", "Taken"]


def test_what_was_put_there_as_a_status_comes_out_with_the_status_before(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    Status.objects.filter(key="clarify").update(name="Zu klären")
    set_status(lamp, Status.objects.get(key="clarify"), by=bob)
    set_status(lamp, Status.objects.get(key="trash"), by=bob)
    restore(fresh(lamp), by=bob)
    assert fresh(lamp).status.key == "clarify"


def test_nothing_is_deleted_before_its_day_or_without_the_option(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    move_to_trash(lamp, by=bob)
    assert goes_at(lamp) == lamp.closed_at + timedelta(days=DAYS)  # type: ignore[operator]
    assert later(DAYS - 0.01) == 0
    Options.objects.update(trash_days=None)
    assert (later(10_000), goes_at(lamp)) == (0, None)
    assert Ticket.objects.filter(pk=lamp.pk).exists()


def test_only_the_trash_is_emptied(receive: Receive, bob: Agent) -> None:
    lamp, dimmer, spam = receive(), receive(), receive()
    set_status(lamp, Status.objects.get(key="closed"), by=bob)
    Ticket.objects.filter(pk=spam.pk).update(is_spam=True)
    move_to_trash(dimmer, by=bob)
    assert later() == 1
    assert set(Ticket.objects.all()) == {lamp, spam}


def test_a_ticket_goes_with_all_that_is_its_own_and_its_receipts_say_so(
    receive: Receive, bob: Agent, channel: Channel
) -> None:
    lamp, other = receive(), receive()
    note(lamp, "Ann called.", by=bob)
    answer(lamp, Answer(to=("ann@customer.example",), text="Soon"), by=bob)
    while send_due("test:1:x"):
        pass
    while index_due("test:1:x"):
        pass
    draft = Draft.objects.create(ticket=lamp, agent=bob, text="Hi", changed_at=timezone.now())
    add_file(draft, File("a.txt", "text/plain", b"only here"), limit=USUAL_LIMIT)
    counted = Receipt.objects.exclude(outcome="").count()
    receipt = Receipt.objects.get(ticket=lamp)
    digests = set(Blob.objects.values_list("pk", flat=True)) - {Receipt.objects.get(ticket=other).blob_id}
    move_to_trash(lamp, by=bob)
    assert later() == 1
    assert not Ticket.objects.filter(pk=lamp.pk).exists()
    assert list(Message.objects.all()) == list(other.messages.all())
    assert not OutgoingMail.objects.exists()
    assert not Draft.objects.exists()
    assert SearchEntry.objects.count() == 1
    receipt.refresh_from_db()
    assert (receipt.ticket, receipt.message, receipt.blob, receipt.outcome) == (None, None, None, "new_ticket")
    assert Receipt.objects.exclude(outcome="").count() == counted
    line = trace_line(receipt.trace.entries[-1])
    assert lamp.number in line.title
    gone = RemovedTicket.objects.get()
    assert (gone.number, gone.message_count) == (lamp.number, 3)
    assert [one[:2] for one in gone.mails[0]["to"]] == [["ann@customer.example", "accepted"]]
    bury(timezone.now() + timedelta(days=DAYS + 2))
    assert not Blob.objects.filter(pk__in=digests).exists()
    assert store.get(str(other.messages.get().blob_id))


def test_bytes_that_another_ticket_needs_stay(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    shared = lamp.messages.get().blob_id
    Message.objects.filter(ticket=dimmer).update(blob=shared)
    move_to_trash(lamp, by=bob)
    assert later() == 1
    bury(timezone.now() + timedelta(days=DAYS + 2))
    assert store.get(str(shared))


def test_a_ticket_whose_mail_is_still_to_go_out_is_kept(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp = receive()
    answer(lamp, Answer(to=("ann@customer.example",), text="Soon", send_at=timezone.now() + timedelta(days=90)), by=bob)
    move_to_trash(lamp, by=bob)
    assert later() == 0
    OutgoingMail.objects.update(next_attempt_at=None)
    assert later() == 1


def test_what_was_taken_out_at_the_last_moment_is_kept(
    receive: Receive, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp = receive()
    move_to_trash(lamp, by=bob)
    real = trash.remove

    def late(pk: int, before: object, now: object) -> bool:
        restore(fresh(lamp), by=bob)
        return real(pk, before, now)  # type: ignore[arg-type]

    monkeypatch.setattr(trash, "remove", late)
    assert later() == 0
    assert fresh(lamp).status.key == "new"


def test_tickets_that_were_merged_into_it_go_with_it(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    merge(lamp, dimmer, by=bob)
    move_to_trash(fresh(dimmer), by=bob)
    assert later() == 1
    assert not Ticket.objects.exists()
    assert RemovedTicket.objects.count() == 2
    assert Receipt.objects.filter(outcome="new_ticket", ticket=None).count() == 2


def test_a_kill_in_the_middle_deletes_nothing(receive: Receive, bob: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = receive()
    move_to_trash(lamp, by=bob)

    def killed(digests: object, now: object) -> None:
        raise SystemExit

    monkeypatch.setattr(store, "condemn", killed)
    with pytest.raises(SystemExit):
        later()
    assert fresh(lamp).messages.count() == 1
    assert Receipt.objects.get().ticket == lamp


def test_a_private_ticket_leaves_no_subject_behind(receive: Receive, bob: Agent) -> None:
    lamp = receive(subject="Dismissal")
    set_private(lamp, True, by=bob)
    move_to_trash(lamp, by=bob)
    later()
    assert (Receipt.objects.get().subject, Receipt.objects.get().author_email) == ("", "")


def test_the_same_mail_again_is_still_a_duplicate_and_an_answer_a_new_ticket(
    receive: Receive, bob: Agent, channel: Channel, clock: Clock
) -> None:
    lamp = receive(message_id="same@x.example", text="Same")
    ours = answer(lamp, Answer(to=("ann@customer.example",), text="Soon"), by=bob)
    clock.advance(minutes=1)
    while send_due("test:1:x"):
        pass
    move_to_trash(fresh(lamp), by=bob)
    assert later() == 1
    again = accept(Receipt.objects.get().mailbox, [Arrived("again/1", mail(message_id="same@x.example", text="Same"))])[
        0
    ]
    process_due("test:1:x")
    again.refresh_from_db()
    assert again.outcome == "duplicate"
    assert receive(in_reply_to=f"<{ours.message_id}>").pk != lamp.pk


def test_a_round_takes_a_few_and_goes_on(receive: Receive, bob: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "BATCH", 2)
    for _n in range(3):
        move_to_trash(receive(), by=bob)
    assert [later(), later(), later()] == [2, 1, 0]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL scans small tables, whatever indexes there are")
def test_what_is_to_go_is_found_by_its_status_not_among_all_tickets(receive: Receive) -> None:
    for query in (deletable(timezone.now()), trashed(Ticket.objects.all())):
        plan = query.order_by(THROWN_AT).explain().splitlines()
        assert [line for line in plan if "postvak_ticket_status" in line]
        assert not [line for line in plan if "SCAN postvak_ticket" in line]

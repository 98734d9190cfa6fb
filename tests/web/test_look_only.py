"""A new mailbox only looks: what its mails would become is shown, nothing happens until go-live (promise 4)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Customer, Mailbox, Queue, Receipt, Ticket, TicketCounter
from postvak.process.preview import preview
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.go_live import go_live
from tests.mails import mail

pytestmark = pytest.mark.django_db

MAILS = [
    mail(),
    mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="And now?"),
    mail(message_id="m3@x.example", sender="x@x.example", subject="Other", text="Else"),
    mail(),
    b"",
]


@pytest.fixture
def looking(mailbox: Mailbox, support: Queue) -> Mailbox:
    mailbox.is_look_only = True
    mailbox.save()
    yesterday = timezone.now() - timedelta(days=1)
    accept(mailbox, [Arrived(f"INBOX/1/{n}", raw, yesterday) for n, raw in enumerate(MAILS)])
    return mailbox


def process_all() -> None:
    while process_due("test:1:x"):
        pass


def outcomes() -> list[str]:
    return list(Receipt.objects.order_by("pk").values_list("outcome", flat=True))


def test_mails_of_a_mailbox_that_looks_are_stored_and_not_processed(looking: Mailbox) -> None:
    assert process_due("test:1:x") == 0
    assert outcomes() == [""] * 5
    assert not Ticket.objects.exists()


def test_the_preview_is_what_go_live_does_and_leaves_no_trace(looking: Mailbox) -> None:
    shown = [row.outcome for row in preview(looking, start_at=None).rows][::-1]
    assert not Ticket.objects.exists()
    assert not Customer.objects.exists()
    assert not TicketCounter.objects.exists()
    assert outcomes() == [""] * 5
    assert go_live(looking, start_at=None) == 5
    process_all()
    assert outcomes() == shown == ["new_ticket", "follow_up", "new_ticket", "duplicate", "held"]


def test_going_live_from_now_keeps_older_mails_without_tickets(looking: Mailbox) -> None:
    go_live(looking, start_at=timezone.now())
    process_all()
    assert set(outcomes()) == {"before_start", "duplicate"}
    accept(Mailbox.objects.get(pk=looking.pk), [Arrived("INBOX/1/99", mail(message_id="new@x.example", text="New"))])
    process_all()
    assert outcomes()[-1] == "new_ticket"


def test_the_page_shows_numbers_that_add_up_and_goes_live(client: Client, admin: Agent, looking: Mailbox) -> None:
    client.force_login(admin)
    html = client.get(f"/admin/mailboxes/{looking.pk}/preview/").content.decode()
    assert "The lamp flickers" in html
    assert "Added to ticket: The lamp flickers" in html
    response = client.post(f"/admin/mailboxes/{looking.pk}/live/", {"start": "all"})
    assert response.status_code == 302
    process_all()
    assert Ticket.objects.count() == 2
    assert client.get(f"/admin/mailboxes/{looking.pk}/preview/").status_code == 404


def test_a_date_is_asked_for(client: Client, admin: Agent, looking: Mailbox) -> None:
    client.force_login(admin)
    response = client.post(f"/admin/mailboxes/{looking.pk}/live/", {"start": "date"})
    assert response.status_code == 422
    assert Mailbox.objects.get(pk=looking.pk).is_look_only


def test_mail_of_the_past_can_be_imported_as_closed(mailbox: Mailbox, support: Queue) -> None:
    mailbox.imports_closed = True
    mailbox.save()
    accept(mailbox, [Arrived("x/1", mail())])
    process_all()
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.is_open, ticket.is_unread, ticket.waiting_since) == ("closed", False, False, None)


@pytest.fixture
def held(client: Client, admin: Agent, mailbox: Mailbox, support: Queue) -> list[Receipt]:
    client.force_login(admin)
    accept(mailbox, [Arrived("h/1", b"just some text"), Arrived("h/2", b"other text")])
    process_all()
    return list(Receipt.objects.order_by("pk"))


def test_held_mails_are_let_through_into_a_queue_of_choice(client: Client, held: list[Receipt], support: Queue) -> None:
    client.post("/held/decisions/", {"action": "release", "queue": str(support.pk), "receipt": [r.pk for r in held]})
    process_all()
    assert outcomes() == ["new_ticket", "new_ticket"]
    assert {ticket.queue for ticket in Ticket.objects.all()} == {support}


def test_held_mails_are_put_aside_with_a_reason_that_stays(client: Client, held: list[Receipt]) -> None:
    client.post("/held/decisions/", {"action": "discard", "reason": "", "receipt": [held[0].pk]})
    assert outcomes() == ["held", "held"]
    client.post("/held/decisions/", {"action": "discard", "reason": "advertising", "receipt": [held[0].pk]})
    assert outcomes() == ["ignored", "held"]
    html = client.get(f"/receipts/{held[0].pk}/").content.decode()
    assert "Put aside by Eva Admin" in html
    assert "advertising" in html


def test_what_would_become_of_a_mail_set_aside_is_shown_and_then_done(
    client: Client, mailbox: Mailbox, support: Queue, admin: Agent
) -> None:
    client.force_login(admin)
    Mailbox.objects.filter(pk=mailbox.pk).update(start_at=timezone.now() + timedelta(days=1))
    mailbox.refresh_from_db()
    receipt = accept(mailbox, [Arrived("aside/1", mail(subject="Older than the start"))])[0]
    while process_due("test:1:aside"):
        pass
    receipt.refresh_from_db()
    assert receipt.outcome == "before_start"
    shown = client.get(f"/receipts/{receipt.pk}/taking/").content.decode()
    assert "ticket created" in shown
    assert "Queue “Support”" in shown
    assert Ticket.objects.count() == 0
    client.post(f"/receipts/{receipt.pk}/taken/")
    while process_due("test:1:aside"):
        pass
    receipt.refresh_from_db()
    assert receipt.outcome == "new_ticket"
    assert client.post(f"/receipts/{receipt.pk}/taken/").status_code == 404

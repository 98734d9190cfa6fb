"""Mail with third parties on the ticket page: listed on the side, a quiet line in the conversation, a page of its own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from postvak.blobs import store
from postvak.models import Agent, Channel, Mailbox, Message, SideConversation, Ticket
from postvak.tickets.answer import Answer
from postvak.tickets.merge import merge
from postvak.tickets.side import start
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
CAS = "cas@partner.example"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(client: Client, bob: Agent, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def lamp(mailbox: Mailbox, bob: Agent) -> Ticket:
    return receive(mailbox, mail(subject="Lamp", text="The secret lamp"))


def new(desk: Client, ticket: Ticket, **values: object) -> Message:
    typed = {"to": CAS, "subject": "A <spare> part", "text": "Have you got one?", "once": "a1"}
    response = desk.post(f"/tickets/{ticket.number}/side-conversations/new/", typed | values)
    assert response.status_code == 302, response.content.decode()
    message = Message.objects.filter(purpose="side").latest("pk")
    assert response.headers["Location"].startswith(f"/tickets/{ticket.number}/side-conversations/{message.side_id}/")
    return message


def answered(mailbox: Mailbox, to: Message) -> None:
    receive(
        mailbox,
        mail(sender=f"Cas <{CAS}>", message_id="c1@partner.example", in_reply_to=f"<{to.message_id}>", text="Yes, two"),
    )


def test_an_agent_writes_to_a_third_party_reads_the_answer_and_goes_on(
    desk: Client, lamp: Ticket, mailbox: Mailbox
) -> None:
    first = new(desk, lamp, files=SimpleUploadedFile("plan.txt", b"plan"))
    assert first.attachments.get().name == "plan.txt"
    answered(mailbox, first)
    address = f"/tickets/{lamp.number}/side-conversations/{first.side_id}/"
    html = desk.get(address).content.decode()
    assert "Yes, two" in html
    assert "A &lt;spare&gt; part" in html
    assert f'value="{CAS}"' in html
    assert "secret" not in html
    desk.post(address, {"to": CAS, "text": "Send both", "quotes": "1", "once": "a2"})
    assert first.side is not None
    assert first.side.messages.count() == 3


def test_the_ticket_has_a_quiet_line_and_no_card_for_each(desk: Client, lamp: Ticket, mailbox: Mailbox) -> None:
    first = new(desk, lamp)
    answered(mailbox, first)
    html = page(desk, f"/tickets/{lamp.number}/")
    assert "Mail from Cas in the side conversation “A &lt;spare&gt; part”" in html
    assert f"Mail to {CAS} in the side conversation" in html
    assert html.count('<article class="msg"') == 1
    assert "Yes, two" not in html


def test_the_side_lists_them_with_who_wrote_last(desk: Client, lamp: Ticket, mailbox: Mailbox) -> None:
    first = new(desk, lamp)
    side = f"/tickets/{lamp.number}/side/"
    assert "New answer" not in desk.get(side, headers=HTMX).content.decode()
    answered(mailbox, first)
    html = desk.get(side, headers=HTMX).content.decode()
    assert f"/tickets/{lamp.number}/side-conversations/{first.side_id}/" in html
    assert "Cas answered" in html
    assert "New answer" in html


def test_what_was_typed_is_still_there_after_an_error(desk: Client, lamp: Ticket) -> None:
    address = f"/tickets/{lamp.number}/side-conversations/new/"
    response = desk.post(address, {"to": "nobody", "subject": "Part", "text": "My words"})
    assert response.status_code == 422
    assert "My words" in response.content.decode()
    assert not SideConversation.objects.exists()


def test_the_customers_mail_goes_along_only_when_it_is_chosen(desk: Client, lamp: Ticket) -> None:
    for chosen, is_there in (({}, False), ({"quotes": "1"}, True)):
        message = new(desk, lamp, once=f"b{len(chosen)}", **chosen)
        assert ("secret lamp" in store.get(str(message.blob_id)).decode()) is is_there


def test_a_merged_ticket_sends_nothing(desk: Client, lamp: Ticket, mailbox: Mailbox, bob: Agent) -> None:
    other = receive(mailbox, mail(subject="Other", message_id="o@x.example"))
    merge(lamp, other, by=bob)
    response = desk.post(f"/tickets/{lamp.number}/side-conversations/new/", {"to": CAS, "subject": "P", "text": "T"})
    assert response.status_code == 302
    assert not SideConversation.objects.exists()


def test_its_page_costs_the_same_however_many_messages_it_has(
    desk: Client, lamp: Ticket, bob: Agent, mailbox: Mailbox
) -> None:
    first = start(lamp, Answer(to=(CAS,), subject="Part", text="Hi"), by=bob)
    address = f"/tickets/{lamp.number}/side-conversations/{first.side_id}/"
    desk.get(address)
    with CaptureQueriesContext(connection) as few:
        desk.get(address)
    for number in range(5):
        receive(
            mailbox,
            mail(message_id=f"c{number}@p.example", in_reply_to=f"<{first.message_id}>", sender=CAS, text=str(number)),
        )
    with CaptureQueriesContext(connection) as many:
        desk.get(address)
    assert len(many) <= len(few) + 1  # whom the next mail goes to
    assert len(many) <= 12

"""Mail to third parties, kept apart from the customer's conversation."""

import pytest

from postvak.blobs import store
from postvak.mail.parse import parse
from postvak.models import Agent, Channel, Message, Ticket
from postvak.send.letter import newest_mail
from postvak.tickets.answer import Answer, CannotAnswer, answer
from postvak.tickets.merge import merge, unmerge
from postvak.tickets.second_look import NewDomain
from postvak.tickets.side import answer_side, correspondents, start
from postvak.tickets.take_back import take_back
from tests.mails import mail
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
ANN, CAS = "ann@customer.example", "cas@partner.example"
ASKED = Answer(to=(CAS,), subject="A spare part", text="Have you got one?", quotes=False)


@pytest.fixture
def ticket(receive: Receive, channel: Channel) -> Ticket:
    return receive(text="The secret lamp flickers")


def sent(message: Message) -> str:
    return store.get(str(message.blob_id)).decode()


def reply(to: Message, **headers: str) -> bytes:
    values = {"sender": f"Cas <{CAS}>", "subject": f"Re: {to.subject}", "message_id": "c1@partner.example"}
    return mail(**values | {"in_reply_to": f"<{to.message_id}>", "text": "Yes, two."} | headers)


def test_a_mail_to_a_third_party_has_its_own_subject_and_thread_and_nothing_of_the_customer(
    ticket: Ticket, bob: Agent
) -> None:
    message = start(ticket, ASKED, by=bob)
    written = parse(sent(message).encode())
    assert written.subject == f"A spare part [#{ticket.number}]"
    assert (written.references, written.in_reply_to) == ((), ())
    assert "secret" not in sent(message)
    assert (message.is_internal, message.purpose, message.side.subject) == (True, "side", "A spare part")
    assert list(message.outgoing.deliveries.values_list("recipient", flat=True)) == [CAS]


def test_the_customer_goes_on_waiting_and_the_list_shows_his_words(ticket: Ticket, bob: Agent) -> None:
    before = Ticket.objects.values("waiting_since", "preview", "status", "is_unread").get(pk=ticket.pk)
    start(ticket, ASKED, by=bob)
    assert Ticket.objects.values("waiting_since", "preview", "status", "is_unread").get(pk=ticket.pk) == before
    assert before["waiting_since"] is not None


def test_the_next_mail_continues_and_quotes_the_conversation_only(ticket: Ticket, bob: Agent, receive: Receive) -> None:
    first = start(ticket, ASKED, by=bob)
    receive(reply(first))
    assert first.side is not None
    assert correspondents(first.side) == [CAS]
    message = answer_side(first.side, Answer(to=(CAS,), text="Send both."), by=bob)
    written = parse(sent(message).encode())
    assert written.in_reply_to == ("c1@partner.example",)
    assert first.message_id in written.references
    assert "> Yes, two." in written.text
    assert "secret" not in sent(message)
    assert message.side == first.side


def test_an_answer_to_the_customer_never_quotes_or_continues_it(ticket: Ticket, bob: Agent, receive: Receive) -> None:
    first = start(ticket, ASKED, by=bob)
    receive(reply(first))
    theirs = Message.objects.get(author_email=CAS)
    assert newest_mail(ticket) == ticket.messages.order_by("pk").first()
    message = answer(ticket, Answer(to=(ANN,), text="Soon."), by=bob)
    assert "Yes, two" not in sent(message)
    assert "partner.example" not in sent(message)
    with pytest.raises(CannotAnswer, match="where it stands"):
        answer(ticket, Answer(to=(CAS,), text="Thanks", about=theirs), by=bob)


def test_a_chosen_mail_of_the_customer_goes_along(ticket: Ticket, bob: Agent) -> None:
    chosen = Answer(to=(CAS,), subject="Look", text="See below", about=ticket.messages.get(), quotes=True)
    assert "secret lamp" in sent(start(ticket, chosen, by=bob))


def test_the_checks_of_every_mail_apply(ticket: Ticket, bob: Agent) -> None:
    for wrong in (
        Answer(to=(CAS,), text="Hi"),
        Answer(to=(CAS,), subject="Hi"),
        Answer(to=(), subject="Hi", text="Hi"),
    ):
        with pytest.raises(CannotAnswer):
            start(ticket, wrong, by=bob)
    once = Answer(to=(CAS,), subject="Hi", text="Hi", once="abc")
    side = start(ticket, once, by=bob).side
    with pytest.raises(CannotAnswer, match="already"):
        start(ticket, once, by=bob)
    assert ticket.side_conversations.get() == side
    with pytest.raises(NewDomain):
        answer_side(side, Answer(to=("x@other.example",), text="Hi", known=ticket.messages.latest("pk").pk), by=bob)


def test_it_can_be_taken_back(ticket: Ticket, bob: Agent) -> None:
    message = start(ticket, ASKED, by=bob)
    take_back(message.outgoing, by=bob)
    ticket.refresh_from_db()
    assert ticket.preview.startswith("The secret lamp")
    assert ticket.waiting_since is not None


def test_a_merge_takes_the_conversation_along_and_gives_it_back_whole(
    ticket: Ticket, bob: Agent, receive: Receive
) -> None:
    other = receive(message_id="o@customer.example", text="Other", subject="Other")
    first = start(ticket, ASKED, by=bob)
    merge(ticket, other, by=bob)
    assert receive(reply(first)) == other
    assert other.side_conversations.get().messages.count() == 2
    unmerge(ticket, by=bob)
    assert not other.side_conversations.exists()
    assert set(ticket.side_conversations.get().messages.values_list("ticket", flat=True)) == {ticket.pk}

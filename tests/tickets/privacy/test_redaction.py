"""Words of a message are made unreadable everywhere it is kept, and nothing says which they were."""

import pytest

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.log.audit import COMMAND
from postvak.mail.parse import attachment_content
from postvak.models import (
    Agent,
    AuditEntry,
    Channel,
    LedgerEntry,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Receipt,
    Redaction,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer, answer
from postvak.tickets.privacy.redaction import CannotRedact, Wish, places, redact_message
from postvak.tickets.search.find import find
from postvak.tickets.search.index import index_due
from tests.mails import mail
from tests.tickets.privacy.test_erase import where
from tests.web.test_desk import HTML

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]
IBAN = "NL91 ABNA 0417 1643 00"


@pytest.fixture
def message(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> Message:
    """Ann's mail with a number in text and subject, and Bob's answer that quotes it."""
    accept(mailbox, [Arrived("r/1", mail(subject=f"My account {IBAN}", text=f"It is {IBAN}.\r\nMy word is tulip."))])
    process_due("test:1:x")
    ticket = Ticket.objects.get()
    answer(
        ticket, Answer(to=("ann@customer.example",), text=f"Thanks\n\n> It is {IBAN}.\n> My word is\n> tulip."), by=bob
    )
    OutgoingMail.objects.update(next_attempt_at=None)
    read_all()
    return ticket.messages.order_by("pk")[0]


def read_all() -> None:
    while index_due("test:1:x"):
        pass


def test_afterwards_the_words_are_nowhere(message: Message) -> None:
    assert find("tulip", by=None).count == 1
    old = message.blob_id
    assert redact_message(message, Wish(("tulip",), iban=True, reason="He asked for it"), by=COMMAND)
    read_all()
    assert [where(word) for word in ("tulip", "0417 1643")] == [[], []]
    assert find("tulip", by=None).count == 0
    assert not Blob.objects.filter(digest=old).exists()
    message.refresh_from_db()
    assert message.text.strip() == "It is *****.\nMy word is *****."
    assert LedgerEntry.objects.filter(direction="in").get().subject == "My account *****"


def test_every_other_byte_of_the_original_stays(message: Message) -> None:
    before = store.get(str(message.blob_id))
    redact_message(message, Wish(("tulip",), quotes=False, reason="x"), by=COMMAND)
    message.refresh_from_db()
    assert store.get(str(message.blob_id)) == before.replace(b"tulip", b"*****")
    assert Receipt.objects.get().blob_id == message.blob_id


def test_it_says_how_many_and_why_and_never_which(message: Message) -> None:
    count = redact_message(message, Wish(("tulip",), reason="He asked for it"), by=COMMAND)
    rows = Redaction.objects.order_by("message")
    assert sum(row.places for row in rows) == count == 2
    assert {row.reason for row in rows} == {"He asked for it"}
    assert AuditEntry.objects.get(action="redacted").changes["places"] == ["", count]
    assert message.ticket.history.filter(code="redacted").count() == 2


def test_the_places_are_shown_before_anything_changes(message: Message) -> None:
    found = places(message, Wish(("TULIP",), iban=True))
    assert [(str(place.where), place.found) for place in found][:3] == [
        ("subject", IBAN),
        ("text", IBAN),
        ("text", "tulip"),
    ]
    assert len({place.message.pk for place in found}) == 2
    assert not Redaction.objects.exists()


def test_a_mail_that_is_still_to_go_out_is_left_alone(message: Message) -> None:
    OutgoingMail.objects.update(next_attempt_at=message.created_at)
    with pytest.raises(CannotRedact):
        redact_message(message.ticket.messages.get(kind="outgoing"), Wish(("tulip",), reason="x"), by=COMMAND)
    assert where("tulip")


def test_a_file_goes_as_a_whole(mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("r/2", HTML)])
    process_due("test:1:x")
    message = Message.objects.get()
    file = message.attachments.all()[0]
    content = attachment_content(store.get(str(message.blob_id)), file.part)[1]
    redact_message(message, Wish(files=(file.pk,), reason="x"), by=COMMAND)
    message.refresh_from_db()
    file.refresh_from_db()
    now = attachment_content(store.get(str(message.blob_id)), file.part)[1]
    assert file.name.endswith(".removed.txt")
    assert file.size == len(now)
    assert content not in store.get(str(message.blob_id))

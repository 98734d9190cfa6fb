"""Drafts of encrypted answers lie here sealed, and whoever may read them notices nothing of it."""

import pytest
from django.test import Client

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.crypto.key_files import read_keys
from postvak.crypto.sealing import is_sealed
from postvak.keys.store import add
from postvak.mail.compose import File
from postvak.mail.redact import pattern_of
from postvak.models import Agent, Mailbox, Queue, Ticket
from postvak.models.draft import Draft
from postvak.tickets import drafts
from postvak.tickets.answer import Answer, answer
from postvak.tickets.drafts import Place, Typed
from postvak.tickets.privacy.files import sweep_file
from postvak.tickets.privacy.redaction import hide_around
from postvak.tickets.sealed_drafts import words
from postvak.tickets.take_back import take_back
from tests.keys.people import House, with_header
from tests.mails import mail
from tests.send.answering import ANN, receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail", "channel")]
SECRET = "Pfauenauge"
PLAN = File("plan.txt", "text/plain", f"Plan {SECRET}".encode())


@pytest.fixture
def asked(house_of_keys: House, mailbox: Mailbox, support: Queue) -> Ticket:
    add(read_keys(house_of_keys.ann.certificate.read_bytes()), source="uploaded", state="in_use")
    house_of_keys.own_key()
    text = b"Content-Type: text/plain\r\n\r\nHello.\r\n"
    return ticket_of(mailbox, with_header(house_of_keys.encrypted(text), message_id="<secret@customer.example>"))


@pytest.fixture
def plainly(mailbox: Mailbox, support: Queue) -> Ticket:
    return ticket_of(mailbox, mail(sender=f"Ann <{ANN}>"))


def ticket_of(mailbox: Mailbox, raw: bytes) -> Ticket:
    return Ticket.objects.get(pk=receive(mailbox, raw).ticket_id)


def write(ticket: Ticket, bob: Agent, there: Draft | None = None, **more: object) -> Draft:
    typed = Typed(text=f"I know {SECRET}.", subject=SECRET, html=f"<p>I know {SECRET}.</p>", **more)  # type: ignore[arg-type]
    place = Place(bob, ticket, "reply")
    drafts.save(place, typed, draft=there.pk if there else None, revision=there.revision if there else 0)
    return Draft.objects.get()


def in_clear() -> list[str]:
    rows = [name for row in Draft.objects.all() for name in ("subject", "html", "text") if SECRET in getattr(row, name)]
    return rows + ["blob" for row in Blob.objects.all() if SECRET.encode() in store.get(row.pk)]


def test_a_draft_about_an_encrypted_mail_is_sealed_with_its_files(asked: Ticket, bob: Agent, client: Client) -> None:
    draft = write(asked, bob)
    drafts.add_file(draft, PLAN, limit=drafts.USUAL_LIMIT)
    assert in_clear() == []
    assert [words(draft, name) for name in ("subject", "html", "text")] == [
        SECRET, f"<p>I know {SECRET}.</p>", f"I know {SECRET}.",
    ]  # fmt: skip
    assert drafts.contents(list(draft.files.all())) == (PLAN,)
    client.force_login(bob)
    assert f"I know {SECRET}." in client.get("/drafts/").content.decode()
    assert SECRET in client.get(f"/tickets/{asked.number}/?compose=reply").content.decode()
    assert SECRET.encode() in client.get(f"/drafts/{draft.pk}/files/{draft.files.get().pk}/").content


def test_a_draft_becomes_sealed_when_encryption_is_chosen_and_clear_when_it_is_not(plainly: Ticket, bob: Agent) -> None:
    draft = write(plainly, bob)
    drafts.add_file(draft, PLAN, limit=drafts.USUAL_LIMIT)
    assert in_clear() == ["subject", "html", "text", "blob"]
    draft = write(plainly, bob, draft, encrypt=True)
    (row,) = draft.files.all()
    assert SECRET.encode() not in store.get(str(row.blob_id))
    assert [name for name in in_clear() if name != "blob"] == []
    draft = write(plainly, bob, draft)
    assert draft.text == f"I know {SECRET}."
    assert drafts.contents(list(draft.files.all())) == (PLAN,)


def test_what_is_taken_back_comes_back_sealed(asked: Ticket, bob: Agent) -> None:
    message = answer(asked, Answer(to=(ANN,), html=f"<p>I know {SECRET}.</p>", files=(PLAN,)), by=bob)
    take_back(message.outgoing, by=bob)
    message.refresh_from_db()
    draft = drafts.from_taken_back(message, by=bob)
    assert draft is not None
    assert in_clear() == []
    assert SECRET in words(draft, "html")
    assert drafts.contents(list(draft.files.all())) == (PLAN,)


def test_a_colleagues_copy_is_sealed_too(asked: Ticket, bob: Agent, admin: Agent) -> None:
    copy = drafts.take_over(write(asked, bob), by=admin)
    assert in_clear() == []
    assert words(copy, "text") == f"I know {SECRET}."


def test_with_other_sealing_keys_a_draft_is_empty_and_breaks_nothing(
    asked: Ticket, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = write(asked, bob)
    Draft.objects.update(text=draft.text[:-12] + "AAAAAAAAAAA=")
    assert words(Draft.objects.get(), "text") == ""
    Draft.objects.update(text="PVS1:as somebody typed it")
    assert words(Draft.objects.get(), "text") == "PVS1:as somebody typed it"


def test_words_that_are_redacted_are_redacted_in_sealed_drafts_too(asked: Ticket, bob: Agent) -> None:
    draft = write(asked, bob)
    row, pattern = drafts.add_file(draft, PLAN, limit=drafts.USUAL_LIMIT), pattern_of([SECRET])
    assert pattern is not None
    assert sweep_file(row, pattern)
    hide_around(asked, pattern)
    draft.refresh_from_db()
    assert SECRET not in words(draft, "html") + words(draft, "text") + words(draft, "subject")
    assert draft.html.startswith("PVS1:")
    (file,) = draft.files.all()
    assert is_sealed(store.get(str(file.blob_id)))
    (readable,) = drafts.contents([file])
    assert readable.content.startswith(b"Plan")
    assert SECRET.encode() not in readable.content

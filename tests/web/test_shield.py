"""What the ticket page shows of a mail that is signed or encrypted; and that what is inside lies nowhere readable."""

import html
import io
import logging
import zipfile
from collections.abc import Iterator

import pytest
import zstandard
from django.db import connection
from django.test import Client

from postvak.keys.reading import readable
from postvak.log.audit import By
from postvak.mail.parse import parse
from postvak.models import Agent, CryptoKey, Mailbox, MailSecurity, Message, Options, Queue, Rule, Ticket
from postvak.models.together import RemoteContent
from postvak.notify.automatic import write_due
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.privacy.redaction import Wish, redact_message
from postvak.tickets.search.files import read_files_due
from postvak.tickets.search.index import index_due
from tests.keys.people import SECRET, TEXT, House, with_header
from tests.process.arrivals import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("support", "channel")]
INSIDE_FILE = "Vlindernet"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>The <b>secret</b> word is Zwaluwstaart.</p>\r\n"


@pytest.fixture
def home(house_of_keys: House) -> House:
    house_of_keys.trusted()
    house_of_keys.own_key()
    Options.objects.update(checks_senders=False)
    return house_of_keys


def page_of(client: Client, ticket: Ticket) -> str:
    return html.unescape(client.get(f"/tickets/{ticket.number}/").content.decode())


def ticket_of(mailbox: Mailbox, raw: bytes) -> Ticket:
    (receipt,) = receive(mailbox, raw)
    assert receipt.ticket is not None
    return receipt.ticket


def everything_stored() -> Iterator[tuple[str, bytes]]:
    """(table, each value of each row of it); compressed bytes as they are without."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the names of our tables
            for row in cursor.fetchall():
                for value in row:
                    yield table, as_bytes(value)


def as_bytes(value: object) -> bytes:
    if not isinstance(value, bytes | memoryview):
        return str(value).encode()
    try:
        return zstandard.ZstdDecompressor().decompress(bytes(value))
    except zstandard.ZstdError:
        return bytes(value)


def work_all() -> None:
    """Everything that workers do when a mail has come."""
    for work in (follow_changes, write_due, index_due):
        while work("test:1:w"):
            pass
    while read_files_due():
        pass
    index_due("test:1:w")


@pytest.mark.parametrize("keeps", [False, True])
def test_the_secret_is_on_the_page_and_nowhere_else(
    client: Client,
    mailbox: Mailbox,
    home: House,
    bob: Agent,
    support: Queue,
    caplog: pytest.LogCaptureFixture,
    keeps: bool,
) -> None:
    """The same mail on a queue that keeps what was decrypted shows that the looking finds it."""
    caplog.set_level(logging.DEBUG)
    Queue.objects.update(keeps_decrypted=keeps)
    Rule.objects.update(is_on=True)
    ticket = ticket_of(mailbox, with_header(home.encrypted(home.signed())))
    ticket.followers.add(bob)
    work_all()
    client.force_login(bob)
    assert SECRET in page_of(client, ticket)
    places = {
        table for table, value in everything_stored() if SECRET.encode() in value or INSIDE_FILE.encode() in value
    }
    found = client.get("/search/", {"q": SECRET}).content.decode().count(ticket.number)
    listed = client.get("/list/open/").content.decode()
    assert bool(places) is keeps, places
    assert bool(found) is keeps
    assert (SECRET in listed) is keeps
    assert SECRET not in caplog.text


def test_the_line_says_who_signed_and_opens_the_details(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    ticket = ticket_of(mailbox, with_header(home.encrypted(home.signed())))
    client.force_login(bob)
    page = page_of(client, ticket)
    for words in ("Encrypted", "Signed by ann@customer.example", "Encrypted (S/MIME)", "AES-256-CBC", "Key of"):
        assert words in page
    assert "is not here" not in page


def test_a_signature_over_a_part_is_a_warning_and_not_a_seal(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    ticket = ticket_of(mailbox, with_header(home.signed(home.encrypted())))
    client.force_login(bob)
    page = page_of(client, ticket)
    assert "Only a part is signed" in page
    assert "Signed by ann@customer.example" not in page
    assert '<details class="shield" data-tone="warn">' in page


PICTURE = b'Content-Type: text/html\r\n\r\n<p>Hello</p><img src="https://cdn.shop.example/lamp.jpg" width="600">\r\n'


def test_pictures_of_other_servers_are_never_loaded_by_themselves_in_encrypted_mail(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    """What is encrypted without noticing changes doesn't load them at all."""
    RemoteContent.objects.create(agent=bob, email="ann@customer.example")
    plain = ticket_of(mailbox, with_header(home.signed(PICTURE), message_id="<1@x.example>"))
    sure = ticket_of(mailbox, with_header(home.encrypted(home.signed(PICTURE)), message_id="<2@x.example>"))
    unsure = ticket_of(mailbox, with_header(home.encrypted(PICTURE), message_id="<3@x.example>"))
    client.force_login(bob)

    def loads(ticket: Ticket, query: str = "") -> bool:
        page = client.get(f"/messages/{ticket.messages.get().pk}/body/{query}").content
        return b"cdn.shop.example/lamp.jpg" in page

    assert [loads(one) for one in (plain, sure, unsure)] == [True, False, False]
    assert [loads(one, "?remote=1") for one in (sure, unsure)] == [True, False]


@pytest.mark.parametrize("keeps", [False, True])
def test_no_page_that_shows_what_was_encrypted_is_kept_by_the_browser(
    client: Client, mailbox: Mailbox, home: House, bob: Agent, support: Queue, keeps: bool
) -> None:
    Queue.objects.update(keeps_decrypted=keeps)
    ticket = ticket_of(mailbox, with_header(home.encrypted(home.signed())))
    message = ticket.messages.get()
    client.force_login(bob)
    pages = [f"/tickets/{ticket.number}/", f"/tickets/{ticket.number}/print/", f"/messages/{message.pk}/files.zip"]
    pages += [f"/messages/{message.pk}/letter/?as=text", f"/messages/{message.pk}/body/"]
    part = parse(readable(message)).attachments[0].index
    pages += [f"/messages/{message.pk}/inside/{part}/{one}" for one in ("", "preview/")]
    pages += [f"/attachments/{one.pk}/" for one in message.attachments.all()]
    kept = [page for page in pages if "no-store" not in client.get(page).headers.get("Cache-Control", "")]
    assert kept == []
    other = ticket_of(mailbox, with_header(home.signed(), message_id="<2@x.example>"))
    assert "no-store" not in client.get(f"/tickets/{other.number}/").headers.get("Cache-Control", "")


def test_files_inside_are_listed_and_fetched_with_the_rights_of_the_message(
    client: Client, mailbox: Mailbox, home: House, bob: Agent, cas: Agent
) -> None:
    ticket = ticket_of(mailbox, with_header(home.encrypted(home.signed())))
    message = ticket.messages.get()
    part = parse(readable(message)).attachments[0].index
    address = f"/messages/{message.pk}/inside/{part}/"
    client.force_login(bob)
    page = page_of(client, ticket)
    assert "plan.txt" in page
    assert "smime.p7m" not in page
    assert address in page
    response = client.get(address)
    assert INSIDE_FILE.encode() in response.content
    assert "no-store" in response.headers["Cache-Control"]
    assert INSIDE_FILE in client.get(f"{address}preview/").content.decode()
    archive = b"".join(client.get(f"/messages/{message.pk}/files.zip").streaming_content)  # type: ignore[attr-defined]
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["plan.txt"]
    client.force_login(cas)
    assert client.get(address).status_code == 404
    assert client.get(f"{address}preview/").status_code == 404


def test_html_source_original_and_print_show_what_each_promises(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    raw = with_header(home.encrypted(HTML))
    ticket = ticket_of(mailbox, raw)
    message = ticket.messages.get()
    client.force_login(bob)
    assert f'src="/messages/{message.pk}/body/"' in page_of(client, ticket)
    assert SECRET in client.get(f"/messages/{message.pk}/body/").content.decode()
    assert SECRET in client.get(f"/messages/{message.pk}/letter/?as=text").content.decode()
    assert SECRET not in client.get(f"/messages/{message.pk}/letter/?as=source").content.decode()
    assert client.get(f"/messages/{message.pk}/original.eml").content == raw
    assert SECRET in client.get(f"/tickets/{ticket.number}/print/").content.decode()


def test_without_the_key_the_page_says_so_and_tries_again(
    client: Client, mailbox: Mailbox, house_of_keys: House, bob: Agent, admin: Agent
) -> None:
    ticket = ticket_of(mailbox, with_header(house_of_keys.encrypted()))
    message = ticket.messages.get()
    client.force_login(bob)
    page = page_of(client, ticket)
    assert "the key for it is not here" in page
    assert "/admin/keys/" not in page
    client.force_login(admin)
    assert "/admin/keys/" in page_of(client, ticket)
    answer = client.post(f"/messages/{message.pk}/opening/", follow=True).content.decode()
    assert "still can" in html.unescape(answer)
    house_of_keys.own_key()
    answer = client.post(f"/messages/{message.pk}/opening/", follow=True).content.decode()
    assert SECRET in answer


def test_a_protected_subject_is_shown_on_the_card_and_stored_sealed(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    inner = TEXT.replace(
        b"Content-Type: multipart/mixed;", b'Subject: About Parelmoer\r\nContent-Type: multipart/mixed; hp="cipher";', 1
    )
    ticket = ticket_of(mailbox, with_header(home.encrypted(inner), subject="..."))
    client.force_login(bob)
    assert ticket.subject == "..."
    assert "About Parelmoer" in page_of(client, ticket)
    assert not any(b"Parelmoer" in value for _table, value in everything_stored())


def test_only_what_is_unfolded_is_decrypted_and_only_once(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    entity = home.encrypted()
    ticket = ticket_of(mailbox, with_header(entity))
    again = [with_header(entity, message_id=f"<r{n}@x.example>", in_reply_to="<s1@customer.example>") for n in range(8)]
    receive(mailbox, *again)
    client.force_login(bob)
    page_of(client, ticket)  # decrypts those that are unfolded
    assert MailSecurity.objects.exclude(view=None).count() == 3
    CryptoKey.objects.all().delete()
    assert page_of(client, ticket).count(SECRET) == 3


def test_words_that_are_made_unreadable_are_gone_from_an_encrypted_mail_too(
    client: Client, mailbox: Mailbox, home: House, bob: Agent
) -> None:
    ticket = ticket_of(mailbox, with_header(home.encrypted(home.signed())))
    client.force_login(bob)
    page_of(client, ticket)
    assert redact_message(ticket.messages.get(), Wish(words=(SECRET,), reason="asked"), by=By())
    message = Message.objects.get(pk=ticket.messages.get().pk)
    text = parse(readable(message)).text
    assert SECRET not in text
    assert "secret word" in text
    assert SECRET not in page_of(client, ticket)
    assert not any(SECRET.encode() in value for _table, value in everything_stored())

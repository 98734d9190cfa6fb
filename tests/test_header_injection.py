"""No word of a stranger or an agent becomes a header: in the mails that go out by themselves, and in our answers by HTTP. For what agents
write see tests.send.test_headers_of_all_mails, for the one place that writes mails tests.mail.test_compose."""

import base64
import re

import pytest
from django.http import HttpResponse
from django.test import Client

from postvak.api.messages import download as api_download
from postvak.blobs import store
from postvak.models import Agent, Channel, Customer, Mailbox, OutgoingMail, Queue, Ticket
from postvak.notify.automatic import write_due
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer, answer
from postvak.web.desk.downloads import download

EVIL = "x\r\nBcc: eve@evil.example\r\nX-Evil: 1\r\n\r\nPay."
BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0\r\n"]
OUR_HEADERS = {
    "auto-submitted", "cc", "content-transfer-encoding", "content-type", "date", "feedback-id", "from", "in-reply-to",
    "list-id", "list-unsubscribe", "message-id", "mime-version", "precedence", "references", "reply-to", "subject", "to",
    "x-auto-response-suppress", "x-postvak-loop",
}  # fmt: skip


def word(text: str) -> str:
    """An encoded word that holds line breaks (RFC 2047 forbids it, mails have it)."""
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


HOSTILE = {
    "subject": {"Subject": word(EVIL)},
    "subject by quoted-printable": {"Subject": "=?utf-8?Q?x=0D=0ABcc:_eve=40evil.example=0D=0A=0D=0APay?="},
    "name": {"From": f"{word(EVIL)} <ann@customer.example>"},
    "quoted name": {"From": '"x\\\r\n\tBcc: eve@evil.example" <ann@customer.example>'},
    "address": {"From": '"ann\r\n Bcc: eve"@customer.example'},
    "reply to": {"Reply-To": f"{word(EVIL)} <ann@customer.example>, {word('<eve@evil.example>')}"},
    "message id": {"Message-ID": "<m1\tBcc: eve@evil.example>"},
    "message id in words": {"Message-ID": word("<m1@x.example>\r\nBcc: eve@evil.example")},
    "references": {"References": f"<a@b.example> {word(EVIL)} <c\td@e.example>"},
    "to": {"To": f"{word(EVIL)} <support@example.org>"},
    "charset": {"Content-Type": 'text/plain; charset="utf-8\r\n\tBcc: eve@evil.example"'},
    "language": {"Content-Language": "nl\r\n\tBcc: eve@evil.example", "Accept-Language": "de\x0bBcc: x"},
    "all breaks": {"Subject": " ".join(word(f"x{sign}Bcc: eve@evil.example") for sign in BREAKS)},
}


def mail(headers: dict[str, str]) -> bytes:
    usual = {
        "From": "Ann <ann@customer.example>",
        "To": "support@example.org",
        "Subject": "Lamp",
        "Message-ID": "<m1@customer.example>",
    }
    lines = [f"{name}: {value}" for name, value in (usual | headers).items()]
    return "\r\n".join([*lines, "", "Hello, my lamp flickers.", ""]).encode("utf-8", "replace")


def names_in(raw: bytes) -> set[str]:
    head = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    assert "\n" not in head.replace("\r\n", "")
    assert "\r" not in head.replace("\r\n", "")
    return {line.partition(":")[0].lower() for line in head.split("\r\n") if line[0] not in " \t"}


@pytest.mark.django_db
@pytest.mark.parametrize("where", HOSTILE)
def test_what_answers_a_hostile_mail_has_our_headers_only(
    where: str, mailbox: Mailbox, support: Queue, channel: Channel, bob: Agent
) -> None:
    """The automatic confirmation, and an agent's answer that quotes it."""
    accept(mailbox, [Arrived(f"evil/{where}", mail(HOSTILE[where]))])
    while process_due("test:1:x") or write_due("test:1:x"):
        pass
    ticket = Ticket.objects.get()
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    outgoing = list(OutgoingMail.objects.all())
    assert outgoing
    for row in outgoing:
        raw = store.get(str(row.message.blob_id if row.message else row.blob_id))
        assert names_in(raw) <= OUR_HEADERS, where
        assert {one.recipient for one in row.deliveries.all()} <= {"ann@customer.example"}
    for text in (ticket.subject, *Customer.objects.values_list("name", flat=True)):
        assert not re.search(r"[\r\n\0]", text)


@pytest.mark.parametrize("sign", [*BREAKS, '"', "\\", ";", "\u202e", "\ud800", "=?utf-8?B?eA==?="])
def test_no_name_of_a_file_writes_a_header_of_http(sign: str) -> None:
    for response in (made(f"a{sign}Set-Cookie: x=1{sign}.pdf"), made(sign)):
        written = response.headers["Content-Disposition"]
        assert written.startswith("attachment; filename*=UTF-8''")
        assert written.isascii()
        assert written.isprintable()
        assert not set('"\\;\r\n') & set(written.removeprefix("attachment;"))


def made(name: str) -> HttpResponse:
    ours, for_programs = download(b"x", name, "text/html"), api_download(b"x", name, "application/octet-stream")
    assert ours.headers["Content-Disposition"] == for_programs.headers["Content-Disposition"]
    assert ours.headers["Content-Type"] == "application/octet-stream"
    return ours


@pytest.mark.django_db
@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "%0d%0a", "\u560d\u560a"])
def test_no_word_of_an_address_writes_a_header_of_http(client: Client, bob: Agent, sign: str) -> None:
    wanted = f"/held/{sign}Set-Cookie: evil=1"
    facts = {"email": "bob@example.org", "password": "correct horse battery", "next": wanted}
    answers = [
        client.post("/login/", facts),
        client.get("/language/de/", {"next": wanted}),
        client.get(f"/tickets/{sign}x/"),
    ]
    for one in answers:
        assert "evil" not in one.cookies
        assert all("\r" not in value and "\n" not in value for value in one.headers.values())

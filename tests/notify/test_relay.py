"""An agent answers by mail: his words go to the customer as the desk's answer, and nothing else of his mail does."""

import base64
from email.message import EmailMessage

import pytest
from django.conf import settings

from postvak.mail.threading import read_token
from postvak.models import Agent, Brand, Ticket
from postvak.notify.automatic import write_due
from postvak.send.outbox import raw_mail
from tests.mails import mail
from tests.notify.conftest import WORKER, Written
from tests.notify.desk import ANN, Desk, sign

pytestmark = pytest.mark.django_db
PRIVATE = "bob.private@home.example"
PICTURE = base64.b64encode(b"\x89PNG picture").decode()

REPLY = mail(
    sender=f"Bobby <{PRIVATE}>",
    message_id="bobs@home.example",
    in_reply_to="<note-17@home.example>",
    text=f"Please press the switch.\r\n\r\nOn Saturday, Ann wrote to {PRIVATE}:\r\n> Hello, my lamp flickers.\r\n> SECRET-HISTORY\r\n",
)


def with_parts(html: str, *parts: str) -> bytes:
    """Bob's mail with HTML and further MIME parts (header lines and body each)."""
    head = f'From: Bobby <{PRIVATE}>\nMessage-ID: <bobs@home.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"'
    first = f"Content-Type: text/html; charset=utf-8\n\n{html}"
    return ("\n\n--b\n".join([head, first, *parts]) + "\n--b--\n").replace("\n", "\r\n").encode()


def part(content_type: str, name: str, *, cid: str = "") -> str:
    identity = f"Content-ID: <{cid}>\nContent-Disposition: inline" if cid else "Content-Disposition: attachment"
    return f"Content-Type: {content_type}\n{identity}; filename={name}\nContent-Transfer-Encoding: base64\n\n{PICTURE}"


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_the_agents_words_become_the_desks_answer(desk: Desk, bob: Agent, written: Written) -> None:
    sign(Brand.objects.get(), "{{ agent.name }}\nExample Ltd")
    row = desk.relay(bob, REPLY)
    message = written(row)
    assert (message["From"], message["To"]) == ("Example Support <support@example.org>", f"Ann Archer <{ANN}>")
    assert message["Subject"] == f"Re: The lamp flickers [#{desk.ticket.number}]"
    assert text_of(message).startswith("Please press the switch.\n\n-- \nBob Baker\nExample Ltd\n\nOn ")
    assert "> Hello, my lamp flickers." in text_of(message)
    assert (message["In-Reply-To"], message["References"]) == ("<m1@customer.example>", "<m1@customer.example>")
    assert read_token(message["Message-ID"], key=settings.SECRET_KEY.encode()) == desk.ticket.pk
    assert row.message.outgoing.envelope_from == "support@example.org"


def test_nothing_private_of_the_agents_mail_goes_out(desk: Desk, bob: Agent, written: Written) -> None:
    row = desk.relay(bob, REPLY)
    written(row)
    raw = raw_mail(row.message.outgoing)
    for private in (b"home.example", b"Bobby", b"SECRET-HISTORY", b"bob@example.org"):
        assert private not in raw


def test_a_person_wrote_it_so_it_bears_no_mark_of_a_machine(desk: Desk, bob: Agent, written: Written) -> None:
    message = written(desk.relay(bob, REPLY))
    marks = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-Postvak-Loop")
    assert [message[name] for name in marks] == [None] * 4


def test_a_relay_is_the_agents_answer_on_the_ticket(desk: Desk, bob: Agent, written: Written) -> None:
    row = desk.relay(bob, REPLY)
    written(row)
    message = row.message
    assert (message.author_kind, message.agent, message.author_name) == ("agent", bob, "Bob Baker")
    assert message.text == "Please press the switch."
    ticket = Ticket.objects.get(pk=desk.ticket.pk)
    assert (ticket.waiting_since, ticket.is_unread, ticket.preview) == (None, False, "Please press the switch.")
    assert ticket.answer == Ticket.Answer.WAITING
    (line,) = ticket.history.all()
    assert (line.code, line.agent, line.parameters) == ("relay_written", bob, {"to": ANN})


def test_the_pipelines_text_is_sent_instead_of_the_whole_mail(desk: Desk, bob: Agent, written: Written) -> None:
    row = desk.relay(bob, REPLY.replace(b"Please", b"#close\r\nPlease"), text="Please press the switch.")
    assert "#close" not in text_of(written(row))


@pytest.mark.parametrize("commands", ["#close", "#close\r\n #Assign me", "#tag lamps\r\n"])
def test_commands_at_the_top_are_not_for_the_customer(desk: Desk, bob: Agent, written: Written, commands: str) -> None:
    row = desk.relay(bob, REPLY.replace(b"Please", f"{commands}\r\nPlease".encode()))
    assert text_of(written(row)).startswith("Please press the switch.\n")


def test_a_mail_of_commands_only_sends_nothing(desk: Desk, bob: Agent) -> None:
    row = desk.relay(bob, REPLY.replace(b"Please press the switch.", b"#close"))
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("skipped", "nothing_to_relay")


def test_a_number_sign_in_his_own_words_stays(desk: Desk, bob: Agent, written: Written) -> None:
    row = desk.relay(bob, REPLY.replace(b"Please", b"#1 is the switch.\r\nPlease"))
    assert text_of(written(row)).startswith("#1 is the switch.\nPlease press")


def test_his_files_go_along_but_not_his_signatures(desk: Desk, bob: Agent, written: Written) -> None:
    raw = with_parts(
        "<p>See the plan.</p>",
        part("application/pdf", "plan.pdf"),
        part("application/pkcs7-signature", "smime.p7s"),
        part("application/pgp-keys", "key.asc"),
    )
    row = desk.relay(bob, raw)
    (file,) = written(row).iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("plan.pdf", b"\x89PNG picture")
    assert [one.name for one in row.message.attachments.all()] == ["plan.pdf"]


def test_a_picture_pasted_into_his_own_words_goes_along_and_a_quoted_one_stays(
    desk: Desk, bob: Agent, written: Written
) -> None:
    raw = with_parts(
        '<p>Press here: <img src="cid:mine@x"></p><blockquote type="cite"><p>Hello <img src="cid:hers@x"></p></blockquote>',
        part("image/png", "mine.png", cid="mine@x"),
        part("image/png", "hers.png", cid="hers@x"),
    )
    assert [file.get_filename() for file in written(desk.relay(bob, raw)).iter_attachments()] == ["mine.png"]


def test_an_internal_mail_is_never_quoted_to_the_customer(desk: Desk, bob: Agent, written: Written) -> None:
    desk.receive(mail(message_id="secret@partner.example", text="SECRET price"), is_internal=True)
    message = written(desk.relay(bob, REPLY))
    assert "SECRET" not in text_of(message)
    assert "secret@partner.example" not in message.as_string()


def test_an_empty_answer_is_not_sent_and_the_ticket_says_why(desk: Desk, bob: Agent) -> None:
    row = desk.relay(bob, mail(sender=PRIVATE, message_id="bobs@home.example", text="> Hello, my lamp flickers.\r\n"))
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.reason, row.message) == ("skipped", "nothing_to_relay", None)
    (line,) = desk.ticket.history.all()
    assert (line.code, line.agent) == ("nothing_to_relay", bob)


def test_an_answer_is_no_automatic_mail_so_no_limit_counts_it(desk: Desk, bob: Agent) -> None:
    for number in range(7):
        desk.relay(bob, REPLY.replace(b"bobs@", b"%d@" % number))
    assert write_due(WORKER) == 7
    assert desk.ticket.automatic_mails.filter(state="written").count() == 7

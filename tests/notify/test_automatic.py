"""Rejections and forwards: what they carry, where they show, and when they stay at home."""

import email
import email.policy
from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.conf import settings
from django.utils import translation

from postvak.blobs import store
from postvak.mail.parse import attachment_content, parse
from postvak.mail.threading import read_token
from postvak.mail.values import Kind as MailKind
from postvak.models import (
    Agent,
    AutomaticMail,
    Brand,
    Channel,
    Delivery,
    LoopBreak,
    Mailbox,
    Options,
    Queue,
    Status,
    Ticket,
)
from postvak.notify import letters
from postvak.notify.automatic import write_due
from postvak.send.deliver import send_due
from postvak.send.outbox import raw_mail
from postvak.tickets.answer import Answer, answer
from tests.clock import Clock
from tests.mails import mail
from tests.notify.conftest import WORKER, Written
from tests.notify.desk import ANN, Desk, sign
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db
LIA = "lia@accounting.example"


def history(desk: Desk) -> list[tuple[str, str]]:
    return [(row.code, str(row.parameters.get("to", ""))) for row in desk.ticket.history.all()]


def skipped(row: AutomaticMail) -> str:
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.message) == ("skipped", None)
    return str(row.reason)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


# -- rejections --------------------------------------------------------------------------


def test_a_rejection_tells_the_sender_politely_in_the_thread_of_his_mail(closed_desk: Desk, written: Written) -> None:
    earlier = mail(message_id="m0@customer.example", subject="Another thing")
    closed_desk.receive(earlier)
    message = written(closed_desk.plan("rejection"))
    assert message["From"] == "Example Support <support@example.org>"
    assert message["To"] == f"Ann Archer <{ANN}>"
    assert message["Subject"] == f"Re: The lamp flickers [#{closed_desk.ticket.number}]"
    assert (message["In-Reply-To"], message["References"]) == ("<m1@customer.example>", "<m1@customer.example>")
    assert read_token(message["Message-ID"], key=settings.SECRET_KEY.encode()) == closed_desk.ticket.pk
    assert "thank you for your mail “The lamp flickers”" in text_of(message)
    assert f"The request {closed_desk.ticket.number} that it belongs to is closed" in text_of(message)
    assert "write a new mail to support@example.org" in text_of(message)
    assert "my lamp flickers." not in text_of(message)


def test_an_automatic_mail_bears_every_mark_that_keeps_machines_silent(closed_desk: Desk, written: Written) -> None:
    row = closed_desk.plan("rejection")
    message = written(row)
    marks = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-Postvak-Loop")
    assert [message[name] for name in marks] == ["auto-replied", "bulk", "All", "support@example.org"]
    assert row.message.outgoing.envelope_from == ""
    assert parse(raw_mail(row.message.outgoing)).kind is MailKind.LOOP


def test_a_rejection_goes_out_with_an_empty_return_path(
    desk: Desk, channel: Channel, smtp_server: SmtpServer, written: Written
) -> None:
    Channel.objects.filter(pk=channel.pk).update(
        kind="smtp", host="localhost", port=smtp_server.port, ca_pem=smtp_server.ca_pem
    )
    row = desk.plan("rejection")
    written(row)
    send_due(WORKER)
    (sent,) = smtp_server.mails
    assert (sent.envelope_from, sent.recipients) == ("", (ANN,))
    assert row.message.outgoing.deliveries.get().state == Delivery.State.ACCEPTED


@pytest.mark.parametrize("language", ["nl", "de", "en"])
def test_an_automatic_mail_speaks_the_language_of_its_brand(
    desk: Desk, written: Written, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_which_language(*args: object) -> letters.Letter:
        spoken.append(translation.get_language())
        return letters.rejection(*args)  # type: ignore[arg-type]

    spoken: list[str | None] = []
    monkeypatch.setattr(letters, "WRITERS", {**letters.WRITERS, AutomaticMail.Kind.REJECTION: in_which_language})
    Brand.objects.update(language=language)
    with translation.override("en" if language == "nl" else "nl"):  # the worker's own doesn't matter
        written(desk.plan("rejection"))
    assert spoken == [language]


def test_a_mail_that_a_filter_rejected_at_once_is_not_told_of_an_earlier_request(
    closed_desk: Desk, written: Written
) -> None:
    """Its ticket is closed, too, but the mail is all that is on it."""
    assert "is closed" not in text_of(written(closed_desk.plan("rejection")))


def test_own_words_replace_the_usual_ones(desk: Desk, written: Written) -> None:
    row = desk.plan("rejection", text="We only repair lamps.\n")
    assert text_of(written(row)) == "We only repair lamps.\n"
    assert row.message.text == "We only repair lamps."


def test_the_signature_stands_there_without_the_line_of_an_agent(desk: Desk, written: Written) -> None:
    sign(Brand.objects.get(), "Kind regards\n{{ agent.name }}\nExample Ltd")
    message = written(desk.plan("rejection", text="No."))
    assert text_of(message) == "No.\n\n-- \nKind regards\nExample Ltd\n"


def test_hook_and_place_of_the_number_are_those_of_the_options(desk: Desk, written: Written) -> None:
    Options.objects.update(hook="Ticket#", subject_place="left")
    assert written(desk.plan("rejection"))["Subject"].startswith(f"[Ticket#{desk.ticket.number}]")
    forwarded = written(desk.plan("forward", LIA))["Subject"]
    assert forwarded == f"[Ticket#{desk.ticket.number}] Fwd: The lamp flickers"


def test_a_rejection_shows_on_the_ticket_and_is_no_answer(closed_desk: Desk, written: Written) -> None:
    ticket = closed_desk.ticket
    row = closed_desk.plan("rejection")
    written(row)
    message = row.message
    assert (message.ticket, message.kind, message.author_kind, message.agent) == (ticket, "outgoing", "system", None)
    assert (message.author_name, message.author_email) == ("Example Support", "support@example.org")
    assert message.to == [["Ann Archer", ANN]]
    assert history(closed_desk) == [("rejection_written", ANN)]
    waiting, preview = ticket.waiting_since, ticket.preview
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.message_count, ticket.answer) == ("closed", 2, "")
    assert (ticket.waiting_since, ticket.preview, ticket.is_unread) == (waiting, preview, True)


# -- forwards ----------------------------------------------------------------------------

BROKEN = b"\r\n".join([
    b"Received: from a by b;", b"\tSat, 21 Nov 2026", b"From: =?utf-8?q?Ann?= <ann@customer.example>", b"X-Odd :  two  blanks ",
    b"Subject: caf\xe9 \xff", b"Message-ID: <odd@customer.example>",
    b'Content-Type: multipart/signed; boundary="b"; protocol="application/pkcs7-signature"', b"", b"preamble",
    b"--b", b"Content-Type: text/plain", b"", b"From here on it is odd.  ", b".", b"caf\xe9", b"--b",
    b"Content-Type: application/pkcs7-signature; name=smime.p7s", b"Content-Transfer-Encoding: base64", b"", b"MIIB", b"--b--", b"after",
])  # fmt: skip


def test_a_forward_carries_the_original_byte_by_byte(desk: Desk, written: Written) -> None:
    row = desk.plan("forward", LIA, raw=BROKEN)
    message = written(row)
    raw = raw_mail(row.message.outgoing)
    assert raw.count(b"\r\n\r\n" + BROKEN + b"\r\n--") == 1
    (attached,) = parse(raw).attachments
    assert (attached.content_type, attached.name) == ("message/rfc822", "original.eml")
    assert attachment_content(raw, attached.index)[1] == BROKEN
    assert message["Content-Transfer-Encoding"] == "8bit"
    listed = row.message.attachments.get()
    assert (listed.name, listed.size) == ("original.eml", len(BROKEN))
    assert Ticket.objects.get(pk=desk.ticket.pk).attachment_count == 1


@pytest.mark.parametrize(
    "raw",
    [b"From: a@b.example\r\n\r\n" + b"x" * 999, b"From: a@b.example\r\n\r\na\x00b", b"\r\nFrom: a@b.example\r\n\r\n."],
)
def test_an_original_that_no_mail_may_contain_goes_as_a_file(desk: Desk, written: Written, raw: bytes) -> None:
    row = desk.plan("forward", LIA)
    store.save(store.prepare([raw]))
    type(row.trigger).objects.filter(pk=row.trigger.pk).update(blob=store.prepare([raw])[0].digest)
    (part,) = written(row).iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("application/octet-stream", "original.eml")
    assert part.get_content() == raw


def test_a_forward_says_what_it_is_and_where_answers_go(desk: Desk, written: Written) -> None:
    row = desk.plan("forward", LIA)
    message = written(row)
    assert message["Subject"] == f"Fwd: The lamp flickers [#{desk.ticket.number}]"
    assert (message["To"], message["Auto-Submitted"]) == (LIA, "auto-generated")
    assert (message["In-Reply-To"], message["X-Auto-Response-Suppress"]) == ("<m1@customer.example>", "All")
    assert f"“The lamp flickers” from {ANN} is forwarded to you automatically" in text_of(message)
    assert f"number {desk.ticket.number}" in text_of(message)
    assert row.message.outgoing.envelope_from == "support@example.org"
    assert history(desk) == [("forward_written", LIA)]


# -- what must not go out ----------------------------------------------------------------


def test_what_must_not_go_out_is_skipped_with_its_reason_on_the_ticket(desk: Desk) -> None:
    row = desk.plan("rejection", raw=mail(message_id="m2@x.example", auto_submitted="auto-replied"))
    assert skipped(row) == "refused_automatic"
    assert row.parameters == {"to": ANN}
    assert history(desk) == [("refused_automatic", ANN)]
    assert Ticket.objects.get(pk=desk.ticket.pk).message_count == 1


def test_no_mail_goes_to_an_address_of_ours_not_even_an_invalid_or_a_forwarding_one(desk: Desk, sales: Queue) -> None:
    sales.addresses.update(is_valid=False)
    Mailbox.objects.create(name="Fwd", kind="forward", forward_addresses="In@fwd.example.org")
    assert skipped(desk.plan("forward", "Sales@Example.org")) == "refused_own_address"
    assert skipped(desk.plan("forward", "in@fwd.example.org")) == "refused_own_address"


def test_one_forbidden_recipient_does_not_stop_the_others(desk: Desk, written: Written) -> None:
    row = desk.plan("forward", "sales+x@example.org", "noreply@shop.example", LIA, LIA.upper())
    desk.ticket.queue.addresses.create(email="sales@example.org", queue=desk.ticket.queue)
    written(row)
    assert [one.recipient.lower() for one in row.message.outgoing.deliveries.all()] == [LIA]
    codes = [code for code, _to in history(desk)]
    assert sorted(codes) == ["forward_written", "refused_machine_address", "refused_own_address"]


def test_the_sixth_rejection_within_an_hour_is_not_sent(desk: Desk, clock: Clock) -> None:
    Options.objects.update(automatic_per_pair=9)
    rows = [desk.plan("rejection") for _ in range(6)]
    other = desk.plan("rejection", "bea@customer.example")
    write_due(WORKER)
    states = [AutomaticMail.objects.get(pk=row.pk).state for row in (*rows, other)]
    assert states == ["written"] * 5 + ["skipped", "written"]
    last = AutomaticMail.objects.get(pk=rows[5].pk)
    assert (last.reason, last.parameters) == ("refused_limit", {"to": ANN, "count": 5})
    assert LoopBreak.objects.get().code == "refused_limit"
    clock.advance(minutes=61)
    again = desk.plan("rejection", ANN.upper(), raw=mail(message_id="later@customer.example"))
    write_due(WORKER)
    again.refresh_from_db()
    assert (again.state, again.reason) == ("skipped", "refused_broken")  # until a person closes it, or a day is quiet
    clock.advance(hours=25)
    later = desk.plan("rejection", raw=mail(message_id="days.later@customer.example"), created_at=clock.now)
    write_due(WORKER)
    later.refresh_from_db()
    assert later.state == "written"


def test_a_busy_hour_slows_forwards_down_and_the_loop_breaker_counts_what_it_stopped(desk: Desk, clock: Clock) -> None:
    for number in range(61):
        desk.plan("forward", LIA, raw=mail(message_id=f"order{number}@shop.example", sender="orders@shop.example"))
    while write_due(WORKER):
        pass
    states = list(AutomaticMail.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["written"] * 60 + ["skipped"]
    found = LoopBreak.objects.get()
    assert (found.theirs, found.code, found.stopped) == (LIA, "refused_limit", 1)
    clock.advance(minutes=61)
    row = desk.plan("forward", LIA, raw=mail(message_id="next@shop.example", sender="orders@shop.example"))
    write_due(WORKER)
    row.refresh_from_db()
    assert row.state == "written"


def test_a_rejection_that_waited_for_longer_than_a_day_is_not_sent_any_more(desk: Desk, clock: Clock) -> None:
    row = desk.plan("rejection")
    clock.advance(hours=25)
    assert skipped(row) == "refused_old"


def test_a_row_without_recipients_is_skipped(desk: Desk) -> None:
    assert skipped(desk.plan("rejection", recipients=[])) == "no_recipient"


# -- on the ticket -----------------------------------------------------------------------


def test_an_automatic_mail_does_not_hide_that_an_answer_failed(
    desk: Desk, bob: Agent, channel: Channel, smtp_server: SmtpServer, written: Written
) -> None:
    Channel.objects.filter(pk=channel.pk).update(
        kind="smtp", host="localhost", port=smtp_server.port, ca_pem=smtp_server.ca_pem
    )
    smtp_server.behaviour = Behaviour(data="554 5.7.1 spam")
    answer(desk.ticket, Answer(to=(ANN,), text="Press the switch."), by=bob)
    send_due(WORKER)
    smtp_server.behaviour = Behaviour()
    written(desk.plan("forward", LIA))
    send_due(WORKER)
    assert Ticket.objects.get(pk=desk.ticket.pk).answer == Ticket.Answer.FAILED


@pytest.mark.parametrize(("kind", "status"), [("rejection", "closed"), ("forward", "open")])
def test_a_failed_forward_opens_the_ticket_and_a_failed_rejection_does_not(
    closed_desk: Desk, channel: Channel, smtp_server: SmtpServer, written: Written, kind: str, status: str
) -> None:
    Channel.objects.filter(pk=channel.pk).update(
        kind="smtp", host="localhost", port=smtp_server.port, ca_pem=smtp_server.ca_pem
    )
    smtp_server.behaviour = Behaviour(data="550 5.1.1 unknown")
    written(closed_desk.plan(kind, LIA))
    send_due(WORKER)
    ticket = Ticket.objects.get(pk=closed_desk.ticket.pk)
    assert ticket.status == Status.objects.get(key=status)
    assert ticket.history.filter(code="delivery_failed").count() == 1


def test_an_answer_quotes_the_customer_and_not_our_automatic_mail(desk: Desk, bob: Agent, written: Written) -> None:
    written(desk.plan("rejection"))
    message = answer(desk.ticket, Answer(to=(ANN,), text="After all, we can."), by=bob)
    sent = email.message_from_bytes(raw_mail(message.outgoing), policy=email.policy.default)
    assert sent["In-Reply-To"] == "<m1@customer.example>"


def test_rows_that_are_not_due_wait(desk: Desk, clock: Clock) -> None:
    row = desk.plan("rejection", next_attempt_at=clock.now + timedelta(minutes=1))
    assert write_due(WORKER) == 0
    clock.advance(minutes=1)
    assert write_due(WORKER) == 1
    row.refresh_from_db()
    assert row.state == "written"

"""Delivery reports of many servers: to whom the mail did not go, why, and which of our mails it was."""

from __future__ import annotations

import json
import time

import pytest

from postvak.mail.bounces import is_hard, read_reports
from postvak.mail.bounces_words import best_status, classify
from postvak.mail.tree import build
from postvak.mail.values import DeliveryReport, Failure

HEAD = b"From: Mail Delivery System <mailer-daemon@relay.example>\nTo: desk@shop.example\nSubject: Delivery failed\n"
COPY = b"Message-ID: <pv.1.a@shop.example>\nFrom: desk@shop.example\nTo: ann@home.example\nSubject: Re: Lamp\n\nHello\n"


def _plain(text: str) -> bytes:
    return HEAD + b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode()


def _report(fields: bytes, prose: bytes = b"Sorry.", returned: bytes = COPY) -> bytes:
    return (
        HEAD
        + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\n'
        + prose
        + b"\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
        + fields
        + b"\n--b\nContent-Type: message/rfc822\n\n"
        + returned
        + b"\n--b--\n"
    )


def _read(raw: bytes) -> tuple[DeliveryReport, ...]:
    return read_reports(build(raw))


def _recipients(raw: bytes) -> list[str]:
    return [report.recipient for report in _read(raw)]


# Prose of the families of servers: (name, text, recipients, status, sort).
PROSE = (
    (
        "postfix",
        "I'm sorry to have to inform you that your message could not be delivered.\n\n"
        "<ann@home.example>: host mx.home.example[192.0.2.1] said: 550 5.1.1\n    <ann@home.example>: User unknown "
        "(in reply to RCPT TO command)\n",
        ["ann@home.example"],
        "5.1.1",
        Failure.HARD,
    ),
    (
        "exim",
        "A message that you sent could not be delivered to one or more of its recipients.\nThe following address(es) "
        "failed:\n\n  ann@home.example\n    host mx.home.example [192.0.2.1]\n    SMTP error from remote mail server "
        "after RCPT TO:<ann@home.example>:\n    552 5.2.2 Mailbox full\n",
        ["ann@home.example"],
        "5.2.2",
        Failure.FULL,
    ),
    (
        "sendmail",
        "   ----- The following addresses had permanent fatal errors -----\n<ann@home.example>\n<cas@home.example>\n\n"
        "   ----- Transcript of session follows -----\n550 5.1.2 <ann@home.example>... Host unknown\n",
        ["ann@home.example", "cas@home.example"],
        "5.1.2",
        Failure.HARD,
    ),
    (
        "old sendmail",
        "   ----- Transcript of session follows -----\nWhile talking to mx.home.example:\n>>> RCPT To:<ann@home.example>\n"
        "<<< 550 <ann@home.example>... User unknown\n554 <ann@home.example>... User unknown\n",
        ["ann@home.example"],
        "5.0.0",
        Failure.HARD,
    ),
    (
        "qmail",
        "Hi. This is the qmail-send program at relay.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<ann@home.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 554 5.7.1 Service unavailable; "
        "Client host [192.0.2.9] blocked using dnsbl.example\nGiving up on 192.0.2.1.\n",
        ["ann@home.example"],
        "5.7.1",
        Failure.BLOCKED,
    ),
    (
        "exchange",
        "Your message\n\n  To:      desk@shop.example\n  Subject: Lamp\n\ndid not reach the following recipient(s):\n\n"
        "ann@home.example on Mon, 3 Mar 2025 10:00:00 +0100\n    The recipient name is not recognized\n",
        ["ann@home.example"],
        "5.0.0",
        Failure.HARD,
    ),
    (
        "courier",
        "UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<ann@home.example>:\n"
        "     mx.home.example [192.0.2.1]:\n>>> RCPT TO:<ann@home.example>\n<<< 550 5.7.26 Unauthenticated mail: "
        "SPF and DKIM did not pass\n",
        ["ann@home.example"],
        "5.7.26",
        Failure.POLICY,
    ),
    (
        "imail",
        "Unknown user: ann@home.example\n\n\nOriginal message follows.\n\n",
        ["ann@home.example"],
        "5.0.0",
        Failure.HARD,
    ),
    (
        "dutch",
        "Uw bericht kon niet worden bezorgd aan ann@home.example.\nReden: het postvak van de ontvanger is vol.\n",
        ["ann@home.example"],
        "5.0.0",
        Failure.FULL,
    ),
    (
        "german",
        "Die folgende Nachricht konnte nicht zugestellt werden.\n\nEmpfänger: ann@home.example\nGrund: Empfänger unbekannt\n",
        ["ann@home.example"],
        "5.0.0",
        Failure.HARD,
    ),
    (
        "japanese",
        "送信先のメールボックスが一杯のため、送信できませんでした。\n\n  宛先: ann@home.example\n",
        ["ann@home.example"],
        "5.0.0",
        Failure.FULL,
    ),
)


@pytest.mark.parametrize(("name", "text", "recipients", "status", "sort"), PROSE, ids=[row[0] for row in PROSE])
def test_prose_of_a_server_names_recipient_code_and_sort(
    name: str, text: str, recipients: list[str], status: str, sort: Failure
) -> None:
    copy = "\n--- Below this line is a copy of the message.\n\n" + COPY.decode()
    found = _read(_plain(text + copy))
    assert [report.recipient for report in found] == recipients
    assert (found[0].action, found[0].status, found[0].failure) == ("failed", status, sort)
    assert found[0].original_message_id == "pv.1.a@shop.example"


def test_a_prose_that_names_nobody_is_about_the_only_recipient_of_the_returned_mail() -> None:
    assert _recipients(
        _plain("Your message was not delivered: user unknown.\n\n--- Original message ---\n" + COPY.decode())
    ) == ["ann@home.example"]


def test_a_report_without_any_address_still_tells_which_mail_it_is_about() -> None:
    found = _read(HEAD + b"In-Reply-To: <pv.9.z@shop.example>\n\nYour message was not delivered.\n")
    assert [(one.recipient, one.original_message_id) for one in found] == [("", "pv.9.z@shop.example")]


def test_our_own_address_in_the_prose_is_not_taken_for_the_recipient() -> None:
    text = "Your mail from <desk@shop.example>\nwas rejected.\n\n550 no such user <ann@home.example>\n"
    assert _recipients(_plain(text)) == ["ann@home.example"]


def test_two_recipients_without_a_blank_line_between_them_are_two() -> None:
    fields = (
        b"Final-Recipient: rfc822; ann@home.example\nAction: failed\nStatus: 5.1.1\n"
        b"Final-Recipient: rfc822; cas@home.example\nAction: failed\nStatus: 5.2.2\n"
    )
    found = _read(_report(fields))
    assert [(one.recipient, one.status, one.failure) for one in found] == [
        ("ann@home.example", "5.1.1", Failure.HARD),
        ("cas@home.example", "5.2.2", Failure.FULL),
    ]
    assert is_hard(found)


def test_the_code_of_the_remote_server_is_more_exact_than_a_general_one() -> None:
    fields = (
        b"Final-Recipient: rfc822; ann@home.example\nAction: failed\nStatus: 5.0.0\n"
        b"Diagnostic-Code: smtp; 550 5.7.1 Message rejected as spam\n"
    )
    (report,) = _read(_report(fields))
    assert (report.status, report.failure) == ("5.7.1", Failure.BLOCKED)
    assert report.diagnostic == "550 5.7.1 Message rejected as spam"


def test_the_words_come_from_the_prose_where_the_fields_have_none() -> None:
    fields = b"Final-Recipient: rfc822; ann@home.example\nAction: failed\nStatus: 5.0.0\n"
    (report,) = _read(_report(fields, prose=b"ann@home.example: 552 5.2.2 over quota"))
    assert (report.status, report.failure) == ("5.2.2", Failure.FULL)


def test_fields_whose_boundary_was_lost_are_read_out_of_the_text() -> None:
    text = "Sorry.\n\nReporting-MTA: dns; relay.example\n\nFinal-Recipient: rfc822; <ann@home.example>\nAction: failed\nStatus: 5.1.1\n"
    (report,) = _read(_plain(text))
    assert (report.recipient, report.status) == ("ann@home.example", "5.1.1")


def test_a_report_wrapped_into_the_report_of_a_gateway_is_read() -> None:
    inner = _report(b"Final-Recipient: rfc822; ann@home.example\nAction: failed\nStatus: 5.1.1\n").replace(
        b'"b"', b'"c"'
    )
    inner = inner.replace(b"--b", b"--c")
    raw = (
        HEAD
        + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nThere was a problem.\n--b\nContent-Type: message/rfc822\n\n'
        + inner
        + b"\n--b--\n"
    )
    (report,) = _read(raw)
    assert (report.recipient, report.status, report.original_message_id) == (
        "ann@home.example",
        "5.1.1",
        "pv.1.a@shop.example",
    )


def test_a_warning_that_the_server_keeps_trying_is_a_delay() -> None:
    text = "<ann@home.example>: delivery temporarily suspended: 451 4.4.1 Connection timed out\n\nYour message will be retried for 5 days. You do not need to resend it.\n"
    (report,) = _read(_plain("Your message has been delayed.\n\n" + text))
    assert (report.action, report.failure) == ("delayed", Failure.DELAYED)


def test_a_server_that_gives_up_after_days_is_no_delay() -> None:
    text = "<ann@home.example>:\n451 4.4.1 Connection timed out\nI'm not going to try again; this message has been in the queue too long.\n"
    (report,) = _read(_plain(text))
    assert (report.action, report.failure) == ("failed", Failure.SOFT)


def test_events_of_amazon_ses_as_json_are_reports() -> None:
    event = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [
                {
                    "emailAddress": "ann@home.example",
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }
            ],
        },
        "mail": {"messageId": "0100-1", "commonHeaders": {"messageId": "<pv.1.a@shop.example>"}},
    }
    (report,) = _read(_plain(json.dumps(event) + "\n\n--\nTo stop these mails, click here.\n"))
    assert report == DeliveryReport(
        "failed", "ann@home.example", "5.1.1", "550 5.1.1 user unknown", "pv.1.a@shop.example", Failure.HARD
    )


@pytest.mark.parametrize(
    "text", ['{"mail"', '{"mail": ' + "[" * 50_000, '{"notificationType": 7, "mail": []}', '{"Message": "{", "mail"']
)
def test_broken_events_are_survived(text: str) -> None:
    assert all(isinstance(one, DeliveryReport) for one in _read(_plain(text)))


SORTS = (
    ("5.1.1", "550 5.1.1 whatever", Failure.HARD),
    ("5.0.0", "550 This user doesn't have a home.example account", Failure.HARD),
    ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", Failure.HARD),
    ("5.2.2", "552 5.2.2 quota", Failure.FULL),
    ("4.2.2", "452 4.2.2 The email account is over quota", Failure.FULL),
    ("5.7.1", "550 5.7.1 blocked, see https://www.spamhaus.org/query/ip/192.0.2.1", Failure.BLOCKED),
    ("5.7.26", "550 5.7.26 DMARC policy of the domain", Failure.POLICY),
    ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", Failure.POLICY),
    ("5.1.8", "550 5.1.8 <desk@shop.example>: Sender address rejected: Domain not found", Failure.POLICY),
    ("5.0.0", "550 5.0.0 something odd", Failure.SOFT),
    ("4.4.7", "421 4.4.7 delivery time expired", Failure.SOFT),
    ("5.0.0", "550 mailbox of <spam-unknown-user@home.example> is odd", Failure.SOFT),
)


@pytest.mark.parametrize(("status", "words", "sort"), SORTS)
def test_the_sort_follows_code_and_words_but_never_names(status: str, words: str, sort: Failure) -> None:
    assert classify("failed", status, words) is sort


def test_only_failures_have_a_sort() -> None:
    assert classify("delivered", "2.0.0", "user unknown") is Failure.NONE
    assert classify("delayed", "4.0.0", "user unknown") is Failure.DELAYED


def test_a_plain_code_gives_its_class_and_numbers_elsewhere_are_no_codes() -> None:
    assert best_status("", "host said: 550 no such user") == "5.0.0"
    assert best_status("", "host 192.0.2.450 at 10:45:50 on port 587") == ""


@pytest.mark.parametrize(
    "text",
    [
        "a" * 70_000,
        "a@" * 35_000,
        "<" * 70_000,
        "error " * 12_000,
        "550 a\n" * 12_000,
        "<a@b.example>\n" * 6_000,
        "-" * 70_000,
    ],
)
def test_hostile_prose_costs_less_than_two_seconds(text: str) -> None:
    started = time.process_time()
    _read(_plain(text))
    assert time.process_time() - started < 2

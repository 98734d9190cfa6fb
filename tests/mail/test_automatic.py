"""Which mails a machine wrote, and that people are never taken for machines."""

from __future__ import annotations

import dataclasses

import pytest

from postvak.mail.automatic import Signs, detect, forbids_autoreply, is_automatic, is_marked_spam, is_out_of_office
from postvak.mail.bounces import is_bounce
from postvak.mail.headers import Headers
from postvak.mail.parse import parse
from postvak.mail.tree import build
from postvak.mail.values import Kind, Mail


def _mail(*headers: str, text: str = "Hello", subject: str = "Re: Lamp", author: str = "ann@home.example") -> Mail:
    """A small mail, understood; its kind is detected with the text at hand."""
    lines = (f"From: {author}", f"Subject: {subject}", "Content-Type: text/plain; charset=utf-8", *headers)
    raw = "\n".join((*lines, "", text)).encode()
    tree = build(raw)
    parameters = tree.root.parameters if tree.root.content_type == "multipart/report" else {}
    types = tuple((part.content_type, part.parameters.get("method", "")) for part in tree.parts)
    mail = parse(raw)
    signs = Signs(tree.root.headers, parameters.get("report-type", ""), types, author.strip("<>"), subject, text)
    kind, reason = detect(signs)
    return dataclasses.replace(mail, kind=kind, kind_reason=reason)


AWAY_NL = (
    "Beste,\n\nIk ben afwezig tot en met 12 mei en heb beperkte toegang tot mijn mail.\nBij spoed: cas@shop.example.\n"
)
AWAY_DE = "Guten Tag,\n\nich bin bis zum 12. Mai nicht im Büro. In dringenden Fällen wenden Sie sich an Cas.\n"
AWAY_EN = "Hi,\n\nI am out of the office until 12 May with limited access to email.\n"

AWAY = (
    ("Automatisch antwoord: Lamp", (), AWAY_NL),
    ("Automatische Antwort: Lampe", ("Auto-Submitted: auto-generated",), AWAY_DE),
    ("Automatic reply: Lamp", ("X-Auto-Response-Suppress: All",), AWAY_EN),
    ("Out of Office AutoReply: Lamp", (), ""),
    ("Abwesenheitsnotiz: Lampe", (), ""),
    ("Afwezigheidsbericht: Lamp", (), ""),
    ("Réponse automatique : Lampe", (), "Je suis absent jusqu'au 12 mai.\n"),
    ("Respuesta automática: Lámpara", (), "Estoy de vacaciones hasta el 12 de mayo.\n"),
    ("Risposta automatica: Lampada", (), "Sono in ferie fino al 12 maggio.\n"),
    ("自動応答: 照明", (), "5月12日まで休暇をいただいております。\n"),
    ("Re: Lamp", ("Auto-Submitted: auto-replied",), AWAY_NL),
    ("Afwezig: Re: Lamp", ("In-Reply-To: <pv.1.a@shop.example>",), AWAY_NL),
    ("Ich bin im Urlaub: Lampe", ("Precedence: bulk",), AWAY_DE),
    ("On vacation: Re: Lamp", ("Return-Path: <>",), AWAY_EN),
    ("Re: Lampe", ("X-Auto-Response-Suppress: All",), AWAY_DE),
)


@pytest.mark.parametrize(("subject", "headers", "text"), AWAY, ids=[row[0] for row in AWAY])
def test_absence_notices_are_automatic_answers(subject: str, headers: tuple[str, ...], text: str) -> None:
    mail = _mail(*headers, text=text, subject=subject)
    assert (mail.kind, is_out_of_office(mail), is_automatic(mail), forbids_autoreply(mail)) == (
        Kind.AUTO_REPLY,
        True,
        True,
        True,
    )


PEOPLE = (
    ("Lamp", (), "It is broken."),
    ("Vakantie", (), "Ik ben met vakantie vanaf maandag. Kan de lamp daarna komen?"),
    ("Urlaub", (), "Ich bin ab Montag im Urlaub, bitte vorher liefern."),
    ("OOO: Friday", (), "Could you stand in for me?"),
    ("Out of office", (), "How do I set up such an answer in my mail program?"),
    ("Automatisch antwoord instellen", (), "Hoe doe ik dat?"),
    ("Automatic reply does not work", (), "Can you help?"),
    ("Re: Automatic reply: Lamp", ("In-Reply-To: <x@y.example>",), "Thank you.\n\n> I am out of the office"),
    ("Re: Lamp", ("X-Auto-Response-Suppress: OOF",), "The lamp is broken."),
    ("Re: Lamp", ("Auto-Submitted: no",), "The lamp is broken."),
    ("Re: Lamp", ("Auto-Submitted: auto-forwarded",), "The lamp is broken."),
    ("Re: Lamp", ("Precedence: first-class",), "The lamp is broken."),
    ("Re: Undelivered Mail Returned to Sender", (), "I got this, what now?\n\n> 550 user unknown"),
    ("Fwd: Delivery failed", (), "What does this mean?\n\n> Your message could not be delivered"),
    ("Delivery failed", (), "My parcel could not be delivered. Please send it again."),
    ("Returned mail", (), "I returned the lamp by mail today."),
    ("Re: Ihre Nachricht", (), "> Diese Nachricht wurde automatisch erstellt\n\nDanke!"),
)


@pytest.mark.parametrize(("subject", "headers", "text"), PEOPLE, ids=[row[0] for row in PEOPLE])
def test_people_stay_people(subject: str, headers: tuple[str, ...], text: str) -> None:
    mail = _mail(*headers, text=text, subject=subject)
    assert (mail.kind, mail.kind_reason) == (Kind.PERSONAL, "")
    assert not is_automatic(mail)


def test_a_postmaster_who_asks_for_help_is_a_person() -> None:
    mail = _mail(author="postmaster@home.example", subject="Question", text="Which printers do you sell?")
    assert mail.kind is Kind.PERSONAL


def test_a_person_whose_program_forbids_answers_gets_none() -> None:
    mail = _mail("X-Auto-Response-Suppress: All", text="The lamp is broken.")
    assert (mail.kind, forbids_autoreply(mail)) == (Kind.PERSONAL, True)
    assert not forbids_autoreply(_mail(text="The lamp is broken."))


def test_a_sender_that_nobody_reads_is_a_machine_unless_answers_go_elsewhere() -> None:
    assert is_automatic(_mail(author="no-reply@shop.example"))
    form = _mail("Reply-To: ann@home.example", author="noreply@shop.example")
    assert (form.kind, is_automatic(form), forbids_autoreply(form)) == (Kind.PERSONAL, False, False)


def test_lists_are_bulk_but_people_write_on_them() -> None:
    post = _mail("List-Id: <talk.example>", "List-Post: <mailto:talk@lists.example>", "Precedence: list")
    assert (post.kind, is_automatic(post), forbids_autoreply(post)) == (Kind.BULK, False, True)
    news = _mail("List-Id: <news.example>", "List-Unsubscribe: <https://shop.example/u>", subject="News")
    assert (news.kind, is_automatic(news)) == (Kind.BULK, True)


BOUNCES = (
    ("MAILER-DAEMON@relay.example", "failure notice", (), "Hi."),
    ("postmaster@relay.example", "Undeliverable: Lamp", (), "x"),
    ("postmaster@relay.example", "Re: Lamp", (), "Error: 550 - no such user"),
    ("system@relay.example", "Onbestelbaar: Lamp", ("Return-Path: <>",), "x"),
    ("noreply@relay.example", "Mail delivery error", (), "Your message could not be delivered to: <ann@home.example>"),
    ("robot@relay.example", "Lamp", ("Return-Path: <>",), "Die Nachricht konnte nicht zugestellt werden."),
    ("robot@relay.example", "Lamp", ("X-Failed-Recipients: ann@home.example",), "x"),
    (
        "robot@relay.example",
        "Unzustellbar: Lampe",
        ("Auto-Submitted: auto-replied",),
        "Ihre E-Mail konnte nicht zugestellt werden.",
    ),
    ("talk-admin@lists.example", "Your mail", ("X-MLServer: lists",), "You are not a member of this mailing list."),
)


@pytest.mark.parametrize(("author", "subject", "headers", "text"), BOUNCES)
def test_unstructured_bounces_need_two_signs(author: str, subject: str, headers: tuple[str, ...], text: str) -> None:
    mail = _mail(*headers, author=author, subject=subject, text=text)
    assert mail.kind is Kind.BOUNCE
    assert is_bounce(mail)
    assert is_automatic(mail)


def _status(action: str, subject: str = "Delivery report") -> Mail:
    body = f"--b\n\nReport.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; ann@home.example\nAction: {action}\nStatus: 2.0.0\n\n--b--\n"
    raw = f"From: postmaster@relay.example\nSubject: {subject}\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n{body}"
    return parse(raw.encode())


def test_news_of_success_is_a_report_but_no_bounce() -> None:
    assert (_status("delivered").kind, is_bounce(_status("delivered")), is_automatic(_status("delivered"))) == (
        Kind.BOUNCE,
        False,
        True,
    )
    assert is_bounce(_status("failed"))
    assert is_bounce(_status("delayed"))


def test_a_report_that_a_person_forwards_is_no_bounce() -> None:
    signs = Signs(
        Headers(()),
        "",
        (("multipart/mixed", ""), ("message/delivery-status", "")),
        "ann@home.example",
        "Fwd: Delivery failed",
    )
    assert detect(signs)[0] is Kind.PERSONAL


KINDS = (
    ("feedback-report", (), "", Kind.COMPLAINT),
    ("disposition-notification", (), "", Kind.RECEIPT),
    ("", (("text/calendar", "REQUEST"),), "", Kind.INVITATION),
    ("", (), "complaint about message from 192.0.2.1", Kind.COMPLAINT),
)


@pytest.mark.parametrize(("report", "types", "subject", "kind"), KINDS)
def test_reports_and_invitations_have_their_kinds(
    report: str, types: tuple[tuple[str, str], ...], subject: str, kind: Kind
) -> None:
    assert detect(Signs(Headers(()), report, types, "x@home.example", subject))[0] is kind


def test_our_own_mark_is_a_loop_whatever_else_it_is() -> None:
    assert _mail("X-Postvak-Loop: support@example.org", "Auto-Submitted: auto-replied").kind is Kind.LOOP


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-notified; owner-email=x",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "Return-Path: <>",
        "X-Loop: ann@home.example",
    ],
)
def test_headers_of_programs_decide_alone(header: str) -> None:
    mail = _mail(header, text="We received your message and will answer soon.")
    assert (mail.kind, is_out_of_office(mail)) == (Kind.AUTO_REPLY, False)


SPAM = (
    ("X-Spam-Flag: YES", True),
    ("X-Spam-Status: Yes, score=9.1 required=5.0", True),
    ("X-Spam-Status: No, score=-1", False),
    ("X-MS-Exchange-Organization-SCL: 6", True),
    ("X-MS-Exchange-Organization-SCL: -1", False),
    ("X-Forefront-Antispam-Report: CIP:192.0.2.1;SFV:SPM;SCL:5;", True),
    ("X-Mailer: Spam", False),
)


@pytest.mark.parametrize(("header", "marked"), SPAM)
def test_marks_of_spam_filters_are_read(header: str, marked: bool) -> None:
    assert is_marked_spam(build(f"{header}\n\nx".encode()).root.headers) is marked

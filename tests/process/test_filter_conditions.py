"""Every field and every operator of conditions, on mails alone: no database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from postvak.conditions.condition import Condition
from postvak.conditions.operators import OPERATORS, BadValue, expression
from postvak.mail.parse import parse
from postvak.process.filters.compiled import compile_filter, run_filters
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.fields import FIELDS, field_of
from postvak.process.plan import Arrival, Facts, KnownCustomer, KnownTicket, Wish
from postvak.process.set_up import Desk, OwnQueue
from postvak.trust.values import Evidence, Level, Result, Trust
from tests.mails import mail

AT = datetime(2026, 11, 20, 17, 45, tzinfo=timezone(timedelta(hours=1)))  # a Friday
ARRIVAL = Arrival(
    mailbox_id=1,
    mailbox_name="Support by IMAP",
    source="x",
    size=2048,
    size_limit=1 << 20,
    received_at=AT,
    arrived_at=None,
    envelope_to=("envelope@example.org",),
    start_at=None,
    queue_id=None,
    reply_via_id=None,
    local_time=AT,
)
TICKET = KnownTicket(7, "20261121000019", 3, "customer", "pending", 5, None, frozenset({6}))
RICH = "\r\n".join(
    [
        'From: "Archer, Ann" <Ann@Mail.Customer.example>',
        "To: Support <support@example.org>, boss@example.org",
        "Cc: =?utf-8?q?J=C3=B6rg?= <joerg@partner.example>",
        "Reply-To: answers@customer.example",
        "Delivered-To: inbox@example.org",
        "Subject: Bestellung 4711: Die Lampe flackert ÄRGER",
        "Message-ID: <m1@customer.example>",
        "X-Spam-Level: *****",
        "X-Original-To: Ann@M\u00fcller.example",
        "X-Wombat: first",
        "X-Wombat: second",
        "X-Empty:",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "--b",
        'Content-Type: multipart/alternative; boundary="a"',
        "",
        "--a",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Guten Tag, die Lampe flackert seit gestern und ich möchte sie gerne zurückgeben.",
        "Kundennummer: K-100",
        "",
        "Am 20. November schrieb Bob <bob@example.org>:",
        "> Ist alles in Ordnung?",
        "--a",
        "Content-Type: text/html; charset=utf-8",
        "",
        "<p>Guten Tag, <b>die Lampe</b> flackert</p>",
        "--a--",
        "--b",
        'Content-Type: application/pdf; name="Rechnung.PDF"',
        'Content-Disposition: attachment; filename="Rechnung.PDF"',
        "",
        "x" * 500,
        "--b--",
        "",
    ]
).encode()  # fmt: skip


def facts_of(raw: bytes = RICH, **changes: Any) -> Facts:
    desk = Desk(addresses={}, default_queue_id=3, queues={3: OwnQueue(3, "Lamps")})
    return replace(Facts(mail=parse(raw), arrival=ARRIVAL, desk=desk), **changes)


def holds(
    field: str,
    operator: str,
    value: str = "",
    *,
    negated: bool = False,
    facts: Facts | None = None,
    ticket: KnownTicket | None = None,
    wishes: Mapping[str, tuple[Wish, ...]] | None = None,
) -> bool:
    draft = Draft("10", (Condition(field, operator, value, negated),), (Action("add_tags", "x"),))
    return bool(run_filters([compile_filter(draft, id=1)], facts or facts_of(), wishes or {}, ticket).hits)


TRUE = [
    ("subject", "contains", "ärger"),
    ("subject", "equals", "bestellung 4711: die lampe flackert ärger"),
    ("subject", "starts", "BESTELLUNG"),
    ("subject", "ends", "Ärger"),
    ("subject", "one_of", "x, Bestellung 4711: Die Lampe flackert ÄRGER; y"),
    ("subject", "matches", r"bestellung\s+(\d{4}):.*ÄRGER$"),
    ("subject", "matches", "^(?:rma|best)"),
    ("body", "contains", "Kundennummer: k-100"),
    ("body", "contains", "Ist alles in Ordnung"),
    ("body", "matches", r"(?m)^Kundennummer: (\S+)$"),
    ("reply", "contains", "zurückgeben"),
    ("html", "contains", "<b>die Lampe</b>"),
    ("from", "contains", "archer, ann"),
    ("from", "is_address", "ANN@mail.customer.example"),
    ("from", "is_address", "x@y.example ann@mail.customer.example"),
    ("from", "in_domain", "customer.example"),
    ("from", "in_domain", "@mail.customer.example"),
    ("header:X-Original-To", "in_domain", "Müller.example"),
    ("header:X-Original-To", "is_address", "ann@xn--mller-kva.example"),
    ("from", "in_domain", "other.example, customer.example"),
    ("from", "address_matches", r"ann@.*\.example"),
    ("from.name", "equals", "Archer, Ann"),
    ("from.address", "equals", "ann@mail.customer.example"),
    ("from.domain", "equals", "mail.customer.example"),
    ("to", "is_address", "boss@example.org"),
    ("to", "contains", "support <"),
    ("cc", "contains", "Jörg"),
    ("cc", "in_domain", "partner.example"),
    ("reply_to", "is_address", "answers@customer.example"),
    ("recipients", "is_address", "envelope@example.org"),
    ("recipients", "is_address", "inbox@example.org"),
    ("recipients", "is_address", "joerg@partner.example"),
    ("attachment_count", "number", "1"),
    ("attachment_count", "above", "0"),
    ("attachment_name", "ends", ".pdf"),
    ("attachment_type", "equals", "application/pdf"),
    ("attachments_size", "below", "1 KB"),
    ("attachments_size", "above", "400"),
    ("size", "number", "2 KB"),
    ("size", "above", "0,001 MB"),
    ("kind", "equals", "personal"),
    ("kind", "one_of", "bulk, personal"),
    ("language", "equals", "de"),
    ("mailbox", "equals", "support by imap"),
    ("mailbox", "matches", "imap$"),
    ("follow_up", "is", "no"),
    ("ticket_queue", "empty", ""),
    ("ticket_status", "empty", ""),
    ("takes_part", "is", "no"),
    ("customer_known", "is", "no"),
    ("organisation_known", "is", "no"),
    ("dmarc", "equals", "none"),
    ("spf", "equals", "none"),
    ("dkim", "empty", ""),
    ("trust", "empty", ""),
    ("signed", "is", "no"),
    ("encrypted", "is", "no"),
    ("signature", "equals", "none"),
    ("signer", "empty", ""),
    ("spam_score", "number", "5"),
    ("spam_score", "above", "4.9"),
    ("time", "after", "17:45"),
    ("time", "before", "17:46"),
    ("weekday", "equals", "friday"),
    ("weekday", "one_of", "friday, saturday"),
    ("header:X-Wombat", "equals", "second"),
    ("header:x-WOMBAT", "equals", "first"),
    ("header:X-Wombat", "one_of", "third\nsecond"),
    ("header:X-Empty", "empty", ""),
    ("header:X-Absent", "empty", ""),
    ("header:X-Absent", "matches", "^$"),
    ("header:To", "is_address", "boss@example.org"),
    ("header:Delivered-To", "in_domain", "example.org"),
    ("header:X-Spam-Level", "above", "4"),
    ("header:X-Postvak-AttachmentCount", "above", "0"),
    ("header:Subject", "contains", "Lampe"),
]  # fmt: skip
FALSE = [
    ("subject", "contains", "invoice"),
    ("subject", "equals", "bestellung"),
    ("subject", "starts", "lampe"),
    ("subject", "ends", "lampe"),
    ("subject", "one_of", "Bestellung, Lampe"),
    ("subject", "matches", r"^lampe"),
    ("subject", "empty", ""),
    ("reply", "contains", "Ist alles in Ordnung"),
    ("from", "is_address", "ann@customer.example"),
    ("from", "in_domain", "mer.example"),
    ("from", "in_domain", "www.mail.customer.example"),
    ("from", "address_matches", r"ann"),
    ("from", "address_matches", r"customer\.example"),
    ("to", "equals", "boss@example.orga"),
    ("attachment_count", "below", "1"),
    ("size", "above", "2 KB"),
    ("size", "below", "2048"),
    ("time", "before", "17:45"),
    ("time", "after", "17:46"),
    ("spam_score", "above", "5"),
    ("header:X-Wombat", "empty", ""),
    ("header:X-Absent", "contains", "x"),
    ("header:X-Absent", "above", "0"),
    ("header:X-Absent", "in_domain", "x.example"),
    ("header:X-Absent", "address_matches", ".+"),
]


@pytest.mark.parametrize(("field", "operator", "value"), TRUE)
def test_a_condition_holds_and_its_negation_doesnt(field: str, operator: str, value: str) -> None:
    assert holds(field, operator, value)
    assert not holds(field, operator, value, negated=True)


@pytest.mark.parametrize(("field", "operator", "value"), FALSE)
def test_a_condition_doesnt_hold_and_its_negation_does(field: str, operator: str, value: str) -> None:
    assert not holds(field, operator, value)
    assert holds(field, operator, value, negated=True)


def test_every_field_and_every_operator_is_in_the_tables() -> None:
    assert set(FIELDS) == {field for field, *_ in TRUE if not field.startswith("header:")}
    assert set(OPERATORS) == {operator for _, operator, _ in TRUE}


@pytest.mark.parametrize(("key", "operator"), sorted({row[:2] for row in (*TRUE, *FALSE)}))
def test_the_tables_use_operators_that_fit_their_fields(key: str, operator: str) -> None:
    field = field_of(key)
    assert field is not None
    assert field.kind in OPERATORS[operator].kinds


TOLD = [
    ("follow_up", "is", "yes", {}),
    ("ticket_queue", "equals", "lamps", {}),
    ("ticket_status", "one_of", "open, customer", {}),
    ("header:X-OTOBO-RecognizedTicketNumber", "equals", TICKET.number, {}),
    ("takes_part", "is", "yes", {"customer": KnownCustomer(5, None)}),
    ("takes_part", "is", "yes", {"customer": KnownCustomer(6, None)}),
    ("takes_part", "is", "no", {"customer": KnownCustomer(8, None)}),
    ("customer_known", "is", "yes", {"customer": KnownCustomer(8, None)}),
    ("organisation_known", "is", "yes", {"organisation_id": 3}),
    ("organisation_known", "is", "no", {"customer": KnownCustomer(8, None), "organisation_id": 3}),
    ("dmarc", "equals", "pass", {"trust": Trust(evidence=Evidence(dmarc=Result.passed))}),
    ("spf", "one_of", "fail, softfail", {"trust": Trust(evidence=Evidence(spf=Result.softfail))}),
    ("dkim", "equals", "a.example", {"trust": Trust(evidence=Evidence(host_dkim=frozenset({"a.example"})))}),
    ("trust", "one_of", "suspicious, spoofed", {"trust": Trust(Level.spoofed)}),
]


@pytest.mark.parametrize(("field", "operator", "value", "changes"), TOLD)
def test_what_is_known_around_the_mail(field: str, operator: str, value: str, changes: dict[str, Any]) -> None:
    assert holds(field, operator, value, facts=facts_of(**changes), ticket=TICKET)


@pytest.mark.parametrize(
    ("field", "content_type"),
    [
        ("signed", 'multipart/signed; protocol="application/pgp-signature"'),
        ("signed", "application/pkcs7-mime; smime-type=signed-data"),
        ("encrypted", "multipart/encrypted"),
        ("encrypted", "application/pkcs7-mime; smime-type=enveloped-data"),
    ],
)
def test_protected_mails(field: str, content_type: str) -> None:
    raw = mail().replace(b"text/plain; charset=utf-8", content_type.encode())
    assert holds(field, "is", "yes", facts=facts_of(raw))


def test_values_that_control_headers_and_earlier_filters_set_are_seen() -> None:
    wishes = {"queue": (Wish("Sales", "x"),), "followup-state": (Wish("closed", "x"),)}
    assert holds("header:X-OTRS-Queue", "equals", "sales", wishes=wishes)
    assert holds("header:X-Postvak-FollowUp-State", "equals", "closed", wishes=wishes)
    assert not holds("header:X-Postvak-State", "equals", "closed", wishes=wishes)


CANT = [
    ("matches", "(?=ahead)", "looking ahead or behind"),
    ("matches", "foo(?!bar)", "looking ahead or behind"),
    ("matches", "(?<=a)b", "looking ahead or behind"),
    ("matches", "(?<!a)b", "looking ahead or behind"),
    ("matches", r"(a)\1", "references to earlier groups"),
    ("matches", "a++", "possessive"),
    ("matches", "(?>a)", "atomic groups"),
    ("matches", "(?(1)a|b)", "conditions and recursion"),
    ("matches", "(?R)", "conditions and recursion"),
    ("matches", "(unclosed", "no regular expression"),
    ("matches", "[z-a]", "no regular expression"),
    ("matches", "*", "no regular expression"),
    ("matches", "x" * 4001, "longer than 4000"),
    ("matches", "((a{1,100}){1,100}){1,100}", "no regular expression"),
    ("address_matches", "a)|(b", "no regular expression"),
    ("address_matches", "(unclosed", "no regular expression"),
    ("above", "many", "Give a number"),
    ("below", "", "Give a number"),
    ("number", "5 apples", "Give a number"),
    ("after", "25:00", "Give a time of day"),
    ("before", "noon", "Give a time of day"),
    ("is", "maybe", "Choose yes or no"),
    ("one_of", " , ;", "Give at least one word"),
    ("is_address", "customer.example", "Give a whole e-mail address"),
    ("is_address", "", "Give a whole e-mail address"),
    ("in_domain", "@", "Give a domain"),
]


@pytest.mark.parametrize(("operator", "value", "said"), CANT)
def test_values_that_cant_work_are_refused_in_words_that_help(operator: str, value: str, said: str) -> None:
    with pytest.raises(BadValue) as error:
        OPERATORS[operator].make(value)
    assert said in str(error.value)


@pytest.mark.parametrize("letters", ["ÄRGER", "ärger", "Ärger"])
def test_expressions_ignore_letter_case_beyond_ascii(letters: str) -> None:
    assert expression(letters).search("ÄRGER".encode()) is not None


@pytest.mark.parametrize("value", ["3", "3.0", "3 b", "3b"])
def test_numbers_are_compared_by_value(value: str) -> None:
    assert holds("header:X-Number", "above", "2.5", facts=facts_of(mail(x_number=value)))
    assert not holds("header:X-Number", "below", "3", facts=facts_of(mail(x_number=value)))


@pytest.mark.parametrize("score", ["5.3 / 15.0", "5.3", "+5.3 (spam)", "*****", "5,3"])
def test_scores_are_read_in_the_ways_of_mail_servers(score: str) -> None:
    assert holds("spam_score", "above", "4.5", facts=facts_of(mail(x_spam_score=score)))

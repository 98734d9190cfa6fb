"""Who is believed, who is suspicious: whole mails against a desk of ours, example.org with Bob Baker. No name server is asked."""

from dataclasses import replace
from typing import Any

import pytest

from postvak.mail.parse import parse
from postvak.trust.judge import Case, Circle, folded, judge
from postvak.trust.lookalike import likeness
from postvak.trust.values import Evidence, Level, Result, Trust
from tests.mails import mail

OURS = Circle(
    frozenset({"example.org", "acme-tools.nl"}),
    frozenset({"support@example.org", "sales@acme-tools.nl"}),
    frozenset({folded("Example Support"), folded("Acme Tools")}),
)
VERIFIED = Evidence(
    dmarc=Result.passed, aligned="dkim", host_dkim=frozenset({"customer.example"}), author="customer.example"
)
OUTSIDE = "from mail.evil.example (mail.evil.example [203.0.113.7]) by mx.example.org with ESMTPS id 1; Sat, 21 Nov 2026 10:00:00 +0100"
INSIDE = "from [192.168.1.20] by mx.example.org with ESMTPSA id 1; Sat, 21 Nov 2026 10:00:00 +0100"


def trust(raw: bytes | None = None, **known: Any) -> Trust:
    return judge(Case(**{"mail": parse(raw or mail()), "evidence": Evidence(), "circle": OURS, **known}))


def codes(found: Trust) -> set[str]:
    return {why.code for why in found.why}


def test_a_small_customer_is_neither_proven_nor_suspicious() -> None:
    found = trust(is_known=True)
    assert (found.level, codes(found)) == (Level.unverified, {"nothing_proven"})
    assert codes(trust()) == {"nothing_proven", "first_mail"}


def test_proofs() -> None:
    assert trust(evidence=VERIFIED).level is Level.verified
    only_signed = replace(VERIFIED, dmarc=Result.none, aligned="")
    assert trust(evidence=only_signed).level is Level.verified, "without a DMARC record its signature proves as much"
    assert trust(evidence=replace(VERIFIED, dmarc=Result.failed)).level is Level.suspicious
    elsewhere = replace(only_signed, host_dkim=frozenset({"evil.example"}))
    assert trust(evidence=elsewhere).level is Level.unverified
    assert trust(signer="ann@customer.example").level is Level.signed


@pytest.mark.parametrize(
    ("policy", "level"), [("reject", "suspicious"), ("quarantine", "suspicious"), ("none", "unverified")]
)
def test_a_failure_counts_as_its_domain_wants(policy: str, level: str) -> None:
    failed = Evidence(dmarc=Result.failed, policy=policy, author="customer.example")
    assert trust(evidence=failed).level == level


@pytest.mark.parametrize(
    ("domain", "how"),
    [
        ("examp1e.org", "letters"),
        ("exarnple.org", "letters"),
        ("xn--exmple-4nf.org", "letters"),  # а of the Cyrillic alphabet
        ("exämple.org", "letters"),
        ("exampel.org", "letter"),
        ("exmple.org", "letter"),
        ("examplle.com", "letter"),
        ("example-support.com", "word"),
        ("exam-ple.org", "letter"),
        ("supportexample.net", "word"),
        ("acme-tools-login.com", "word"),
        ("example.com", "ending"),
        ("example.org.evil.net", "inside"),
        ("www.example.org", ""),
        ("mail.acme-tools.nl", ""),
        ("example-bakery.nl", ""),
        ("sample.org", ""),
        ("customer.example", ""),
        ("gmail.com", ""),
        ("", ""),
        ("localhost", ""),
    ],
)
def test_domains_that_look_like_ours(domain: str, how: str) -> None:
    ascii_form = domain.encode("idna").decode() if domain and not domain.isascii() else domain
    assert likeness(ascii_form, OURS.domains)[1] == how
    if how:
        found = trust(mail(sender=f"Ann <ann@{domain}>"), evidence=VERIFIED)
        assert (found.level, found.why[0].code) == (Level.suspicious, f"looks_like_{how}")


def test_whom_an_organisation_of_ours_knows_is_no_imitation() -> None:
    assert trust(mail(sender="Ann <ann@exampel.org>"), is_partner=True).level is Level.unverified
    assert trust(mail(sender="Ann <ann@example.com>"), is_known=True).level is Level.unverified
    assert trust(mail(sender="Ann <ann@exampel.org>"), is_known=True).level is Level.suspicious


@pytest.mark.parametrize("name", ["Example Support", "support, example", "ACME Tools"])
def test_our_names_at_foreign_addresses(name: str) -> None:
    assert codes(trust(mail(sender=f'"{name}" <x@evil.test>'))) >= {"name_of_ours"}
    assert trust(mail(sender=f'"{name}" <x@evil.test>'), is_known=True).level is Level.unverified


def test_a_colleagues_name_at_a_foreign_address() -> None:
    raw = mail(sender="Bob Baker <bob.baker@gmail.com>")
    assert trust(raw, is_namesake=True).level is Level.suspicious
    assert trust(raw, is_namesake=True, is_known=True).level is Level.unverified
    assert trust(raw, is_namesake=True, is_agent=True).level is Level.unverified


@pytest.mark.parametrize(
    ("sender", "is_doubted"),
    [
        ('"boss@bank.example" <x@evil.test>', True),
        ('"support@example.org" <x@evil.test>', True),
        ('"ann@customer.example" <ann@customer.example>', False),
        ('"ann@shop.customer.example" <ann@customer.example>', False),
        ('"Ann (ann@firm.example) via Drive" <drive@service.test>', False),
        ('"ann@firm.example" <noreply@service.test>', False),
        ('"support@example.org via Drive" <noreply@service.test>', True),
    ],
)
def test_a_name_that_shows_another_address(sender: str, is_doubted: bool) -> None:
    assert ("name_holds_address" in codes(trust(mail(sender=sender)))) is is_doubted


@pytest.mark.parametrize(
    ("sender", "reply", "evidence", "is_doubted"),
    [
        ("Ann <ann@customer.example>", "ann@gmail.com", VERIFIED, True),
        ("Ann <ann@customer.example>", "ann@evil.test", Evidence(), True),
        ("Ann <ann@customer.example>", "ann@office.test", VERIFIED, False),
        ("Ann <ann@customer.example>", "ann@mail.customer.example", Evidence(), False),
        ("Ann <ann@customer.example>", "ann@customer.nl", Evidence(), False),
        ("Ann <ann@customer.example>", "support@example.org", Evidence(), False),
        ("Shop <noreply@shop.test>", "ann@gmail.com", Evidence(), False),
        ("Site <wordpress@shop.test>", "ann@gmail.com", Evidence(), False),
    ],
)
def test_answers_that_would_go_elsewhere(sender: str, reply: str, evidence: Evidence, is_doubted: bool) -> None:
    found = trust(mail(sender=sender, reply_to=reply), evidence=evidence)
    assert ("reply_elsewhere" in codes(found)) is is_doubted


def test_lists_answer_elsewhere_rightly() -> None:
    raw = mail(reply_to="list@lists.test", list_id="<list.lists.test>", list_post="<mailto:list@lists.test>")
    assert "reply_elsewhere" not in codes(trust(raw))


# ---- our own domain ------------------------------------------------------------


def own(**more: Any) -> bytes:
    return mail(sender="Bob Baker <bob@example.org>", **more)


def test_our_own_domain_without_proof_is_forged() -> None:
    found = trust(own(received=OUTSIDE))
    assert (found.level, found.why[0].code) == (Level.spoofed, "own_domain_spoofed")
    assert trust(own(), is_direct=True).level is Level.spoofed
    assert trust(own(received=INSIDE), evidence=Evidence(dmarc=Result.failed)).level is Level.spoofed
    assert trust(own(received=INSIDE), is_direct=True).level is Level.spoofed, "anybody can write such a line"


@pytest.mark.parametrize(
    "known",
    [
        {"evidence": Evidence(dmarc=Result.passed, aligned="spf", spf_domain="example.org", author="example.org")},
        {"evidence": Evidence(dmarc=Result.none, host_dkim=frozenset({"example.org"}), author="example.org")},
        {"signer": "bob@example.org"},
        {"is_believed": True},
        {"is_ours": True},
        {"evidence": Evidence(dmarc=Result.temperror)},
        {"mail": parse(own(received=INSIDE))},
        {"mail": parse(own(auto_submitted="auto-generated", x_postvak_loop="yes", received=INSIDE))},
    ],
)
def test_our_own_mail_is_never_called_forged(known: dict[str, Any]) -> None:
    assert trust(own(received=OUTSIDE), **known).level is not Level.spoofed


CLEAN = "from localhost (localhost [127.0.0.1]) by mx.example.org with ESMTP id 2; Sat, 21 Nov 2026 10:00:01 +0100"
LMTP = "from mx.example.org by mx.example.org with LMTP id 3; Sat, 21 Nov 2026 10:00:02 +0100"
CLOUD = "from A1.prod.outlook.com (2603:10a6:20b::14) by B2.prod.outlook.com (2603:10a6:803::9) with HTTPS; Sat, 21 Nov 2026 10:00:01 +0100"
LITERAL = "from [10.0.0.1] (mail.evil.example [203.0.113.7]) by mx.example.org with ESMTP id 1; Sat, 21 Nov 2026 10:00:00 +0100"
CALLS_ITSELF = "from localhost (mail.evil.example [203.0.113.7]) by mx.example.org with ESMTP id 1; Sat, 21 Nov 2026 10:00:00 +0100"


@pytest.mark.parametrize(
    ("lines", "is_forged"),
    [
        ([OUTSIDE, INSIDE], True),  # who wrote the lower line is anybody
        ([CLEAN, OUTSIDE, INSIDE], True),
        ([LMTP, CLEAN, OUTSIDE], True),
        ([CLOUD, OUTSIDE, INSIDE], True),
        ([LITERAL], True),
        ([CALLS_ITSELF], True),
        ([INSIDE, OUTSIDE], False),
        ([LMTP, CLEAN, INSIDE], False),
        ([LMTP, CLEAN], False),
        ([CLOUD, INSIDE], False),
    ],
)
def test_only_lines_above_the_first_strange_server_say_that_it_came_from_inside(
    lines: list[str], is_forged: bool
) -> None:
    received = "".join(f"Received: {line}\r\n" for line in lines).encode()
    assert (trust(received + own()).level is Level.spoofed) == is_forged


def test_at_a_provider_for_everybody_only_our_very_address_is_ours() -> None:
    gmail = Circle(frozenset({"gmail.com"}), frozenset({"acme@gmail.com"}))
    assert trust(mail(sender="Ann <ann@gmail.com>"), circle=gmail).level is Level.unverified
    assert trust(mail(sender="Acme <acme@gmail.com>"), circle=gmail).level is Level.spoofed
    assert trust(mail(sender="Ann <ann@gmial.com>"), circle=gmail).level is Level.unverified


def test_reports_of_our_own_server_are_no_forgeries() -> None:
    raw = mail(sender="MAILER-DAEMON@example.org", subject="Undelivered Mail Returned to Sender", return_path="<>")
    assert trust(raw).level is not Level.spoofed

"""Authentication-Results (RFC 8601): only what the configured host says counts, and nothing that a sender can write."""

import time

import pytest

from postvak.mail.authentication import Check, check_of
from postvak.mail.parse import parse

HOST = "mx.example.org"


def check(*values: str, host: str = HOST) -> Check:
    return check_of([("Authentication-Results", value) for value in values], host=host)


@pytest.mark.parametrize(
    ("value", "dmarc", "dkim"),
    [
        ("mx.example.org; dmarc=pass header.from=customer.example", "pass", set()),
        ("MX.Example.ORG 1; DMARC=Pass", "pass", set()),
        ("mx.example.org; dmarc=fail (p=reject dis=none) header.from=x.example", "fail", set()),
        ("mx.example.org; dmarc=none", "none", set()),
        ("mx.example.org; dmarc=bestguesspass", "none", set()),
        ("mx.example.org; dmarc=temperror", "none", set()),
        ("mx.example.org; none", "none", set()),
        ("mx.example.org", "none", set()),
        ("mx.example.org; dkim=pass header.d=Customer.Example header.s=s1", "none", {"customer.example"}),
        ("mx.example.org; dkim=pass (2048-bit key) header.i=@customer.example.", "none", {"customer.example"}),
        ('mx.example.org; dkim=pass header.i="ann@customer.example"', "none", {"customer.example"}),
        ("mx.example.org; dkim=fail header.d=a.example; dkim=pass header.d=b.example", "none", {"b.example"}),
        ("mx.example.org; dkim/1 = pass header.d=a.example", "none", {"a.example"}),
        (
            "mx.google.com; dkim=pass header.i=@a.example header.s=x header.b=AbC; arc=pass (i=1 spf=pass dmarc=pass); "
            "spf=pass (google.com: domain of x@a.example designates 1.2.3.4) smtp.mailfrom=x@a.example; "
            "dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=a.example",
            "pass",
            {"a.example"},
        ),
    ],
)
def test_findings_of_the_receiving_host(value: str, dmarc: str, dkim: set[str]) -> None:
    host = "mx.google.com" if "google" in value else HOST
    found = check(value, host=host)
    assert (found.dmarc, found.dkim) == (dmarc, frozenset(dkim))


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ("mx.example.org; dmarc=pass (p=none) header.from=Customer.Example.", "customer.example"),
        ("mx.example.org; dmarc=pass header.from=ann@customer.example; spf=pass", "customer.example"),
        ("mx.example.org; spf=pass smtp.mailfrom=evil.example; dmarc=pass", ""),
        ("mx.example.org; dkim=pass header.d=evil.example header.from=evil.example", ""),
    ],
)
def test_a_dmarc_result_says_which_author_it_is_about(value: str, about: str) -> None:
    assert check(value).about == about


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.org; spf=pass (dmarc=pass)",
        "mx.example.org; spf=pass (a (b; dmarc=pass) c; dmarc=pass)",
        'mx.example.org; spf=pass smtp.mailfrom="; dmarc=pass "@evil.example',
        'mx.example.org; dmarc=none; spf=pass smtp.mailfrom="x\\"; dmarc=pass; \\""@evil.example',
        'mx.example.org; spf=pass smtp.mailfrom="x(y"@evil.example; x=")"; y="; dmarc=pass; "',
        "mx.example.org; spf=pass smtp.mailfrom=dmarc=pass@evil.example",
        "mx.example.org; spf=pass (unfinished comment ; dmarc=pass",
        'mx.example.org; spf=pass smtp.mailfrom="unfinished; dmarc=pass',
        "(mx.example.org) mx.evil.example; dmarc=pass",
        "mx.evil.example; dmarc=pass",
        "mx.example.org.evil.example; dmarc=pass",
        "; dmarc=pass",
        "dmarc=pass",
        "",
    ],
)
def test_what_a_sender_can_write_into_it_proves_nothing(value: str) -> None:
    assert check(value).dmarc == "none"


def test_a_sender_cant_sign_by_a_quoted_name() -> None:
    assert (
        check('mx.example.org; spf=pass smtp.mailfrom="; dkim=pass header.d=bank.example ;"@evil.example').dkim == set()
    )


def test_two_findings_that_differ_are_a_failure() -> None:
    assert check("mx.example.org; dmarc=fail; dmarc=pass").dmarc == "fail"
    assert check("mx.example.org; dmarc=pass; dmarc=fail").dmarc == "fail"


def test_only_the_topmost_header_of_the_host_counts() -> None:
    assert (
        check("mx.other.example; dmarc=fail", "mx.example.org; dmarc=pass", "mx.example.org; dmarc=fail").dmarc
        == "pass"
    )
    assert check("mx.example.org; spf=pass", "mx.example.org; dmarc=pass").dmarc == "none"


def test_folded_lines_of_a_real_mail_are_one() -> None:
    raw = (
        b"Authentication-Results: mx.example.org;\r\n\tdkim=pass header.d=a.example;\r\n\tdmarc=pass\r\n"
        b" header.from=a.example\r\nFrom: ann@a.example\r\n\r\nHi\r\n"
    )
    assert check_of(parse(raw).headers, host=HOST) == Check("pass", frozenset({"a.example"}), "a.example")


def test_no_host_believes_nothing() -> None:
    assert check("; dmarc=pass", host="") == Check()


@pytest.mark.parametrize(
    "bomb", ["(" * 1_000_000, '"' * 1_000_001, "(\\" * 500_000, "dkim=" * 200_000, "a=b;" * 250_000]
)
def test_hostile_headers_take_no_time(bomb: str) -> None:
    start = time.process_time()
    check(f"mx.example.org; {bomb}")
    assert time.process_time() - start < 1

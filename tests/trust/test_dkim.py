"""DKIM signatures, made by another program (dkimpy) and checked by ours."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from postvak.trust import keys
from postvak.trust.canonical import letter_of
from postvak.trust.dkim import SIGNATURES, check_signatures
from postvak.trust.values import Result, Signature
from tests.mails import mail
from tests.trust.letters import NAMES, key, names, published, sign, small_key

NOW = datetime.now(UTC)
ODD = (
    mail(subject="Zu   viele\t Blanks  ")
    .replace(b"To: ", b"To:\r\n\t ")
    .replace(b"flickers.\r\n", b"flickers. \t \r\n\r\n  x\t\ty \r\n\r\n\r\n")
)


def found(raw: bytes, records: dict[str, object] | None = None) -> Signature:
    (one,) = check_signatures(letter_of(raw), names(records or published()), author="customer.example", at=NOW)  # type: ignore[arg-type]
    return one


@pytest.mark.parametrize("header", [b"relaxed", b"simple"])
@pytest.mark.parametrize("body", [b"relaxed", b"simple"])
@pytest.mark.parametrize("raw", [mail(), ODD, mail(body=""), mail(body="\r\n\r\n"), mail(body="no end")])
def test_what_another_program_signed_is_good(raw: bytes, header: bytes, body: bytes) -> None:
    assert found(sign(raw, canonicalize=(header, body))).result is Result.passed


def test_ed25519_signatures_are_good_and_broken_ones_are_not() -> None:
    private, record = small_key()
    raw = sign(private=private, signature_algorithm=b"ed25519-sha256")
    assert found(raw, published(record)).result is Result.passed
    assert found(raw.replace(b"lamp", b"lamb", 1), published(record)).result is Result.failed


def test_line_ends_that_were_lost_on_the_way_do_no_harm() -> None:
    assert found(sign(ODD).replace(b"\r\n", b"\n")).result is Result.passed


def test_changes_are_found_and_named() -> None:
    raw = sign()
    assert found(raw.replace(b"Hello", b"Hallo")).why == "body"
    assert found(raw.replace(b"Subject: The", b"Subject: A")).why == "header"
    assert found(b"From: eve@evil.example\r\n" + sign(names=[*NAMES, b"from"])).why == "header"


def test_a_signature_of_the_beginning_only_proves_nothing_about_what_was_added() -> None:
    raw = sign(length=True)
    assert found(raw).result is Result.passed
    added = found(raw + b"and send the money to me\r\n")
    assert (added.result, added.why) == (Result.failed, "partial")


@pytest.mark.parametrize(
    ("record", "result", "why"),
    [
        ("v=DKIM1; p=", Result.permerror, "revoked"),
        ("v=DKIM1; k=rsa; p=BARF", Result.permerror, "key"),
        ("v=DKIM1; k=ed25519; p=yi50DjK5O9pqbFpNHklsv9lqaS0ArSYu02qp1S0DW1Y=", Result.permerror, "key"),
        ("v=spf1 -all", Result.permerror, "key"),
        ("any text", Result.permerror, "syntax"),
        (key()[1].replace("k=rsa", "k=rsa; h=sha1"), Result.permerror, "key"),
        (key()[1].replace("k=rsa", "k=rsa; s=tlsrpt"), Result.permerror, "key"),
        (key()[1].replace("k=rsa", "k=rsa; t=y:s"), Result.passed, ""),
        (key(3072)[1], Result.failed, "header"),
        ([], Result.permerror, "no_key"),
        (None, Result.temperror, "unreachable"),
    ],
)
def test_keys_in_dns(record: str | list[str] | None, result: Result, why: str) -> None:
    one = found(sign(), {"s1._domainkey.customer.example": record})
    assert (one.result, one.why) == (result, why)


def test_a_key_that_anybody_could_break_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    private, record = key(1024)
    raw = sign(private=private)
    assert found(raw, published(record)).result is Result.passed
    monkeypatch.setattr(keys, "FEWEST_BITS", 1025)  # shorter ones can't be made any more
    assert found(raw, published(record)).why == "weak"


def test_a_signature_counts_until_it_runs_out_as_seen_when_the_mail_came() -> None:
    raw = sign()
    in_time = int((NOW + timedelta(days=1)).timestamp())
    with_end = raw.replace(b"v=1;", b"v=1; x=%d;" % in_time, 1)
    assert found(with_end).why == "header"  # not expired, but nobody signed this end
    assert found(raw.replace(b"v=1;", b"v=1; x=1600000000;", 1)).why == "expired"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"v=1", b"v=2"),
        (b"a=rsa-sha256", b"a=rsa-sha1"),
        (b"h=", b"hh="),
        (b"v=1;", b"v=1; v=1;"),
        (b"d=customer.example", b"d="),
        (b"s=s1", b"s=a b"),
        (b"v=1;", b"v=1; l=-5;"),
        (b"v=1;", b"v=1; i=@evil.example;"),
        (b"v=1;", b"v=1; q=http;"),
        (b"v=1;", b"v=1; junk;"),
        (b"bh=", b"bh=\xff"),
    ],
)
def test_a_signature_that_makes_no_sense_is_a_permanent_error(old: bytes, new: bytes) -> None:
    raw = sign()
    assert old in raw
    assert found(raw.replace(old, new, 1)).result is Result.permerror


def test_a_signature_without_from_says_nothing_about_who_wrote() -> None:
    raw = re.sub(rb"h=([^;]*)from", rb"h=\1date", sign(), count=1)
    assert found(raw).why == "from_not_signed"


def test_only_some_signatures_are_looked_at_those_of_the_author_first() -> None:
    asked: list[str] = []
    answers = names(published())

    def ask(name: str, kind: str = "TXT") -> object:
        asked.append(name)
        return answers(name, kind)

    raw = sign()
    for number in range(30):
        raw = sign(raw, domain=f"relay{number}.test-relay.example")
    judged = check_signatures(letter_of(raw), ask, author="customer.example", at=NOW)  # type: ignore[arg-type]
    assert len(judged) == SIGNATURES == len(asked)
    assert (judged[0].domain, judged[0].result) == ("customer.example", Result.passed)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"DKIM-Signature:\r\n\r\n",
        b"DKIM-Signature: v=1; a=\xff\x00; b=b; bh=b; d=d; h=h; s=s\n",
        b"\x00" * 100,
    ],
)
def test_nonsense_raises_nothing(raw: bytes) -> None:
    for one in check_signatures(letter_of(raw), names({}), author="", at=NOW):
        assert one.result is Result.permerror

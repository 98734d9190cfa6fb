"""SPF, DMARC and ARC, with names that a test tells; and chains of ARC."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import dkim
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from postvak.mail.parse import parse
from postvak.trust.examine import Handover, examine
from postvak.trust.spf import check_spf
from postvak.trust.values import Evidence, Result
from tests.mails import mail
from tests.trust.letters import key, names, published, sign

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OUT = "8.8.4.4"
Records = dict[str, str | Sequence[str] | None]


def handed_over(ip: str = OUT, sender: str = "ann@customer.example", helo: str = "mx.customer.example") -> Handover:
    return Handover(at=NOW, is_direct=True, ip=ip, helo=helo, sender=sender)


def found(raw: bytes, records: Records, handover: Handover | None = None) -> Evidence:
    return examine(raw, parse(raw), handover or handed_over(), names(records))


def policy(text: str = "v=DMARC1; p=reject", domain: str = "customer.example") -> Records:
    return {f"_dmarc.{domain}": text}


SPF: Records = {"customer.example": f"v=spf1 ip4:{OUT} -all"}


@pytest.mark.parametrize(
    ("records", "ip", "sender", "result"),
    [
        (SPF, OUT, "ann@customer.example", "pass"),
        (SPF, "8.8.8.8", "ann@customer.example", "fail"),
        ({"customer.example": "v=spf1 ~all"}, OUT, "ann@customer.example", "softfail"),
        ({"customer.example": "v=spf1 ?all"}, OUT, "ann@customer.example", "neutral"),
        ({"customer.example": "v=spf1 mx -all", "mx:customer.example": ["mx.customer.example"], "a:mx.customer.example": [OUT]}, OUT, "a@customer.example", "pass"),
        ({"customer.example": "v=spf1 include:other.example -all", "other.example": f"v=spf1 ip4:{OUT}"}, OUT, "a@customer.example", "pass"),
        ({"customer.example": ["v=spf1 -all", "v=spf1 +all"]}, OUT, "a@customer.example", "permerror"),
        ({"customer.example": "v=spf1 nonsense -all"}, OUT, "a@customer.example", "permerror"),
        ({"customer.example": None}, OUT, "a@customer.example", "temperror"),
        ({}, OUT, "a@customer.example", "none"),
        ({"customer.example": "v=spf1 include:customer.example -all"}, OUT, "a@customer.example", "permerror"),
        ({"mx.customer.example": f"v=spf1 ip4:{OUT} -all"}, OUT, "", "pass"),
        (SPF, "2001:4860:4860::8888", "ann@customer.example", "fail"),
        (SPF, "192.168.1.9", "ann@customer.example", "none"),
        (SPF, "", "ann@customer.example", "none"),
        (SPF, "nonsense", "ann@customer.example", "none"),
        (SPF, OUT, '"a b"@@customer.example', "pass"),
    ],
)  # fmt: skip
def test_spf(records: Records, ip: str, sender: str, result: str) -> None:
    assert check_spf(names(records), ip=ip, sender=sender, helo="mx.customer.example")[0] == result


@pytest.mark.parametrize(
    ("signer", "record", "result"),
    [
        ("customer.example", "v=DMARC1; p=none", "pass"),
        ("mail.customer.example", "v=DMARC1; p=none", "pass"),
        ("mail.customer.example", "v=DMARC1; p=none; adkim=s", "fail"),
        ("customer.example", "v=DMARC1; p=none; adkim=s", "pass"),
        ("evil.example", "v=DMARC1; p=none", "fail"),
        ("customer.example", "v=DMARC1; p=nonsense; rua=mailto:x@customer.example", "pass"),
        ("customer.example", "v=DMARC1; p=nonsense", "none"),
        ("customer.example", "v=DMARC2; p=reject", "none"),
        ("customer.example", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "none"),
        ("evil.example", None, "temperror"),
    ],
)
def test_a_domain_vouches_by_its_signature_when_the_two_belong_together(
    signer: str, record: str | list[str] | None, result: str
) -> None:
    records: Records = {**published(domain=signer), "_dmarc.customer.example": record}
    assert found(sign(domain=signer), records).dmarc == result


def test_a_domain_vouches_by_the_server_that_it_lets_send() -> None:
    assert found(mail(), SPF | policy()).aligned == "spf"
    bounces = handed_over(sender="bounce@news.customer.example")
    relaxed = {"news.customer.example": f"v=spf1 ip4:{OUT} -all"}
    assert found(mail(), relaxed | policy(), bounces).dmarc is Result.passed
    assert found(mail(), relaxed | policy("v=DMARC1; p=reject; aspf=s"), bounces).dmarc is Result.failed
    assert (
        found(mail(), {"evil.example": "v=spf1 +all"} | policy(), handed_over(sender="x@evil.example")).dmarc == "fail"
    )


def test_a_subdomain_has_the_policy_of_its_owner_unless_it_has_its_own() -> None:
    raw = mail(sender="Ann <ann@shop.customer.example>")
    asked_for = policy("v=DMARC1; p=none; sp=reject")
    assert found(raw, asked_for).policy == "reject"
    assert found(raw, asked_for | policy("v=DMARC1; p=quarantine", "shop.customer.example")).policy == "quarantine"
    assert found(mail(), asked_for).policy == "none"


def test_neighbours_under_a_public_suffix_dont_vouch_for_each_other() -> None:
    raw = sign(mail(sender="Ann <ann@victim.github.io>"), domain="evil.github.io")
    records = published(domain="evil.github.io") | policy(domain="victim.github.io")
    assert found(raw, records).dmarc is Result.failed
    whole = sign(mail(sender="Ann <ann@victim.co.uk>"), domain="co.uk")
    assert found(whole, published(domain="co.uk") | policy(domain="victim.co.uk")).dmarc is Result.failed


@pytest.mark.parametrize(
    "line",
    [
        b"From: Ann <ann@customer.example>\r\nFrom: Eve <eve@evil.example>\r\n",
        b"From: Ann <ann@customer.example>, Eve <eve@evil.example>\r\n",
        b"From: nobody\r\n",
        b"",
    ],
)
def test_without_exactly_one_author_nobody_vouches(line: bytes) -> None:
    raw = mail()
    start, end = raw.index(b"From:"), raw.index(b"To:")
    changed = raw[:start] + line + raw[end:]
    assert found(changed, SPF | policy()).dmarc is Result.none


def test_what_a_relay_of_ours_hands_over_fails_only_where_the_domain_is_strict() -> None:
    relayed = handed_over(ip="127.0.0.1")
    assert found(mail(), SPF | policy("v=DMARC1; p=none"), relayed).dmarc is Result.none
    assert found(mail(), SPF | policy(), relayed).dmarc is Result.failed
    assert found(mail(), SPF | policy("v=DMARC1; p=none")).dmarc is Result.passed


def test_a_fetched_mail_gets_a_pass_from_its_signature_and_a_failure_from_its_host_only() -> None:
    fetched = Handover(at=NOW, host="mx.example.org")
    assert found(sign(), published() | policy(), fetched).aligned == "dkim"
    assert found(mail(), SPF | policy(), fetched).dmarc is Result.none
    assert not found(mail(), SPF | policy(), fetched).is_asked
    header = b"Authentication-Results: mx.example.org; spf=fail; dmarc=fail header.from=customer.example\r\n"
    said = found(header + mail(), {}, fetched)
    assert (said.dmarc, said.spf) == (Result.failed, Result.failed)
    assert found(header + sign(), published() | policy(), fetched).dmarc is Result.passed
    assert found(header + mail(), {}).dmarc is Result.none, "anybody can write it to the listener"


def test_a_domain_vouches_for_the_lines_that_it_signed_or_all_of_a_mail_that_its_server_hands_over() -> None:
    raw = mail(**{"X-Postvak-Queue": "Sales"})
    names_signed = [b"from", b"subject", b"x-postvak-queue"]
    fetched = Handover(at=NOW)
    assert "x-postvak-queue" in found(sign(raw, names=names_signed), published(), fetched).vouched
    assert "x-postvak-queue" not in found(sign(raw), published(), fetched).vouched
    twice = b"X-Postvak-Queue: Other\r\n" + sign(raw, names=names_signed)
    assert "x-postvak-queue" not in found(twice, published(), fetched).vouched
    assert (
        "x-postvak-queue"
        not in found(
            sign(raw, names=names_signed, domain="evil.example"), published(domain="evil.example"), fetched
        ).vouched
    )
    assert "x-postvak-queue" in found(raw, SPF).vouched
    assert found(raw, {}).vouched == frozenset()


def test_a_mail_with_two_authors_is_nobodys_whatever_its_host_found() -> None:
    header = b"Authentication-Results: mx.example.org; dkim=pass header.d=customer.example; dmarc=permerror\r\n"
    fetched = Handover(at=NOW, host="mx.example.org")
    assert found(header + mail(), {}, fetched).author == "customer.example"
    assert found(header + b"From: The boss <boss@customer.example>\r\n" + mail(), {}, fetched).author == ""


def test_silent_name_servers_are_no_failure() -> None:
    silent = found(sign(), {"s1._domainkey.customer.example": None} | policy())
    assert (silent.dkim_result, silent.dmarc) == (Result.temperror, Result.temperror)


def relaxed(line: str) -> str:
    name, _colon, value = line.partition(":")
    return f"{name.lower()}:{' '.join(value.split())}"


def signed(data: str) -> str:
    private = serialization.load_pem_private_key(key()[0], None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return b64encode(private.sign(data.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def chain(raw: bytes, number: int = 1) -> bytes:
    """`raw` with one more set of ARC lines, as RFC 8617 section 5.1 makes them."""
    header, _gap, body = raw.decode().partition("\r\n\r\n")
    lines = header.split("\r\n")
    digest = b64encode(sha256(body.encode()).digest()).decode()
    results = f"ARC-Authentication-Results: i={number}; list.example; spf=pass smtp.mfrom=ann@customer.example"
    message = f"ARC-Message-Signature: i={number}; a=rsa-sha256; c=relaxed/simple; d=list.example; s=s1; h=from:subject; bh={digest}; b="
    named = [next(one for one in lines if one.startswith(name)) for name in ("From:", "Subject:")]
    message += signed("\r\n".join(relaxed(one) for one in (*named, message)))
    seal = f"ARC-Seal: i={number}; a=rsa-sha256; cv={'pass' if number > 1 else 'none'}; d=list.example; s=s1; b="
    sets = [one for one in lines if one.startswith("ARC-")]
    before = [one for at in range(number - 1, 0, -1) for one in sets[(at - 1) * 3 : at * 3][::-1]]
    seal += signed("\r\n".join(relaxed(one) for one in (*before, results, message, seal)))
    return "\r\n".join([seal, message, results, header]).encode() + b"\r\n\r\n" + body.encode()


def test_a_chain_of_servers_is_good_as_long_as_nobody_changed_anything() -> None:
    records = published(domain="list.example")
    once = chain(mail())
    twice = chain(once, 2)
    for raw in (once, twice):  # another program finds so, too
        assert dkim.arc_verify(raw, dnsfunc=lambda *_, **__: key()[1].encode())[0] == b"pass"
    assert found(once, records).arc is Result.passed
    assert found(twice, records).arc is Result.passed
    assert found(twice.replace(b"Hello", b"Hallo"), records).arc is Result.failed
    assert found(twice.replace(b"smtp.mfrom=ann", b"smtp.mfrom=eve", 1), records).arc is Result.failed
    assert found(once.replace(b"i=1", b"i=2"), records).arc is Result.failed
    assert found(mail(), records).arc is Result.none
    assert found(once, {"s1._domainkey.list.example": None}).arc is Result.temperror

"""Who vouches for a signer, and every reason why nobody does; told apart, with the real openssl as witness."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postvak.crypto import chain
from postvak.crypto.opening import open_mail
from postvak.crypto.values import Key, Verdict
from tests.crypto.pki import AUTHORITY, PERSON, Pki, Ring, revoking

NOW = datetime.now(UTC) + timedelta(hours=2)  # the certificates are made later than this line is read
ANN = f"{PERSON}\nsubjectAltName=email:ann@klant.example"
# name: (issuer, its extensions, extensions of the person below it, what is found)
PATHS: dict[str, tuple[str, str, Verdict, str]] = {
    "good": (AUTHORITY, ANN, Verdict.good, ""),
    "no authority": (PERSON, ANN, Verdict.untrusted, "untrusted_issuer"),
    "may not sign certificates": (
        "basicConstraints=critical,CA:true\nkeyUsage=critical,cRLSign",
        ANN,
        Verdict.untrusted,
        "untrusted_issuer",
    ),
    "authority for servers": (f"{AUTHORITY}\nextendedKeyUsage=serverAuth", ANN, Verdict.untrusted, "not_for_mail"),
    "person for servers": (
        AUTHORITY,
        "extendedKeyUsage=serverAuth\nsubjectAltName=email:ann@klant.example",
        Verdict.untrusted,
        "not_for_mail",
    ),
    "person for encryption": (AUTHORITY, f"{ANN}\nkeyUsage=keyEncipherment", Verdict.untrusted, "not_for_mail"),
    "any use": (
        AUTHORITY,
        "extendedKeyUsage=anyExtendedKeyUsage\nsubjectAltName=email:ann@klant.example",
        Verdict.good,
        "",
    ),
    "unknown critical": (AUTHORITY, f"{ANN}\n1.2.3.4=critical,ASN1:NULL", Verdict.untrusted, "not_for_mail"),
    "its own domain": (f"{AUTHORITY}\nnameConstraints=permitted;email:klant.example", ANN, Verdict.good, ""),
    "another domain": (
        f"{AUTHORITY}\nnameConstraints=critical,permitted;email:bedrijf.example",
        ANN,
        Verdict.untrusted,
        "names_not_allowed",
    ),
    "a forbidden address": (
        f"{AUTHORITY}\nnameConstraints=excluded;email:ann@klant.example",
        ANN,
        Verdict.untrusted,
        "names_not_allowed",
    ),
    "below a domain": (
        f"{AUTHORITY}\nnameConstraints=permitted;email:.klant.example",
        ANN,
        Verdict.untrusted,
        "names_not_allowed",
    ),
}


@pytest.mark.parametrize("case", PATHS)
def test_an_authority_between_vouches_only_within_its_limits(pki: Pki, ring: Ring, case: str) -> None:
    authority, person, verdict, code = PATHS[case]
    name = case.replace(" ", "-")
    pki.make(f"{name}-ca", by="root", extensions=authority)
    pki.make(f"{name}-person", by=f"{name}-ca", extensions=person)
    trust = chain.judge(pki.public(f"{name}-person"), [pki.public(f"{name}-ca")], ring, at=NOW)
    assert (trust.verdict, trust.code) == (verdict, code)


def test_a_path_longer_than_an_authority_allows_is_none(pki: Pki, ring: Ring) -> None:
    pki.make("short", by="root", extensions=AUTHORITY.replace("CA:true", "CA:true,pathlen:0"))
    pki.make("below-short", by="short", extensions=AUTHORITY)
    pki.make("long-person", by="below-short", extensions=ANN)
    extra = [pki.public("short"), pki.public("below-short")]
    assert chain.judge(pki.public("long-person"), extra, ring, at=NOW).code == "not_for_mail"


def test_the_keyring_finds_the_authority_that_the_mail_forgot(pki: Pki, ring: Ring) -> None:
    known = Ring(others=[pki.public("middle")], trusted=ring.trusted)
    assert chain.judge(pki.public("chained"), [], ring, at=NOW).code == "untrusted_issuer"
    assert chain.judge(pki.public("chained"), [], known, at=NOW).verdict is Verdict.good


def test_a_customers_certificate_never_vouches(pki: Pki) -> None:
    known = Ring(others=[pki.public("root"), pki.public("middle")])
    assert chain.judge(pki.public("chained"), [pki.public("root")], known, at=NOW).verdict is Verdict.untrusted
    alone = pki.public("alone")
    assert chain.judge(alone, [alone], Ring(others=[alone]), at=NOW).code == "self_signed"


def test_a_self_signed_certificate_counts_when_it_was_made_an_anchor(pki: Pki) -> None:
    alone = pki.public("alone")
    assert chain.judge(alone, [], Ring(trusted=[alone]), at=NOW).verdict is Verdict.good


@pytest.mark.parametrize(("days", "code"), [(4000, "cert_expired"), (-4000, "cert_not_yet")])
def test_a_certificate_counts_at_its_time_only(pki: Pki, ring: Ring, days: int, code: str) -> None:
    trust = chain.judge(pki.public("ann"), [], ring, at=NOW + timedelta(days=days))
    assert (trust.verdict, trust.code) == (Verdict.expired, code)


def test_the_signers_clock_is_believed_as_far_as_a_mail_may_be_on_its_way(pki: Pki, ring: Ring) -> None:
    """Signed just before the certificate ended, and come after that: good. Long before, or later than it came: judged as of when it
    came, because whoever has an old key can write any time."""
    raw = pki.signed("-signer", "ann.pem", "-inkey", "ann.key")
    end = pki.key("ann").valid_to
    assert end is not None

    def verdict(at: datetime) -> Verdict | None:
        found = open_mail(raw, ring, at=at).signature
        return found.verdict if found else None

    assert verdict(NOW + timedelta(days=3)) is Verdict.good
    assert verdict(end + timedelta(days=1)) is Verdict.expired
    assert verdict(NOW - timedelta(days=2000)) is Verdict.expired
    person = f"{PERSON}\nsubjectAltName=email:ann@klant.example"
    pki.make("leaving", by="root", extensions=person, dates=("-days", "2"))
    raw = pki.signed("-signer", "leaving.pem", "-inkey", "leaving.key")
    assert verdict(NOW + timedelta(days=4)) is Verdict.good
    assert verdict(NOW + timedelta(days=9)) is Verdict.expired
    without_time = open_mail(
        pki.signed("-noattr", "-signer", "ann.pem", "-inkey", "ann.key"), ring, at=NOW + timedelta(days=4000)
    )
    assert without_time.signature is not None
    assert without_time.signature.verdict is Verdict.expired


@pytest.mark.parametrize("who", ["chained", "middle"])
def test_a_revoked_certificate_or_authority_is_told(pki: Pki, ring: Ring, who: str) -> None:
    known = Ring(others=[pki.public("middle")], trusted=ring.trusted, revoked=revoking(pki.public(who)))
    assert chain.judge(pki.public("chained"), [], known, at=NOW).verdict is Verdict.revoked


def test_what_was_revoked_here_counts_also_when_the_certificate_comes_with_the_mail(pki: Pki, ring: Ring) -> None:
    known = Ring(others=[replace(pki.public("ann"), is_revoked=True)], trusted=ring.trusted)
    opened = open_mail(pki.signed("-signer", "ann.pem", "-inkey", "ann.key"), known, at=NOW)
    assert opened.signature is not None
    assert opened.signature.verdict is Verdict.revoked


def test_a_certificate_that_was_signed_with_sha1_proves_nothing(pki: Pki, ring: Ring) -> None:
    pki.make("sha1", by="root", extensions=ANN, dates=("-days", "3650", "-sha1"))
    assert chain.judge(pki.public("sha1"), [], ring, at=NOW).code == "weak_chain"


def test_a_short_key_proves_nothing(pki: Pki, ring: Ring) -> None:
    pki.make("tiny", by="root", extensions=ANN, algorithm="rsa1024")
    opened = open_mail(pki.signed("-signer", "tiny.pem", "-inkey", "tiny.key"), ring, at=NOW)
    assert opened.signature is not None
    assert opened.signature.verdict is Verdict.weak


def test_many_authorities_of_the_same_name_are_not_tried_without_end(pki: Pki, ring: Ring) -> None:
    same: list[Key] = []
    for number in range(4):
        pki.make("loop", by="loop", extensions=AUTHORITY)
        same.append(replace(pki.public("loop"), fingerprint=f"{number:064x}"))
    assert chain.judge(same[0], same, ring, at=NOW).verdict is Verdict.untrusted

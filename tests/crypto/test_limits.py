"""Small mails that ask for much work are refused soon, and what counts is still judged."""

from __future__ import annotations

import os
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest

from postvak.crypto import cms, der, opening_parts, protected_header, rc2, smime_read
from postvak.crypto.budget import MOST_CHECKS, MOST_PRIVATE_OPERATIONS, Budget
from postvak.crypto.cms import Algorithm, Enveloped
from postvak.crypto.content_ciphers import MAX_RC2, RC2, Undecryptable, cipher_of
from postvak.crypto.entities import read_entity
from postvak.crypto.opening import open_mail
from postvak.crypto.smime_read import MOST_TRIES, Reader
from postvak.crypto.values import Key, Keyring, State, Verdict
from postvak.mail.transfer import decode_base64
from tests.crypto.pki import HEADER, PERSON, TEXT, WORDS, Pki, Ring

NOW = datetime.now(UTC) + timedelta(hours=2)  # the certificates are made later than this line is read
RC2_40 = Algorithm(RC2, der.sequence(der.integer(160), der.octet_string(b"12345678")))


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each use of a private key."""
    found: list[int] = []
    real = smime_read.content_key

    def counted(*arguments: object) -> bytes:
        found.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(smime_read, "content_key", counted)
    return found


def naming_us(pki: Pki, count: int) -> Enveloped:
    """Our certificate `count` times, each time with another key in it; the last one is right. GCM tells each wrong one; of CBC every
    256th looks right."""
    parsed = cms.parse(pki.openssl("cms", "-encrypt", "-aes-256-gcm", "-outform", "DER", "support.pem", given=TEXT))
    assert isinstance(parsed, Enveloped)
    (own,) = parsed.recipients
    wrong = [replace(own, wrapped=os.urandom(len(own.wrapped))) for _ in range(count - 1)]
    return replace(parsed, recipients=(*wrong, own))


def test_a_mail_that_names_our_key_hundreds_of_times_is_tried_few_times(
    pki: Pki, ring: Ring, tries: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(ring, NOW, ("ann@klant.example",))
    monkeypatch.setattr(smime_read, "parse", lambda _raw: naming_us(pki, 300))
    assert (smime_read.unwrap(b"", reader).state, len(tries)) == (State.damaged, MOST_TRIES)
    for _ in range(20):
        smime_read.unwrap(b"", reader)
    assert len(tries) == MOST_PRIVATE_OPERATIONS
    monkeypatch.setattr(smime_read, "parse", lambda _raw: naming_us(pki, 2))
    found = smime_read.unwrap(b"", replace(reader, budget=Budget()))
    assert WORDS in (found.content or b"")


def test_rc2_which_is_slow_is_counted_out_only_where_the_key_seems_to_fit() -> None:
    content = os.urandom(MAX_RC2 - 8) + b"12345678"
    cipher = cipher_of(RC2_40)
    started = process_time()
    for _ in range(20):
        with pytest.raises(Undecryptable):
            cipher.decrypt(Enveloped((), RC2_40, content + bytes(8), False), b"12345")
        last = rc2.decrypt_cbc(b"12345", 40, content[-16:-8], content[-8:])[-1]
        if not 1 <= last <= 8:
            with pytest.raises(Undecryptable):
                cipher.decrypt(Enveloped((), RC2_40, content), b"12345")
    assert process_time() - started < 0.5


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\x80" * 5 + b"\x05\x00" * 1_000_000 + b"\0\0" * 5,
        b"\x24\x80" * 30 + b"\x04\x00" * 150_000 + b"\0\0" * 30,
        b"\x30\x80" + (b"\x30\x80" * 30 + b"\x05\x00" * 15_000 + b"\0\0" * 30) * 10 + b"\0\0",
    ],
    ids=["many", "many in many", "again and again"],
)
def test_objects_without_end_that_lie_in_each_other_are_left_soon(raw: bytes) -> None:
    started = process_time()
    with pytest.raises(der.Broken):
        der.canonical(der.read(raw))
    assert process_time() - started < 1


def test_a_large_mail_in_small_pieces_is_still_read(pki: Pki, ring: Ring) -> None:
    """As programs write it that know no length beforehand."""
    big = TEXT + b"0123456789\r\n" * 100_000
    raw = pki.openssl("cms", "-encrypt", "-stream", "-aes256", "-outform", "DER", "support.pem", given=big)
    head = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert WORDS in open_mail(HEADER + head + encodebytes(raw), ring, at=NOW).raw


def test_marks_for_old_programs_are_looked_for_quickly_and_only_at_the_beginning() -> None:
    mark = b'<div class="header-protection-legacy-display">'
    head = b'Content-Type: text/html; hp="cipher"; hp-legacy-display="1"\r\n\r\n'
    started = process_time()
    protected_header.read(head + mark * 5_000)
    protected_header.read(head + b"<div" * 60_000)
    assert process_time() - started < 0.2
    found = protected_header.read(head + b"<p>" + mark.upper() + b"<pre>Subject: x</pre></DIV>Hello</p>")
    assert decode_base64(read_entity(found.entity).body)[0] == b"<p>Hello</p>"
    kept = head + b"<p>header-protection-legacy-display</p><div>Hello</div>"
    assert protected_header.read(kept).entity == kept


def test_broken_marks_of_html_around_armour_are_taken_out_quickly() -> None:
    started = process_time()
    assert opening_parts.TAG.sub("", "<" * 1_000_000 + "<b>") == "<" * 1_000_000
    assert process_time() - started < 0.5


def test_multiparts_in_each_other_cost_little(pki: Pki, ring: Ring) -> None:
    """What lies deeper than in any mail isn't opened."""
    raw = pki.openssl("cms", "-encrypt", "support.pem", given=TEXT) + b"html" * 250_000
    for number in range(28):
        other = b"Content-Type: text/plain\r\n\r\nx"
        raw = b"Content-Type: multipart/mixed; boundary=m%d\r\n\r\n--m%d\r\n%s\r\n--m%d\r\n%s\r\n--m%d--\r\n" % (
            number, number, raw, number, other, number,
        )  # fmt: skip
    started = process_time()
    assert open_mail(HEADER + raw, ring, at=NOW).state is State.plain
    assert process_time() - started < 0.7


class Planted(Ring):
    """Many certificates with the name of ann's lie in front of hers."""

    fakes: Sequence[Key] = ()

    def public(self, names: Sequence[str]) -> Sequence[Key]:
        return [*self.fakes, *super().public(names)]


def test_planted_certificates_with_the_name_of_another_one_do_not_spoil_her_signature(pki: Pki, ring: Ring) -> None:
    ann = pki.public("ann")
    names = f"{PERSON}\nsubjectAltName=email:ann@klant.example".replace("=hash", f"={ann.ski}")
    pki.make("planted", by="planted", extensions=names)
    fake = pki.public("planted")
    assert fake.ski == ann.ski
    keyring = Planted(others=[ann], trusted=ring.trusted)
    keyring.fakes = [fake]
    raw = pki.signed("-nocerts", "-keyid", "-signer", "ann.pem", "-inkey", "ann.key")
    assert judged(raw, keyring) == (Verdict.good, ann.fingerprint)
    keyring.fakes = [replace(fake, fingerprint=f"{n:064x}") for n in range(MOST_CHECKS + 5)]
    assert judged(raw, keyring)[0] is Verdict.unknown


def judged(raw: bytes, keyring: Keyring) -> tuple[Verdict | None, str]:
    found = open_mail(raw, keyring, at=NOW).signature
    assert found is not None
    return found.verdict, found.key

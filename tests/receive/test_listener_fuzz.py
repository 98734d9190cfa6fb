"""The listener and whatever may come over a connection: it answers in SMTP or hangs up, never fails, stores nothing for strangers,
ends a mail only where RFC 5321 does, and doesn't grow. Hypothesis writes the bytes; the listener is a real process."""

import ast
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.receive.listening import Listener, Talk

pytestmark = pytest.mark.servers

SUPPORT, ACME = "support@in.example.org", "acme@in.example.org"
OURS = {"support@in.example.org", "help@in.example.org", "acme@in.example.org", "acme@acme.example"}
REPLY = re.compile(rb"[2-5]\d\d[ -][^\x00-\x1f\x7f]*\r")  # an address in UTF-8 is said as it came
END = b"\r\n.\r\n"
USUAL = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
GROWTH = 150 * 1024  # kB of memory beyond what it had when it was idle
TROUBLE = ("Traceback", "unexpected error", "never retrieved", "Unhandled")


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with Listener.running(tmp_path_factory.mktemp("fuzz")) as running:
        yield running
        said = (running.folder / "log").read_text()
        assert not [word for word in TROUBLE if word in said], said[-3000:]


def exchange(port: int, sent: bytes) -> list[bytes]:
    """All lines of the answers to everything, with a way out behind it; the other side hangs up in the end, or while we speak."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        speaker = threading.Thread(target=speak, args=(line, sent + b"\r\n.\r\nRSET\r\nQUIT\r\n"))
        speaker.start()
        with suppress(ConnectionError):
            while piece := line.recv(65536):
                answer += piece
        speaker.join()
    return bytes(answer).split(b"\n")


def speak(line: socket.socket, sent: bytes) -> None:
    """Beside the reading: who answers each line at once must not wait for us."""
    with suppress(ConnectionError):
        line.sendall(sent)


def is_smtp(lines: list[bytes]) -> bool:
    *whole, rest = lines
    return not rest and all(REPLY.fullmatch(line) for line in whole)


def recipients(listener: Listener) -> set[str]:
    rows = listener.rows("SELECT envelope_to FROM postvak_receipt")
    return {str(one).lower() for (text,) in rows for one in (ast.literal_eval(text) if isinstance(text, str) else text)}


def stored(listener: Listener) -> list[bytes]:
    rows = listener.rows(
        "SELECT b.content FROM postvak_receipt r JOIN postvak_blob b ON b.digest = r.blob_id ORDER BY r.id"
    )
    return [zstandard.ZstdDecompressor().decompress(bytes(content)) for (content,) in rows]


def emptied(listener: Listener) -> Listener:
    listener.change("UPDATE postvak_communicationobject SET receipt_id = NULL")
    listener.change("DELETE FROM postvak_receipt")
    listener.change("DELETE FROM postvak_blob")
    return listener


WORDS = st.sampled_from(
    [b"EHLO x", b"HELO x", b"LHLO x", b"EHLO", b"MAIL FROM:<a@b.example>", b"MAIL FROM:<>", b"MAIL FROM:", b"MAIL",
     b"RCPT TO:<support@in.example.org>", b"RCPT TO:<stranger@gmail.com>", b"RCPT TO:<@a.example,@b.example:x@gmail.com>",
     b'RCPT TO:<"x@gmail.com"@in.example.org>', b"RCPT TO:<support%gmail.com@in.example.org>", b"RCPT TO:<x!y@gmail.com>",
     b"RCPT TO:<support@in.example.org> NOTIFY=NEVER", b"RCPT", b"DATA", b"DATA x", b"BDAT 10", b"BDAT 10 LAST\r\n1234567890",
     b"BDAT 99999999999999999999", b"STARTTLS x", b"AUTH", b"AUTH PLAIN", b"AUTH PLAIN =", b"AUTH LOGIN \xff\xff", b"AUTH XOAUTH2 " + b"A" * 3000,
     b"AUTH CRAM-MD5", b"AUTH PLAIN AHgAeQ==\r\n*", b"RSET", b"NOOP", b"NOOP x", b"VRFY root", b"EXPN all", b"HELP", b"HELP DATA",
     b"TURN", b"ETRN x", b"XCLIENT ADDR=1.2.3.4", b"XFORWARD NAME=x", b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10", b"GET / HTTP/1.1", b".",
     b"", b" ", b"\0", b"\r", b"\xff\xfe", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"M" * 5000, b"MAIL FROM:<" + b"a" * 4000 + b"@x>"]
)  # fmt: skip
LINES = st.tuples(st.one_of(WORDS, st.binary(max_size=80)), st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b""]))


@USUAL
@given(lines=st.lists(LINES, max_size=25))
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_whatever_is_said_is_answered_in_smtp_and_nothing_is_taken_for_strangers(
    listener: Listener, protocol: str, lines: list[tuple[bytes, bytes]]
) -> None:
    answer = exchange(
        listener.port if protocol == "smtp" else listener.lmtp, b"".join(word + end for word, end in lines)
    )
    assert is_smtp(answer), answer
    assert not any(line[:3] in {b"235", b"334"} for line in answer), "there is nothing to log in for"


def test_nothing_that_was_said_reached_anybody_else(listener: Listener) -> None:
    """After all of the above: no relay, and nothing waits to go out."""
    assert recipients(listener) <= OURS
    assert listener.rows("SELECT count(*) FROM postvak_outgoingmail") == [(0,)]
    with Talk(listener.port) as talk:
        assert talk.deliver(b"Subject: still here\r\n\r\nYes.\r\n", SUPPORT).startswith("250")


@USUAL
@given(
    body=st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"\0", b"a", b"QUIT", b"MAIL FROM:<x@y.example>"]),
        max_size=40,
    )
)
def test_a_mail_ends_only_at_crlf_dot_crlf(listener: Listener, body: list[bytes]) -> None:
    """SMTP smuggling: what another server took for one mail must not become two here."""
    text = b"Subject: x\r\n\r\n" + b"".join(body)
    while END in text or text.endswith(b"\r\n."):
        text = text.replace(b"\r\n.", b"\r\n..a")
    emptied(listener)
    with Talk(listener.port) as talk:
        talk.begin(SUPPORT)
        talk.send(text + END)
        assert talk.reply().startswith("250 ")
        assert talk.say("NOOP").startswith("250")
    assert stored(listener) == [text.replace(b"\r\n.", b"\r\n") + b"\r\n"]


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n"],
)
def test_commands_behind_a_false_end_are_words_of_the_mail(listener: Listener, end: bytes) -> None:
    smuggled = f"MAIL FROM:<boss@in.example.org>\r\nRCPT TO:<{ACME}>\r\nDATA\r\nSubject: forged\r\n\r\nPay."
    emptied(listener)
    answer = exchange(
        listener.port,
        f"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\nSubject: x\r\n\r\nHi".encode()
        + end
        + smuggled.encode(),
    )
    assert is_smtp(answer)
    assert len(stored(listener)) == 1
    assert recipients(listener) == {SUPPORT}


def test_dots_cost_no_more_than_other_words(listener: Listener) -> None:
    """Else one mail would keep all others waiting. In seconds of the processor."""
    head = f"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\nSubject: x\r\n\r\n".encode()
    spent = []
    for line in (b"xx\r\n", b"x.\r\n", b"..\r\n", b"\n.\n.", b"\r\n.\r"):
        before = processor(listener)
        assert is_smtp(exchange(listener.port, head + line * 750_000))
        spent.append(processor(listener) - before)
    assert max(spent) < 5 * spent[0] + 0.5, spent


def processor(listener: Listener) -> float:
    assert listener.process is not None
    used, system = Path(f"/proc/{listener.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(used) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory(listener: Listener) -> int:
    """The most that the process ever had, in kB."""
    assert listener.process is not None
    status = Path(f"/proc/{listener.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]


LARGE = {
    "100,000 recipients": b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n" + b"RCPT TO:<support@in.example.org>\r\n" * 100_000,
    "100,000 strangers": b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n" + b"RCPT TO:<x@gmail.com>\r\n" * 100_000,
    "a command without an end": b"EHLO " + b"x" * 20_000_000,
    "a name without an end": b"MAIL FROM:<" + b'"' * 5_000_000 + b"\r\n",
    "nothing but line ends": b"\r\n" * 20_000,
    "nothing but NULs": b"\0" * 5_000_000,
    "log-ins": b"EHLO x\r\n" + b"AUTH PLAIN AHgAeQ==\r\n" * 20_000,
    "a header without an end": b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@in.example.org>\r\nDATA\r\nX: "
    + b"y" * 20_000_000,
    "dots": b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@in.example.org>\r\nDATA\r\n"
    + b"\r\n.." * 1_000_000,
    "mails begun": b"EHLO x\r\n" + b"MAIL FROM:<a@b.example>\r\nRSET\r\n" * 10_000,
}


@pytest.mark.parametrize("what", LARGE)
def test_the_memory_stays_bounded(listener: Listener, what: str) -> None:
    before = memory(listener)
    assert is_smtp(exchange(listener.port, LARGE[what]))
    assert memory(listener) - before < GROWTH
    with Talk(listener.port) as talk:
        assert talk.say("NOOP").startswith("250")

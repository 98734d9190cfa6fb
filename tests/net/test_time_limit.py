"""A server that sends a byte now and then keeps every read alive; the limit of the whole conversation ends it."""

import threading
import time
from collections.abc import Callable

import pytest

from postvak.net import imap_session, smtp_wire, time_limit
from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security
from postvak.net.time_limit import LONGEST, seconds_for
from postvak.receive import imap, pop3
from postvak.receive.imap import ImapSource
from postvak.receive.pop3 import Pop3Source
from postvak.receive.source import AfterStoring, Item, Source
from postvak.send import smtp
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import DRIP, scripted

SECONDS = 1.0
PROBES: dict[str, Callable[[Endpoint], object]] = {
    "imap": lambda endpoint: imap.probe(endpoint, ["INBOX"]),
    "pop3": pop3.probe,
    "smtp": smtp.probe,
}
GREETINGS = {"imap": b"* OK hi\r\n", "pop3": b"+OK hi\r\n", "smtp": b"220 hi\r\n"}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (imap_session, pop3, smtp_wire):
        monkeypatch.setattr(module, "LOG_IN", SECONDS)
    for module in (imap, pop3):
        monkeypatch.setattr(module, "ANSWER", SECONDS)
        monkeypatch.setattr(module, "LISTING", SECONDS)
    monkeypatch.setattr(imap, "IDLE_ANSWER", SECONDS)
    monkeypatch.setattr(time_limit, "ANSWER", SECONDS)


def endpoint_at(port: int, security: Security = Security.none) -> Endpoint:
    return Endpoint("127.0.0.1", port, security, username="ann", password="geheim")


def over(work: Callable[[], object]) -> ConnectionProblem:
    """The problem that ends the work, in time."""
    started = time.monotonic()
    with pytest.raises(ConnectionProblem) as caught:
        work()
    assert 0.9 < time.monotonic() - started < 4.5  # 3 seconds more for the goodbye
    assert caught.value.problem is Problem.timeout
    assert caught.value.said in {f"The answer was not complete after {seconds} seconds." for seconds in (1, 2)}
    return caught.value


@pytest.mark.parametrize("protocol", PROBES)
def test_a_greeting_that_drips(protocol: str) -> None:
    with scripted(DRIP + GREETINGS[protocol][:-2]) as port:
        problem = over(lambda: PROBES[protocol](endpoint_at(port)))
    assert problem.details["port"] == str(port)


@pytest.mark.parametrize("protocol", PROBES)
def test_a_tls_handshake_that_drips(protocol: str) -> None:
    with scripted(DRIP + b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x00") as port:  # the head of a long ServerHello
        over(lambda: PROBES[protocol](endpoint_at(port, Security.tls)))


@pytest.mark.parametrize("protocol", PROBES)
def test_a_log_in_that_drips(protocol: str) -> None:
    with scripted(GREETINGS[protocol], lambda _line: DRIP + b"x") as port:
        over(lambda: PROBES[protocol](endpoint_at(port)))


def pop3_script(line: bytes) -> bytes:
    answers = {
        b"UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
        b"LIST": b"+OK\r\n1 20\r\n2 20\r\n.\r\n",
        b"RETR 1": b"+OK\r\nbye\r\n.\r\n",
        b"RETR 2": DRIP + b"+OK\r\nSubject: ",
    }
    return answers.get(line, b"+OK\r\n")


def test_a_mail_that_drips_by_pop3_is_a_time_out_after_the_ones_before_it() -> None:
    with scripted(b"+OK hi\r\n", pop3_script) as port:
        source = Pop3Source(endpoint_at(port))
        mails = source.fetch([Item("UIDL/a", 20), Item("UIDL/b", 20)])
        assert next(mails).raw == b"bye\r\n"
        over(lambda: next(mails))
        source.close()


IMAP_ANSWERS = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n",
    b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n",
    b"SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n",
}
DRIPPING = b"* OK still th"


def imap_script(word: bytes) -> Callable[[bytes], bytes]:
    """Everything works but what contains `word`."""

    def answer(line: bytes) -> bytes:
        if word in line:
            return DRIP + DRIPPING
        said = next((said for name, said in IMAP_ANSWERS.items() if name in line), b"")
        return said + line.split(b" ")[0] + b" OK done\r\n"

    return answer


KEY = "INBOX/7/1"
WORK: dict[bytes, Callable[[Source], object]] = {
    b"SEARCH": lambda source: source.items(),
    b"FETCH": lambda source: list(source.fetch([Item(KEY, 20)])),
    b"STORE": lambda source: source.settle([KEY], AfterStoring.seen),
    b"NOOP": lambda source: source.start_idle(),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("word", WORK)
def test_a_command_of_imap_whose_answer_drips(word: bytes) -> None:
    with scripted(b"* OK hi\r\n", imap_script(word)) as port:
        source = ImapSource(endpoint_at(port), ["INBOX"])
        over(lambda: WORK[word](source))
        source.close()


def test_the_limit_grows_with_the_size_and_ends_with_it() -> None:
    assert seconds_for(0) == SECONDS
    assert seconds_for(20_000 * 50) == SECONDS + 50
    assert seconds_for(10**12) == LONGEST


@pytest.mark.servers
def test_what_works_is_not_cut_and_the_watchdog_goes_when_there_is_nothing_to_watch(dovecot: Dovecot) -> None:
    dovecot.add_user("limits", "geheim")
    source = ImapSource(dovecot.imap_endpoint("limits", "geheim", Security.starttls), ["INBOX"])
    for _ in range(8):
        assert source.items() == []
        time.sleep(0.2)  # more than the limit of one command, all together
    source.close()
    time.sleep(3 * time_limit.LOOK)
    assert "time-limits" not in {thread.name for thread in threading.enumerate()}

"""Fetching and deleting over POP3 from a real Dovecot."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security
from postvak.receive.pop3 import Pop3Source, probe
from postvak.receive.source import AfterStoring, Item
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import HANG_UP, scripted

_NUMBERS = count(1)
MAILS = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(4)]
ODD_MAILS = {
    "8-bit": b"Subject: Gr\xfc\xdfe\r\n\r\n\x80\xff\xc3\xa9\r\n",
    "long lines": b"Subject: x\r\n\r\n" + b"y" * 2049 + b"\r\n" + b"z" * 300_000 + b"\r\n",
    "dots": b"Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n...\r\nend.\r\n.\r\n",
    "bare CR": b"Subject: x\r\n\r\n\rstart\rmiddle\r\n\r\r\n",
    "no body": b"Subject: x\r\n\r\n",
    "large": b"Subject: x\r\n\r\n" + b".123456789abcdef\r\n" * 120_000,
}


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    name = f"pop{next(_NUMBERS)}"
    dovecot.add_user(name, "geheim")
    return name


@contextmanager
def opened(endpoint: Endpoint) -> Iterator[Pop3Source]:
    source = Pop3Source(endpoint)
    try:
        yield source
    finally:
        source.close()


@pytest.fixture
def source(dovecot: Dovecot, user: str) -> Iterator[Pop3Source]:
    """A session that began after the four MAILS had arrived."""
    for mail in MAILS:
        dovecot.deliver(user, mail)
    with opened(dovecot.pop3_endpoint(user, "geheim")) as source:
        yield source


def test_an_empty_maildrop_has_no_items(dovecot, user):
    with opened(dovecot.pop3_endpoint(user, "geheim")) as source:
        assert source.items() == []
        assert list(source.fetch([])) == []


@pytest.mark.parametrize("kind", ODD_MAILS)
def test_the_bytes_are_those_of_the_server(dovecot, user, kind):
    dovecot.deliver(user, ODD_MAILS[kind])
    with opened(dovecot.pop3_endpoint(user, "geheim")) as source:
        items = source.items()
        assert [mail.raw for mail in source.fetch(items)] == [ODD_MAILS[kind]]
    assert items[0].size == len(ODD_MAILS[kind])


def test_listing_again_shows_what_arrived_since(dovecot, user, source):
    assert len(source.items()) == 4
    dovecot.deliver(user, b"Subject: new\r\n\r\n")
    assert len(source.items()) == 5


def test_mails_come_in_order_of_arrival_with_stable_keys(dovecot, user, source):
    items = source.items()
    assert [mail.raw for mail in source.fetch(items)] == MAILS
    assert items == source.items()
    assert all(item.key.startswith("UIDL/") for item in items)


def test_known_mails_are_left_out(dovecot, user, source):
    items = source.items()
    assert source.items(skip={items[0].key, items[2].key}) == [items[1], items[3]]


def test_fetching_leaves_everything_on_the_server(dovecot, user, source):
    list(source.fetch(source.items()))
    source.close()
    assert dovecot.messages(user) == MAILS


def test_delete_is_effective_when_settle_returns(dovecot, user, source):
    items = source.items()
    source.settle([items[1].key, items[2].key], AfterStoring.delete)
    assert dovecot.messages(user) == [MAILS[0], MAILS[3]]


def test_deleting_twice_is_deleting_once(dovecot, user, source):
    key = source.items()[0].key
    source.settle([key], AfterStoring.delete)
    source.settle([key], AfterStoring.delete)
    assert dovecot.messages(user) == MAILS[1:]


def test_leave_changes_nothing(dovecot, user, source):
    source.settle([item.key for item in source.items()], AfterStoring.leave)
    source.close()
    assert dovecot.messages(user) == MAILS


@pytest.mark.parametrize("action", [AfterStoring.seen, AfterStoring.move])
def test_what_pop3_cannot_do_is_a_programming_error(source, action):
    with pytest.raises(ValueError, match=action):
        source.settle([], action, "Done")


def test_fetching_goes_on_after_settling_in_between(dovecot, user, source):
    got = []
    for mail in source.fetch(source.items()):
        got.append(mail.raw)
        source.settle([mail.key], AfterStoring.delete)
    assert got == MAILS
    assert dovecot.messages(user) == []


def test_a_mail_that_vanished_meanwhile_is_left_out(dovecot, user, source):
    items = source.items()
    source.settle([items[1].key], AfterStoring.delete)
    assert [mail.raw for mail in source.fetch(items)] == [MAILS[0], MAILS[2], MAILS[3]]


def test_the_probe_counts_and_changes_nothing(dovecot, user):
    dovecot.deliver(user, MAILS[0])
    seen = probe(dovecot.pop3_endpoint(user, "geheim"))
    assert (seen.said, seen.messages, seen.folders) == ("Dovecot for the tests is ready.", 1, ())
    assert dovecot.messages(user) == MAILS[:1]


def test_a_password_in_utf8_logs_in(dovecot):
    dovecot.add_user("popumlaut", "gehëim ключ")
    assert probe(dovecot.pop3_endpoint("popumlaut", "gehëim ключ")).messages == 0


# -- what Dovecot cannot be brought to do ------------------------------------------------------------


class Maildrop:
    """Three mails, of which the second cannot be read; notes what was said."""

    def __init__(self, **answers: bytes) -> None:
        self.heard: list[str] = []
        self._answers = {
            "USER": b"+OK\r\n",
            "PASS": b"+OK\r\n",
            "UIDL": b"+OK\r\n1 a\r\n2 b\r\n3 b\r\n.\r\n",
            "LIST": b"+OK\r\n1 5\r\n2 5\r\n3 5\r\n.\r\n",
            "RETR 1": b"+OK\r\nabc\n.\r\n\r\n..\r\nlast\r\n.\r\n",
            "RETR 2": b"-ERR cannot read mail 2\r\n",
            "RETR 3": b"+OK\r\nthree\r\n.\r\n",
            "DELE": b"+OK\r\n",
            "QUIT": b"+OK\r\n" + HANG_UP,
        } | {name.replace("_", " "): said for name, said in answers.items()}

    def __call__(self, line: bytes) -> bytes:
        self.heard.append(line.decode())
        said = (said for start, said in self._answers.items() if line.decode().startswith(start))
        return next(said, b"-ERR\r\n")


@contextmanager
def scripted_source(maildrop: Maildrop) -> Iterator[Pop3Source]:
    with scripted(b"+OK hi\r\n", maildrop) as port:
        endpoint = Endpoint("127.0.0.1", port, Security.none, username="u", password="p", read_timeout=5)
        with opened(endpoint) as source:
            yield source


def test_a_mail_that_the_server_cannot_read_stops_no_other_and_is_never_deleted():
    maildrop = Maildrop()
    with scripted_source(maildrop) as source:
        mails = source.fetch(source.items())
        assert [next(mails).raw, next(mails).raw] == [b"abc\n.\r\n\r\n.\r\nlast\r\n", b"three\r\n"]
        with pytest.raises(ConnectionProblem) as caught:
            next(mails)
    assert (caught.value.details["keys"], caught.value.said) == ("UIDL/b", "cannot read mail 2")
    assert not any(line.startswith("DELE") for line in maildrop.heard)


def test_mails_with_the_same_uidl_have_different_keys():
    with scripted_source(Maildrop()) as source:
        assert [item.key for item in source.items()] == ["UIDL/a", "UIDL/b", "UIDL/b 2"]


def test_a_connection_cut_in_the_middle_of_a_mail_gives_no_half_mail():
    with scripted_source(Maildrop(RETR_1=b"+OK\r\nhalf a ma" + HANG_UP)) as source:
        with pytest.raises(ConnectionProblem) as caught:
            list(source.fetch([Item("UIDL/a", 5)]))
        assert caught.value.problem is Problem.closed


def test_a_server_that_refuses_to_delete_is_not_believed():
    maildrop = Maildrop(QUIT=b"-ERR some deleted messages not removed\r\n" + HANG_UP)
    with scripted_source(maildrop) as source, pytest.raises(ConnectionProblem) as caught:
        source.settle(["UIDL/a"], AfterStoring.delete)
    assert caught.value.said == "some deleted messages not removed"


def test_a_maildrop_that_is_in_use_is_no_wrong_password():
    maildrop = Maildrop(PASS=b"-ERR [IN-USE] wait\r\n")
    with pytest.raises(ConnectionProblem) as caught, scripted_source(maildrop):
        pass
    assert caught.value.problem is Problem.rejected


def test_a_server_without_uidl_is_said_so():
    maildrop = Maildrop(UIDL=b"-ERR no UIDL here\r\n")
    with pytest.raises(ConnectionProblem) as caught, scripted_source(maildrop):
        pass
    assert (caught.value.problem, caught.value.said) == (Problem.protocol, "no UIDL here")


def test_a_line_break_in_the_password_is_no_second_command():
    maildrop = Maildrop()
    with scripted(b"+OK hi\r\n", maildrop) as port, pytest.raises(ConnectionProblem) as caught:
        Pop3Source(Endpoint("127.0.0.1", port, Security.none, username="u", password="p\r\nDELE 1"))
    assert caught.value.problem is Problem.login_refused
    assert maildrop.heard == []

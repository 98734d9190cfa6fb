"""Listing and fetching over IMAP from a real Dovecot."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from imapclient import IMAPClient

from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security, tls_context
from postvak.receive.imap import ImapSource, probe
from postvak.receive.source import Item
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import HANG_UP, scripted

_NUMBERS = count(1)
MAIL = b"From: ann@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
ODD_MAILS = {
    "8-bit": b"Subject: Gr\xfc\xdfe\r\n\r\n\x80\xff\xc3\xa9\r\n",
    "long lines": b"Subject: x\r\n\r\n" + b"y" * 5000 + b"\r\n" + b"z" * 70_000 + b"\r\n",
    "dots": b"Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n...\r\nend.\r\n.\r\n",
    "like a literal": b"Subject: {10}\r\n\r\n{3}\r\n)\r\nA1 OK done\r\n",
    "no body": b"Subject: x\r\n\r\n",
    "large": b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 120_000,
}


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    name = f"imap{next(_NUMBERS)}"
    dovecot.add_user(name, "geheim")
    return name


@pytest.fixture
def open_source(dovecot: Dovecot, user: str) -> Iterator[Callable[..., ImapSource]]:
    sources: list[ImapSource] = []

    def opened(*folders: str) -> ImapSource:
        sources.append(ImapSource(dovecot.imap_endpoint(user, "geheim"), folders))
        return sources[-1]

    yield opened
    for source in sources:
        source.close()


def expunge(dovecot: Dovecot, user: str, uid: int) -> None:
    endpoint = dovecot.imap_endpoint(user, "geheim")
    with IMAPClient("localhost", endpoint.port, ssl_context=tls_context(endpoint)) as other:
        other.login(user, "geheim")
        other.select_folder("INBOX")
        other.delete_messages([uid])
        other.expunge()


def test_an_empty_mailbox_has_no_items(open_source):
    source = open_source("INBOX")
    assert source.items() == []
    assert list(source.fetch([])) == []


@pytest.mark.parametrize("kind", ODD_MAILS)
def test_the_bytes_are_those_of_the_server(dovecot, user, open_source, kind):
    dovecot.deliver(user, ODD_MAILS[kind])
    source = open_source("INBOX")
    items = source.items()
    assert [item.size for item in items] == [len(ODD_MAILS[kind])]
    assert [mail.raw for mail in source.fetch(items)] == [ODD_MAILS[kind]]


def test_many_mails_come_in_order_of_arrival_with_large_ones_between(dovecot, user, open_source):
    mails = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(60)]
    mails[30] += b"x" * 1_100_000 + b"\r\n"
    for mail in mails:
        dovecot.deliver(user, mail)
    source = open_source("INBOX")
    assert [mail.raw for mail in source.fetch(source.items())] == mails


def test_fetching_leaves_mails_unseen(dovecot, user, open_source):
    dovecot.deliver(user, MAIL)
    source = open_source("INBOX")
    list(source.fetch(source.items()))
    source.close()
    assert dovecot.flags(user) == [set()]


def test_the_time_of_arrival_is_aware_and_utc(dovecot, user, open_source):
    dovecot.deliver(user, MAIL, arrived_at=datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC))
    source = open_source("INBOX")
    (mail,) = source.fetch(source.items())
    assert mail.arrived_at == datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)
    assert mail.arrived_at.tzinfo is UTC


def test_keys_are_stable_over_sessions_and_name_folder_uidvalidity_and_uid(dovecot, user, open_source):
    dovecot.deliver(user, MAIL, "Grüße/Ann & Bob")
    first, second = open_source("Grüße/Ann & Bob").items(), open_source("Grüße/Ann & Bob").items()
    assert first == second
    folder, uidvalidity, uid = first[0].key.rsplit("/", 2)
    assert (folder, uid) == ("Grüße/Ann & Bob", "1")
    assert uidvalidity.isdecimal()


def test_folders_are_listed_in_the_order_given(dovecot, user, open_source):
    for folder in ("INBOX", "A", "B"):
        dovecot.deliver(user, MAIL, folder)
    folders = [item.key.split("/")[0] for item in open_source("B", "INBOX", "A").items()]
    assert folders == ["B", "INBOX", "A"]


def test_known_mails_are_left_out(dovecot, user, open_source):
    for _ in range(3):
        dovecot.deliver(user, MAIL)
    source = open_source("INBOX")
    items = source.items()
    assert source.items(skip={items[0].key, items[1].key}) == items[2:]


def test_new_mail_shows_up_in_the_same_session(dovecot, user, open_source):
    source = open_source("INBOX")
    source.items()
    dovecot.deliver(user, MAIL)
    assert len(source.items()) == 1


def test_a_mail_that_vanished_meanwhile_is_left_out(dovecot, user, open_source):
    for _ in range(3):
        dovecot.deliver(user, MAIL)
    source = open_source("INBOX")
    items = source.items()
    expunge(dovecot, user, 2)
    assert [mail.key for mail in source.fetch(items)] == [items[0].key, items[2].key]


def test_a_mail_that_vanished_before_this_session_is_left_out(dovecot, user, open_source):
    dovecot.deliver(user, MAIL)
    items = open_source("INBOX").items()
    expunge(dovecot, user, 1)
    assert list(open_source("INBOX").fetch(items)) == []


def test_after_a_new_uidvalidity_old_keys_fetch_nothing(dovecot, user, open_source):
    dovecot.deliver(user, MAIL)
    source = open_source("INBOX")
    (item,) = source.items()
    folder, uidvalidity, uid = item.key.rsplit("/", 2)
    old = Item(f"{folder}/{int(uidvalidity) - 1}/{uid}", item.size)
    assert list(source.fetch([old])) == []


def test_a_wrong_folder_is_an_error_with_the_list_of_folders(dovecot, user, open_source):
    dovecot.deliver(user, MAIL, "Support")
    with pytest.raises(ConnectionProblem) as caught:
        open_source("Suport").items()
    assert caught.value.problem is Problem.no_such_folder
    assert caught.value.details["folder"] == "Suport"
    assert caught.value.details["folders"] == "INBOX, Support"
    assert "Mailbox doesn't exist: Suport" in caught.value.said


def test_a_password_in_utf8_logs_in(dovecot):
    dovecot.add_user("umlaut", "gehëim-ключ")
    assert probe(dovecot.imap_endpoint("umlaut", "gehëim-ключ"), ["INBOX"]).messages == 0


def test_a_password_with_quotes_and_backslashes_logs_in(dovecot):
    dovecot.add_user("quotes", 'a"b\\c d{3}')
    assert probe(dovecot.imap_endpoint("quotes", 'a"b\\c d{3}'), ["INBOX"]).messages == 0


def test_the_probe_counts_lists_and_changes_nothing(dovecot, user):
    dovecot.deliver(user, MAIL)
    dovecot.deliver(user, MAIL, "Support")
    seen = probe(dovecot.imap_endpoint(user, "geheim"), ["INBOX", "Support"])
    assert seen.said == "Dovecot for the tests is ready."
    assert (seen.messages, seen.folders) == (2, ("INBOX", "Support"))
    assert dovecot.flags(user) == [set()]


def test_waiting_ends_when_mail_arrives(dovecot, user, open_source):
    source = open_source("INBOX")
    source.items()
    arrival = threading.Timer(0.3, dovecot.deliver, [user, MAIL])
    arrival.start()
    assert source.wait(30)
    arrival.join()
    assert len(source.items()) == 1


def test_mail_that_arrived_between_listing_and_waiting_ends_the_wait(dovecot, user, open_source):
    source = open_source("INBOX")
    source.items()
    dovecot.deliver(user, MAIL)
    assert source.wait(30)


def test_waiting_for_mail_that_does_not_come_ends_in_time_and_the_session_goes_on(dovecot, user, open_source):
    source = open_source("INBOX")
    assert not source.wait(0.2)
    dovecot.deliver(user, MAIL)
    assert len(source.items()) == 1


# -- what Dovecot cannot be brought to do ------------------------------------------------------------


def imap_script(**answers: bytes) -> Callable[[bytes], bytes]:
    """Answers by command; %t is the tag.  A FETCH of the UID 2 is refused."""
    usual = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%t OK done\r\n",
        "LOGIN": b"%t OK done\r\n",
        "EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n%t OK [READ-ONLY]\r\n",
        "SEARCH": b"* SEARCH 1 2 3\r\n%t OK done\r\n",
        "LOGOUT": b"* BYE\r\n%t OK done\r\n",
    } | answers

    def answer(line: bytes) -> bytes:
        tag, *words = line.split(b" ")
        uids = words[2].decode() if b"FETCH" in words else ""
        if "2" in uids.split(","):
            return tag + b" NO [SERVERBUG] mail 2 is broken\r\n"
        if uids:
            return b"".join(
                b"* %b FETCH (UID %b INTERNALDATE \"01-Feb-2024 10:00:00 +0100\" BODY[] {5}\r\nabc%b\n)\r\n"
                % (uid.encode(), uid.encode(), uid.encode()) for uid in uids.split(",")
            ) + tag + b" OK done\r\n"  # fmt: skip
        word = next((word for word in usual if word.encode() in words), "")
        return usual[word].replace(b"%t", tag) if word else tag + b" BAD what\r\n"

    return answer


def scripted_endpoint(port: int) -> Endpoint:
    return Endpoint("127.0.0.1", port, Security.none, username="ann", password="geheim", read_timeout=5)


def test_a_mail_that_the_server_cannot_read_stops_no_other():
    with scripted(b"* OK hi\r\n", imap_script()) as port:
        source = ImapSource(scripted_endpoint(port), ["INBOX"])
        mails = source.fetch([Item(f"INBOX/7/{uid}", 5) for uid in (1, 2, 3)])
        assert [next(mails).raw, next(mails).raw] == [b"abc1\n", b"abc3\n"]
        with pytest.raises(ConnectionProblem) as caught:
            next(mails)
        source.close()
    assert caught.value.details["keys"] == "INBOX/7/2"
    assert "mail 2 is broken" in caught.value.said


def test_a_login_that_is_impossible_for_now_is_no_wrong_password():
    refusal = b"%t NO [UNAVAILABLE] Authentication server is down\r\n"
    with (
        scripted(b"* OK hi\r\n", imap_script(LOGIN=refusal)) as port,
        pytest.raises(ConnectionProblem) as caught,
    ):
        ImapSource(scripted_endpoint(port), [])
    assert caught.value.problem is Problem.rejected


def test_a_connection_cut_in_the_middle_of_a_mail_gives_no_half_mail():
    whole = imap_script()

    def answer(line: bytes) -> bytes:
        half = b"* 1 FETCH (UID 1 BODY[] {5}\r\nab" + HANG_UP
        return half if b"FETCH" in line else whole(line)

    with scripted(b"* OK hi\r\n", answer) as port:
        source = ImapSource(scripted_endpoint(port), ["INBOX"])
        with pytest.raises(ConnectionProblem) as caught:
            list(source.fetch([Item("INBOX/7/1", 5)]))
        source.close()
    assert caught.value.problem is Problem.closed


def test_closing_twice_or_after_the_server_has_gone_raises_nothing(dovecot, user):
    source = ImapSource(dovecot.imap_endpoint(user, "geheim"), ["INBOX"])
    source.close()
    source.close()


def test_a_stranger_is_told_so(dovecot):
    endpoint = replace(dovecot.imap_endpoint("nobody-here", "x"), read_timeout=10)
    with pytest.raises(ConnectionProblem) as caught:
        ImapSource(endpoint, [])
    assert caught.value.problem is Problem.login_refused

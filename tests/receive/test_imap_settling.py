"""What happens on the IMAP server after we have stored the mails: only to them, and as often as you like."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from imapclient import IMAPClient

from postvak.net.connection import ConnectionProblem, Problem, tls_context
from postvak.receive.imap import ImapSource
from postvak.receive.source import AfterStoring
from tests.servers.dovecot import Dovecot

_NUMBERS = count(1)
POOR = "IMAP4rev1 LITERAL+"  # neither UIDPLUS nor MOVE
BODIES = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(4)]


@pytest.fixture(scope="module")
def poor_dovecot() -> Iterator[Dovecot]:
    with Dovecot.running(capability=POOR) as server:
        yield server


@pytest.fixture(params=["dovecot", "poor_dovecot"])
def server(request: pytest.FixtureRequest) -> Dovecot:
    return request.getfixturevalue(request.param)


def new_user(server: Dovecot) -> str:
    name = f"settle{next(_NUMBERS)}"
    server.add_user(name, "geheim")
    for body in BODIES:
        server.deliver(name, body)
    return name


@contextmanager
def opened(server: Dovecot, user: str) -> Iterator[ImapSource]:
    source = ImapSource(server.imap_endpoint(user, "geheim"), ["INBOX"])
    try:
        yield source
    finally:
        source.close()


def mark_deleted(server: Dovecot, user: str, uid: int) -> None:
    """What another mail program does when its user deletes a mail without expunging."""
    endpoint = server.imap_endpoint(user, "geheim")
    with IMAPClient("localhost", endpoint.port, ssl_context=tls_context(endpoint)) as other:
        other.login(user, "geheim")
        other.select_folder("INBOX")
        other.add_flags([uid], [rb"\Deleted"])


def settle(source: ImapSource, numbers: list[int], action: AfterStoring, folder: str = "") -> None:
    items = source.items()
    source.settle([items[number].key for number in numbers], action, folder)


def test_leave_changes_nothing(server):
    user = new_user(server)
    with opened(server, user) as source:
        settle(source, [0, 1, 2, 3], AfterStoring.leave)
    assert server.flags(user) == [set()] * 4


def test_seen_marks_only_the_settled_mails(server):
    user = new_user(server)
    with opened(server, user) as source:
        settle(source, [1, 3], AfterStoring.seen)
    assert server.flags(user) == [set(), {"\\Seen"}, set(), {"\\Seen"}]


def test_delete_removes_only_the_settled_mails(server):
    user = new_user(server)
    with opened(server, user) as source:
        settle(source, [0, 2], AfterStoring.delete)
    assert server.messages(user) == [BODIES[1], BODIES[3]]


def test_delete_with_uidplus_leaves_foreign_deleted_mails_where_they_are(dovecot):
    user = new_user(dovecot)
    mark_deleted(dovecot, user, 2)
    with opened(dovecot, user) as source:
        settle(source, [0], AfterStoring.delete)
    assert dovecot.messages(user) == BODIES[1:]
    assert dovecot.flags(user) == [{"\\Deleted"}, set(), set()]


def test_delete_without_uidplus_only_marks_while_there_are_foreign_deleted_mails(poor_dovecot):
    user = new_user(poor_dovecot)
    mark_deleted(poor_dovecot, user, 2)
    with opened(poor_dovecot, user) as source:
        settle(source, [0], AfterStoring.delete)
    assert poor_dovecot.messages(user) == BODIES
    assert poor_dovecot.flags(user) == [{"\\Deleted"}, {"\\Deleted"}, set(), set()]


def test_move_leaves_foreign_deleted_mails_where_they_are(server):
    user = new_user(server)
    server.deliver(user, b"Subject: old\r\n\r\n", "Done/2026 Grüße")
    mark_deleted(server, user, 2)
    with opened(server, user) as source:
        settle(source, [0, 3], AfterStoring.move, "Done/2026 Grüße")
    assert {BODIES[1], BODIES[2]} <= set(server.messages(user))
    assert sorted(server.messages(user, "Done/2026 Grüße"))[:2] == [BODIES[0], BODIES[3]]


@pytest.mark.parametrize("action", [AfterStoring.seen, AfterStoring.move, AfterStoring.delete])
def test_settling_twice_is_settling_once(server, action):
    user = new_user(server)
    server.deliver(user, b"Subject: old\r\n\r\n", "Done")
    with opened(server, user) as source:
        keys = [item.key for item in source.items()][:2]
        source.settle(keys, action, "Done")
        once = server.messages(user), server.flags(user), server.messages(user, "Done")
        source.settle(keys, action, "Done")
    assert (server.messages(user), server.flags(user), server.messages(user, "Done")) == once


def test_a_move_that_was_interrupted_before_the_expunge_copies_nothing_twice(poor_dovecot):
    user = new_user(poor_dovecot)
    poor_dovecot.deliver(user, b"Subject: old\r\n\r\n", "Done")
    mark_deleted(poor_dovecot, user, 4)  # foreign: keeps ours from being expunged
    with opened(poor_dovecot, user) as source:
        settle(source, [0], AfterStoring.move, "Done")
        settle(source, [0], AfterStoring.move, "Done")
    assert poor_dovecot.messages(user, "Done").count(BODIES[0]) == 1


def test_moving_to_a_folder_that_does_not_exist_says_which_exist_and_moves_nothing(server):
    user = new_user(server)
    with opened(server, user) as source, pytest.raises(ConnectionProblem) as caught:
        settle(source, [0], AfterStoring.move, "Nowhere")
    assert caught.value.problem is Problem.no_such_folder
    assert caught.value.details["folder"] == "Nowhere"
    assert caught.value.details["folders"] == "INBOX"
    assert server.messages(user) == BODIES
    assert server.flags(user) == [set()] * 4


def test_keys_of_an_earlier_uidvalidity_touch_no_mail(server):
    user = new_user(server)
    with opened(server, user) as source:
        folder, uidvalidity, uid = source.items()[0].key.rsplit("/", 2)
        source.settle([f"{folder}/{int(uidvalidity) - 1}/{uid}"], AfterStoring.delete)
    assert server.messages(user) == BODIES


def test_fetching_goes_on_after_settling_in_between(server):
    user = new_user(server)
    with opened(server, user) as source:
        got = []
        for mail in source.fetch(source.items()):
            got.append(mail.raw)
            source.settle([mail.key], AfterStoring.delete)
    assert got == BODIES
    assert server.messages(user) == []


def test_more_mails_than_fit_into_one_command_are_all_deleted(dovecot):
    user = new_user(dovecot)
    for number in range(1100):
        dovecot.deliver(user, b"Subject: %d\r\n\r\n" % number)
    with opened(dovecot, user) as source:
        items = source.items()
        source.settle([item.key for item in items], AfterStoring.delete)
    assert len(items) == 1104
    assert dovecot.messages(user) == []

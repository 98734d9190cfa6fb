"""Faults of networks and servers, one after the other, by a proxy in front of a real Dovecot.

The same law for each: nothing is deleted on the server before its commit, no half mail is stored, the mailbox tells
the truth, and when the fault is over, every mail has exactly one ticket.
"""

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest
from imapclient import IMAPClient

from postvak.blobs import store
from postvak.models import Mailbox, Receipt, Ticket
from postvak.process.held import try_again
from postvak.process.run import process_due
from postvak.receive.fetch import Fetch, fetch_mailbox
from tests.servers.dovecot import Dovecot
from tests.torture.conftest import PASSWORD, MakeSite, Site, is_full, mails
from tests.torture.proxy import Fault, cut, do, drip, half_close, hang, late, reset, resized, say

pytestmark = [pytest.mark.django_db, pytest.mark.servers, pytest.mark.usefixtures("impatient")]
LITERAL = rb"BODY\[\] \{\d+\}\r\n"
CONTENT = {"imap": LITERAL, "pop3": rb"\+OK \d+ octets\r\n"}
KINDS = pytest.mark.parametrize("kind", ["imap", "pop3"])
MAILS = 5


def fetch(site: Site) -> Fetch:
    """One run, and what it brought processed."""
    site.mailbox.refresh_from_db()
    done = fetch_mailbox(site.mailbox, worker="torture:1:x")
    while process_due("torture:1:x"):
        pass
    site.mailbox.refresh_from_db()
    return done


def stored(site: Site) -> list[bytes]:
    blobs = Receipt.objects.filter(mailbox=site.mailbox).exclude(blob=None)
    return [store.get(digest) for digest in blobs.values_list("blob_id", flat=True)]


def check_nothing_is_lost(site: Site, sent: list[bytes]) -> None:
    """Each mail lies on the server or with us, and only whole mails do."""
    assert set(stored(site)) | set(site.left()) == set(sent)


def check_that_all_is_well(site: Site, sent: list[bytes], *, duplicates: int = 0) -> None:
    """One ticket per mail, an empty folder, and a mailbox without complaint."""
    outcomes = Counter(Receipt.objects.filter(mailbox=site.mailbox).values_list("outcome", flat=True))
    assert outcomes == Counter({"new_ticket": len(sent)}) + Counter({"duplicate": duplicates})
    assert set(stored(site)) == set(sent)
    assert Ticket.objects.count() == len(sent)
    assert site.left() == []
    assert (site.mailbox.last_problem, site.mailbox.failing_since, site.mailbox.failures) == ("", None, 0)
    assert site.mailbox.last_success_at is not None


def survive(site: Site, sent: list[bytes], problem: str) -> None:
    """A run that fails with `problem`, the end of the fault, a run that brings the rest."""
    done = fetch(site)
    assert done.problem is not None
    assert done.problem.problem.value == problem, done.problem
    check_nothing_is_lost(site, sent)
    assert (site.mailbox.last_problem, site.mailbox.failures) == (problem, 1)
    assert site.mailbox.failing_since is not None
    assert site.mailbox.last_said
    site.proxy.heal()
    assert fetch(site).problem is None
    check_that_all_is_well(site, sent)


# -- the connection ------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    ("act", "problem"),
    [(cut, "closed"), (reset, "closed"), (half_close, "closed"), (hang, "timeout")],
    ids=["cut", "reset", "half closed", "silent"],
)
def test_a_connection_that_fails_in_the_middle_of_a_mail(site: MakeSite, kind: str, act: object, problem: str) -> None:
    place = site(kind, [Fault(act, at=CONTENT[kind], nth=3, plus=70)])  # type: ignore[arg-type]
    place.deliver(mails(MAILS))
    survive(place, mails(MAILS), problem)


@KINDS
@pytest.mark.parametrize("after", range(0, 1600, 160))
def test_a_connection_that_is_cut_after_any_number_of_bytes(site: MakeSite, kind: str, after: int) -> None:
    place = site(kind, [Fault(cut, plus=after)])
    place.deliver(mails(3))
    fetch(place)
    assert place.mailbox.last_problem in {"", "closed"}  # and not that the password is wrong
    check_nothing_is_lost(place, mails(3))
    place.proxy.heal()
    assert fetch(place).problem is None
    check_that_all_is_well(place, mails(3))


@pytest.mark.parametrize(
    ("kind", "command"),
    [("imap", rb"UID EXPUNGE"), ("imap", rb"UID STORE"), ("pop3", rb"QUIT"), ("pop3", rb"DELE 2")],
)
@pytest.mark.parametrize("heard", [True, False])
def test_a_connection_that_is_cut_while_stored_mails_are_deleted(
    site: MakeSite, kind: str, command: bytes, heard: bool
) -> None:
    """`heard`: the server has done it, and we don't know."""
    line = command + rb"[^\r]*\r\n" if heard else command
    act = late_cut if heard else cut
    place = site(kind, [Fault(act, at=line, by_client=True)])
    place.deliver(mails(MAILS))
    fetch(place)
    assert set(stored(place)) == set(mails(MAILS))
    place.proxy.heal()
    fetch(place)
    check_that_all_is_well(place, mails(MAILS))


def late_cut(flow: object) -> None:
    """Time enough for the server to do what it was told, but not to tell us."""
    flow.source.shutdown(1)  # type: ignore[attr-defined]  # nothing goes to the client any more
    late(0.3)(flow)  # type: ignore[arg-type]
    cut(flow)  # type: ignore[arg-type]


@KINDS
def test_a_server_that_drips_one_byte_a_second_delays_and_spoils_nothing(site: MakeSite, kind: str) -> None:
    place = site(kind, [Fault(drip(4), at=CONTENT[kind], nth=2, plus=30)])
    place.deliver(mails(MAILS))
    assert fetch(place) == Fetch(seen=MAILS, stored=MAILS)
    check_that_all_is_well(place, mails(MAILS))


@KINDS
@pytest.mark.parametrize("tls", [True, False])
def test_a_greeting_just_within_the_time_limit_is_waited_for(site: MakeSite, kind: str, tls: bool) -> None:
    place = site(kind, always=[Fault(late(1.1))], tls=tls)
    place.deliver(mails(1))
    assert fetch(place).problem is None
    check_that_all_is_well(place, mails(1))


@KINDS
def test_a_greeting_that_comes_too_late_is_a_timeout(site: MakeSite, kind: str) -> None:
    place = site(kind, [Fault(late(3))])
    place.deliver(mails(1))
    survive(place, mails(1), "timeout")


@KINDS
def test_a_server_that_is_gone_for_a_while_is_found_again(site: MakeSite, kind: str) -> None:
    place = site(kind)
    place.deliver(mails(2))
    place.proxy.refuse()
    for failures in (1, 2, 3):
        assert fetch(place).problem is not None
        assert (place.mailbox.last_problem, place.mailbox.failures) == ("refused", failures)
    place.proxy.open()
    assert fetch(place).problem is None
    check_that_all_is_well(place, mails(2))


@KINDS
@pytest.mark.parametrize(
    ("act", "problem"),
    [(say(b"Welcome to a server without TLS\r\n"), "tls_failed"), (cut, "tls_failed"), (hang, "timeout")],
)
def test_tls_that_fails(site: MakeSite, kind: str, act: object, problem: str) -> None:
    place = site(kind, [Fault(act)], tls=True)  # type: ignore[arg-type]
    place.deliver(mails(2))
    survive(place, mails(2), problem)


@KINDS
def test_tls_that_breaks_in_the_middle_of_the_mails(site: MakeSite, kind: str) -> None:
    place = site(kind, [Fault(cut, plus=6000)], tls=True)
    place.deliver(mails(20))
    survive(place, mails(20), "closed")


# -- what the server says ------------------------------------------------------------


@pytest.mark.parametrize("by", [1, 2, 40, 100_000, -1, -2, -40])
def test_a_literal_with_a_wrong_size_is_never_stored_as_a_mail(site: MakeSite, by: int) -> None:
    place = site("imap")
    place.proxy.rewrite = resized(by)
    place.deliver(mails(MAILS))
    done = fetch(place)
    assert done.unreadable or place.mailbox.last_problem in {"closed", "protocol", "timeout"}
    assert stored(place) == []
    assert sorted(place.left()) == sorted(mails(MAILS))
    place.proxy.heal()
    assert fetch(place).problem is None
    check_that_all_is_well(place, mails(MAILS))


def test_bye_in_the_middle_of_a_fetch(site: MakeSite) -> None:
    place = site("imap", [Fault(say(b"* BYE Server is going down for maintenance\r\n"), at=rb"\r\n\)\r\n", nth=2)])
    place.deliver(mails(MAILS))
    survive(place, mails(MAILS), "closed")


BUSY = {
    "imap": b"* BYE 421 4.7.0 Too many connections, try again later\r\n",
    "pop3": b"-ERR [SYS/TEMP] 421 4.7.0 Too many connections, try again later\r\n",
}


@KINDS
def test_421_at_the_door_is_quoted_and_tried_again(site: MakeSite, kind: str) -> None:
    place = site(kind, [Fault(say(BUSY[kind]))])
    place.deliver(mails(2))
    assert fetch(place).problem is not None
    assert "421 4.7.0 Too many connections" in place.mailbox.last_said
    place.mailbox.refresh_from_db()
    place.proxy.scripts = [[Fault(say(b"421 4.7.0 Try again later\r\n"))]]
    assert fetch(place).problem is not None
    assert place.mailbox.failures == 2
    place.proxy.heal()
    fetch(place)
    check_that_all_is_well(place, mails(2))


# -- other clients ------------------------------------------------------------


def expunge(dovecot: Dovecot, user: str, uids: list[int]) -> None:
    """What an agent does in his own mail program."""
    with IMAPClient("localhost", dovecot.imap, ssl=False) as other:
        other.login(user, PASSWORD)
        other.select_folder("INBOX")
        other.delete_messages(uids)
        other.expunge()


def test_mails_that_another_client_expunges_under_our_feet_stop_nothing(site: MakeSite) -> None:
    place = site("imap")
    place.deliver(mails(MAILS))
    work = do(lambda: expunge(place.dovecot, place.user, [2, 4]))
    place.proxy.scripts = [[Fault(work, at=rb"UID FETCH [^\r]*BODY", by_client=True)]]
    assert fetch(place).problem is None
    kept = [raw for number, raw in enumerate(mails(MAILS), start=1) if number not in {2, 4}]
    got = set(stored(place))
    assert got >= set(kept)
    check_that_all_is_well(place, [raw for raw in mails(MAILS) if raw in got])


def test_a_uidvalidity_that_changes_in_the_middle_doubles_no_ticket_and_deletes_no_unknown_mail(site: MakeSite) -> None:
    place = site("imap")
    place.deliver(mails(MAILS))
    home = place.dovecot.folder / "mail" / place.user

    def forget() -> None:
        """As after a restore from a backup: the numbers begin anew."""
        for path in [home / "dovecot-uidlist", *home.glob("dovecot.index*")]:
            path.unlink(missing_ok=True)

    place.proxy.scripts = [[Fault(do(forget), at=LITERAL, nth=MAILS)]]
    fetch(place)
    check_nothing_is_lost(place, mails(MAILS))
    place.proxy.heal()
    for _ in range(2):
        fetch(place)
    again = Receipt.objects.filter(outcome="duplicate").count()
    check_that_all_is_well(place, mails(MAILS), duplicates=again)


def test_a_uidvalidity_that_changes_again_and_again_makes_receipts_but_no_tickets(site: MakeSite) -> None:
    place = site("imap", after_storing="leave")
    place.deliver(mails(MAILS))
    for _ in range(3):
        fetch(place)
        home = place.dovecot.folder / "mail" / place.user
        lines = (home / "dovecot-uidlist").read_text().split("\n")
        head = [f"V{int(word[1:]) + 1}" if word.startswith("V") else word for word in lines[0].split(" ")]
        (home / "dovecot-uidlist").write_text("\n".join([" ".join(head), *lines[1:]]))
        for path in home.glob("dovecot.index*"):
            path.unlink()
    assert Counter(Receipt.objects.values_list("outcome", flat=True)) == {"new_ticket": MAILS, "duplicate": 2 * MAILS}
    assert Ticket.objects.count() == MAILS
    assert len(place.left()) == MAILS


# -- one bad mail ------------------------------------------------------------


@KINDS
def test_a_mail_at_which_the_server_always_hangs_up_stops_no_other_mail_and_is_never_deleted(
    site: MakeSite, kind: str
) -> None:
    """Zammad #2754 in its worst form: the third mail can't even be skipped, the connection is gone."""
    place = site(kind)
    sent = mails(MAILS)
    poison = sent[2]
    marker = poison[: poison.index(b"\r\nMessage-ID")]
    place.proxy.always = [Fault(cut, at=marker)]
    place.deliver(sent)
    for _ in range(6):
        fetch(place)
    assert set(stored(place)) == set(sent) - {poison}
    assert place.left() == [poison]
    late_comer = mails(1, "late")
    place.deliver(late_comer)
    fetch(place)
    assert set(stored(place)) == {*sent, *late_comer} - {poison}
    held = Receipt.objects.held().get()
    assert held.blob_id is None
    fetch(place)
    assert place.mailbox.last_problem == ""
    assert place.left() == [poison]


@KINDS
def test_a_mail_that_is_held_because_the_server_can_not_read_it_is_never_deleted_there(
    site: MakeSite, kind: str
) -> None:
    """OTOBO sends DELE after -ERR to RETR. Here the held receipt has no bytes: they are on the server only."""
    place = site(kind)
    place.deliver(mails(2))
    key = source_key(place)
    Mailbox.objects.filter(pk=place.mailbox.pk).update(unreadable={key: 2})
    hold_as_unreadable(place, key)
    fetch(place)
    assert len(place.left()) == 1
    assert Receipt.objects.filter(outcome="new_ticket").count() == 1


def source_key(place: Site) -> str:
    from postvak.receive.fetch import open_source

    source = open_source(place.mailbox)
    try:
        return source.items()[0].key
    finally:
        source.close()


def hold_as_unreadable(place: Site, key: str) -> None:
    from django.utils import timezone

    from postvak.receive.unreadable import hold

    hold(place.mailbox, key, "message is corrupt", timezone.now())


# -- garbage ------------------------------------------------------------

PROTOCOL_LINE = re.compile(rb"(\* |\+|-|[A-Z]{4}\d+ |\d{1,3} \S+\r\n$)")
GARBAGE = [
    b"\r\n", b"* \r\n", b"* SEARCH 1 2 x\r\n", b"* 1 FETCH ()\r\n", b"* 99999999999999999999 EXISTS\r\n", b"+OK\r\n", b".\r\n",
    b"* OK [UIDVALIDITY x]\r\n", b"* 1 FETCH (UID x)\r\n", b"1\r\n", b"x y\r\n", b"\xff\xfe\x00\r\n", b"* LIST (\r\n",
    b"* 1 FETCH (RFC822.SIZE {3}\r\n", b'* CAPABILITY "\r\n', b"* SEARCH\r\n",
]  # fmt: skip


def garbled(chance: random.Random) -> Callable[[bytes], bytes]:
    """Now and then a line of the protocol (not of a mail) is damaged, missing, doubled, or something else altogether.

    One number never becomes another: a server that mixes its mails up can't be found out.
    """

    def rewrite(line: bytes) -> bytes:
        if not PROTOCOL_LINE.match(line) or chance.random() > 0.12:
            return line
        place = chance.randrange(len(line))
        other = chance.choice(b'\0 "(){}[]x\xff+-*')
        harmful = [
            b"",
            chance.choice(GARBAGE),
            line[:place] + bytes([other]) + line[place + 1 :],
            line[:place] + b"\r\n",
        ]
        if not re.match(rb"\+OK \d+ octets", line):  # what comes twice there is a part of the mail
            harmful += [line + line, chance.choice(GARBAGE) + line]
        return chance.choice(harmful)

    return rewrite


@KINDS
def test_whatever_garbage_a_server_says_the_mailbox_says_so_and_recovers(
    site: MakeSite, kind: str, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postvak.net.imap_session.GOODBYE_SECONDS", 0.2)
    monkeypatch.setattr("postvak.receive.pop3.GOODBYE_SECONDS", 0.2)
    monkeypatch.setattr("tests.torture.conftest.LIMIT", 0.4)
    place = site(kind, after_storing="leave")
    place.deliver(mails(MAILS))
    place.proxy.rewrite = garbled(chance)
    problems: Counter[str] = Counter()
    for _ in range(300 if is_full() else 25):
        done = fetch(place)  # raises nothing
        problems[done.problem.problem.value if done.problem else "none"] += 1
        assert (place.mailbox.last_problem == "") is (done.problem is None)
    print(problems)
    place.proxy.heal()
    try_again(Receipt.objects.held())  # a mail that broke three runs waits for a person, who sees it
    for _ in range(4):
        assert fetch(place).problem is None
    assert Ticket.objects.count() == MAILS
    assert set(stored(place)) == set(mails(MAILS))
    assert len(place.left()) == MAILS

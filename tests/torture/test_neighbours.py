"""Eight mailboxes in one worker, seven of them with a server that misbehaves: the eighth doesn't notice, the page of
each says what is wrong with it, and when the faults are over, all mail is there once. Also: rows of
users-pain-and-expectations that no other test shows."""

import html
import time
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from postvak.log.problems import sentence
from postvak.models import Agent, Mailbox, Queue, Receipt, Status, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.fetch import fetch_mailbox
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.torture.conftest import MakeSite, Site, mails
from tests.torture.plant import Plant, fetched, workers
from tests.torture.proxy import Fault, Proxy, Script, cut, drip, hang, late, reset, say

pytestmark = pytest.mark.servers
BODY = rb"BODY\[\] \{\d+\}\r\n"
FAULTS: dict[str, tuple[str, Script, str]] = {
    "cut": ("imap", [Fault(cut, at=BODY, plus=50)], "closed"),
    "reset": ("imap", [Fault(reset, at=BODY, plus=50)], "closed"),
    "bye": ("imap", [Fault(say(b"* BYE out of memory\r\n"))], "unavailable"),
    "silent": ("imap", [Fault(hang, at=BODY, plus=50)], ""),  # its minute isn't over
    "dripping": ("imap", [Fault(drip(10_000), at=BODY)], ""),
    "late": ("pop3", [Fault(late(29))], ""),
    "busy": ("pop3", [Fault(say(b"-ERR [SYS/TEMP] 421 try again later\r\n"))], "unavailable"),
}
EACH = 3


def test_seven_bad_servers_do_not_delay_the_mail_of_the_eighth(tmp_path: Path, dovecot: Dovecot) -> None:
    plant, stamp = Plant(tmp_path), time.time_ns()
    plant.data.mkdir()
    users = {name: f"{name}-{stamp}" for name in [*FAULTS, "good"]}
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(misbehaving(dovecot, name)) for name in FAULTS}
        toml = [fetched(dovecot, users[name], FAULTS[name][0], port=proxies[name].port, name=name) for name in FAULTS]
        plant.set_up(fetched(dovecot, users["good"], "imap", name="good"), *toml)
        for name, n in product(FAULTS, range(EACH)):
            dovecot.deliver(users[name], letter(name, n))
        stack.enter_context(workers(plant, 1))
        wait_until(lambda: all(proxy.seen for proxy in proxies.values()), seconds=30, what="all connections")
        check_that_the_good_one_is_quick(plant, dovecot, users["good"])
        for name, (_kind, _script, problem) in FAULTS.items():
            wait_until(lambda: plant.state_of(name)[0] == problem, seconds=10, what=f"{problem} at {name}")  # noqa: B023
            assert len(dovecot.messages(users[name])) == EACH
        for proxy in proxies.values():
            proxy.heal()
            proxy.break_all()
        wait_until(lambda: has_everything(plant), seconds=50, what="all tickets")
        wait_until(lambda: {plant.state_of(name) for name in FAULTS} == {("", 0)}, seconds=20, what="good states")
        wait_until(lambda: not any(map(dovecot.messages, users.values())), seconds=20, what="empty folders")
    plant.check_books([f"{name} {n}" for name in users for n in range(EACH)])


def misbehaving(dovecot: Dovecot, name: str) -> AbstractContextManager[Proxy]:
    kind, script, _problem = FAULTS[name]
    return Proxy.running(dovecot.imap if kind == "imap" else dovecot.pop3, always=script)


def check_that_the_good_one_is_quick(plant: Plant, dovecot: Dovecot, user: str) -> None:
    for n in range(EACH):
        began = time.monotonic()
        dovecot.deliver(user, letter("good", n))
        wait_until(lambda: plant.is_done(n + 1), seconds=10, what="the good mailbox's ticket")  # noqa: B023
        print(f"a mail at the good server was a ticket after {time.monotonic() - began:.1f} s")


def has_everything(plant: Plant) -> bool:
    plant.fetch_now()
    time.sleep(0.3)
    return plant.is_done(EACH * (len(FAULTS) + 1))


def letter(name: str, number: int) -> bytes:
    return mail(subject=f"{name} {number}", message_id=f"{name}-{number}@customer.example")


# -- users' pain ------------------------------------------------------------


def fetch(place: Site) -> None:
    place.mailbox.refresh_from_db()
    fetch_mailbox(place.mailbox, worker="torture:1:x")
    while process_due("torture:1:x"):
        pass
    place.mailbox.refresh_from_db()


@pytest.mark.django_db
def test_a_mail_that_somebody_has_read_in_outlook_is_fetched_all_the_same(site: MakeSite) -> None:
    """Row 1."""
    place = site("imap", after_storing="leave")
    place.deliver(mails(2))
    home = place.dovecot.folder / "mail" / place.user
    for path in list((home / "new").iterdir()):
        path.rename(home / "cur" / f"{path.name}:2,S")
    fetch(place)
    assert Ticket.objects.count() == 2


@pytest.mark.django_db
def test_a_mail_older_than_any_outage_is_fetched(site: MakeSite) -> None:
    """Row 14: there is no "since yesterday"; what lay on the server for a year comes in."""
    place = site("imap", after_storing="leave")
    place.dovecot.deliver(place.user, mails(1)[0], arrived_at=timezone.now() - timedelta(days=400))
    fetch(place)
    assert Ticket.objects.count() == 1


@pytest.mark.django_db
def test_mails_are_copied_to_the_archive_folder_once_however_often_we_fetch(site: MakeSite) -> None:
    """Row 6: osTicket copied the whole folder every minute until the disk was full."""
    place = site("imap", after_storing="move", move_to="Done")
    place.deliver(mails(1, "older"), "Done")
    place.deliver(mails(10))
    for _ in range(5):
        fetch(place)
    assert len(place.dovecot.messages(place.user, "Done")) == 11
    assert Ticket.objects.count() == 10


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Cc", "Bcc", "X-Nothing"])
def test_a_mail_that_names_our_address_nowhere_or_in_cc_has_a_home(
    mailbox: Mailbox, support: Queue, header: str
) -> None:
    """Row 15."""
    raw = mail(to="somebody@else.example").replace(b"Subject:", f"{header}: support@example.org\r\nSubject:".encode())
    accept(mailbox, [Arrived("a", raw)])
    while process_due("torture:1:x"):
        pass
    assert Receipt.objects.get().outcome == "new_ticket"
    assert Ticket.objects.get().queue_id is not None


@pytest.mark.django_db
def test_a_ticket_in_the_trash_does_not_come_back_with_the_next_fetch(site: MakeSite) -> None:
    """Row 16: the mail still lies on the server, even under a new UIDVALIDITY."""
    place = site("imap", after_storing="leave")
    place.deliver(mails(1))
    fetch(place)
    Ticket.objects.update(status=Status.objects.get(key="trash"), is_open=False)
    deadline = time.monotonic() + 15  # a new UIDVALIDITY is the time in seconds: it may take one to become another
    while Receipt.objects.count() == 1 and time.monotonic() < deadline:
        for path in [*(place.dovecot.folder / "mail" / place.user).glob("dovecot*")]:
            path.unlink()
        fetch(place)
    assert Ticket.objects.get().status.key == "trash"
    assert set(Receipt.objects.values_list("outcome", flat=True)) == {"new_ticket", "duplicate"}


@pytest.mark.django_db
def test_a_new_mailbox_sends_and_deletes_nothing_until_it_goes_live(site: MakeSite) -> None:
    """Row 18."""
    place = site("imap", is_look_only=True, after_storing="delete")
    place.deliver(mails(20))
    fetch(place)
    assert len(place.left()) == 20
    assert (Ticket.objects.count(), Receipt.objects.filter(state="received").count()) == (0, 20)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([Fault(cut)], "EOF"),
        ([Fault(say(b"* BYE sorry, the house is full\r\n"))], "the house is full"),
        ([Fault(say(b"\x00garbage\xff\r\n"))], "garbage"),
    ],
)
def test_each_fault_is_explained_on_the_page_of_the_mailbox_with_the_servers_words(
    site: MakeSite, client: Client, admin: Agent, script: Script, said: str
) -> None:
    """Row 12: never an empty error text."""
    client.force_login(admin)
    place = site("imap", script)
    fetch(place)
    cause, remedy = sentence(place.mailbox.last_problem, place.mailbox.last_details)
    page = html.unescape(client.get(f"/admin/mailboxes/{place.mailbox.pk}/").content.decode())
    assert said in place.mailbox.last_said
    assert said in page
    assert cause in page
    assert remedy in page

"""The pure parts of the listener: commands, addresses, limits; and what becomes of a mail for two mailboxes."""

import ssl
from pathlib import Path

import pytest

from postvak.configuration import ConfigurationError, ListenAddress, Listening
from postvak.models import Mailbox, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept_each
from postvak.receive.listener.directory import MARGIN, MEGABYTE, make
from postvak.receive.listener.limits import Limits, Room
from postvak.receive.listener.reception import Certificate, read_certificate
from postvak.receive.listener.sockets import open_ports
from postvak.receive.listener.syntax import read_path
from tests.mails import mail
from tests.servers.tls import make_certificates


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        ("FROM:<ann@x.example>", "ann@x.example"),
        ("from: <ann@x.example> ", "ann@x.example"),
        ("FROM:ann@x.example SIZE=1", "ann@x.example"),
        ("FROM:<>", ""),
        ('FROM:<"ann b"@x.example>', '"ann b"@x.example'),
        ('FROM:<"a>\\"b"@x.example> SIZE=1', '"a>\\"b"@x.example'),
        ("FROM:<@relay.example,@two.example:ann@x.example>", "ann@x.example"),
    ],
)
def test_addresses_in_commands_are_read_tolerantly(argument: str, address: str) -> None:
    path = read_path(argument, "FROM:")
    assert path is not None
    assert path.address == address


@pytest.mark.parametrize("argument", [None, "", "FROM", "FROM:", "TO:<a@b>", "FROM:<a@b", "FROM:<a b>", "FROM:<a@b>x"])
def test_what_is_no_address_is_not_read(argument: str | None) -> None:
    assert read_path(argument, "FROM:") is None


def test_parameters_are_named_in_capitals() -> None:
    path = read_path("FROM:<a@b.example> size=12 SMTPUTF8 Body=8BITMIME", "FROM:")
    assert path is not None
    assert path.parameters == {"SIZE": "12", "SMTPUTF8": "", "BODY": "8BITMIME"}


def test_a_huge_command_is_read_quickly() -> None:
    assert read_path("FROM:<" + '"' * 4000, "FROM:") is None
    assert read_path("FROM:<" + '\\"' * 2000 + " " * 2000, "FROM:") is None


def box(pk: int, addresses: str, size_limit: int = 50) -> Mailbox:
    return Mailbox(pk=pk, name=str(pk), kind="forward", forward_addresses=addresses, size_limit=size_limit)


def test_addresses_belong_to_their_mailbox_and_postmaster_where_it_is_clear() -> None:
    one = box(1, "support@a.example; sales@a.example\nsupport@münchen.example", 20)
    two = box(2, "support@b.example, x+y@b.example, sales@a.example, info@a.example", 30)
    directory = make([one, two])
    assert directory.mailbox_of("Support+shop@A.EXAMPLE") is one
    assert directory.mailbox_of("sales@a.example") is one
    assert directory.mailbox_of("support@xn--mnchen-3ya.example") is one
    assert directory.mailbox_of("x+y@b.example") is two
    assert directory.mailbox_of("x@b.example") is None
    assert directory.mailbox_of("postmaster@b.example") is two
    assert directory.mailbox_of("postmaster@a.example") is None
    assert directory.mailbox_of("postmaster") is None
    assert make([one]).mailbox_of("Postmaster") is one
    assert directory.largest == 30 * MEGABYTE + MARGIN


def test_peers_are_counted_by_address_and_ipv6_by_network() -> None:
    limits = Limits(connections=2, mails_per_minute=1)
    assert [limits.enter(ip) for ip in ("2001:db8::1", "2001:db8::2", "2001:db8::3")] == [True, True, False]
    assert [limits.enter(ip) for ip in ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2")] == [
        True,
        True,
        False,
        True,
    ]
    limits.leave("10.0.0.1")
    assert limits.enter("10.0.0.1")
    assert [limits.enter("") for _ in range(3)] == [True] * 3


def test_memory_for_mails_is_limited_for_one_and_for_all() -> None:
    limits = Limits(connections=2, mails_per_minute=1)
    small = Room(limits, 100)
    assert [small.take(60), small.take(60), small.take(1)] == [True, False, False]
    assert small.reply.startswith("552")
    large = [Room(limits, 100 * MEGABYTE) for _ in range(3)]
    assert [room.take(100 * MEGABYTE) for room in large] == [True, True, False]
    assert large[2].reply.startswith("452")
    large[0].give_back()
    large[1].give_back()
    assert limits.bytes == 0


def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    certificate = Certificate(made.certificate, made.key)
    first = certificate.current()
    assert certificate.current() is first
    make_certificates(tmp_path)
    second = certificate.current()
    assert isinstance(second, ssl.SSLContext)
    assert second is not first
    made.certificate.write_text("half a certifi")
    assert certificate.current() is second


def test_a_certificate_or_place_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "no.pem"
    with pytest.raises(ConfigurationError, match="can't be used"):
        read_certificate(Listening(certificate=missing, key=missing))
    with pytest.raises(ConfigurationError, match=r"unix:/no/such/folder/lmtp can't be used"):
        open_ports(Listening((ListenAddress("lmtp", path="/no/such/folder/lmtp"),)))


@pytest.mark.django_db
def test_of_a_mail_for_two_mailboxes_the_first_gets_the_ticket(support: Queue, sales: Queue) -> None:
    boxes = [Mailbox.objects.create(name=queue.name, kind="forward", queue=queue) for queue in (sales, support)]
    accept_each([(box, Arrived("SMTP/1", mail(), envelope_to=(f"{box.pk}@in.example.org",))) for box in boxes])
    while process_due("test:1:x"):
        pass
    first, second = Receipt.objects.order_by("pk")
    assert (first.mailbox, first.outcome) == (boxes[0], "new_ticket")
    assert (second.mailbox, second.outcome, second.ticket_id) == (boxes[1], "duplicate", first.ticket_id)
    assert Ticket.objects.get().queue == sales


@pytest.mark.django_db
def test_a_mail_that_is_sent_again_after_a_lost_reply_is_a_duplicate(support: Queue) -> None:
    box = Mailbox.objects.create(name="In", kind="forward", queue=support)
    accept_each([(box, Arrived("SMTP/1", mail()))])
    accept_each([(box, Arrived("SMTP/2", mail()))])
    while process_due("test:1:x"):
        pass
    assert list(Receipt.objects.order_by("pk").values_list("outcome", flat=True)) == ["new_ticket", "duplicate"]
    assert Ticket.objects.count() == 1

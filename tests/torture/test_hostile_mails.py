"""The mails at which the peers failed (peers-under-faults), through the whole pipeline: each has a home, soon."""

import time

import pytest

from postvak.models import Mailbox, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail

pytestmark = pytest.mark.django_db
SECONDS = 10.0
HEAD, _, BODY = mail().partition(b"\r\n\r\n")
FROM = b"From: Ann Archer <ann@customer.example>\r\n"
HEAVY = {
    "subject of 1 MB": mail(subject="x" * 1_000_000),
    "3,000 parts": HEAD.replace(b"text/plain; charset=utf-8", b"multipart/mixed; boundary=b")
    + b"\r\n\r\n" + b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n" * 3000 + b"--b--\r\n",
    "3,000 Cc": mail(cc=", ".join(f"c{n}@customer.example" for n in range(3000))),
    "5,000 header lines": HEAD + b"".join(b"\r\nX-Line-%d: something" % n for n in range(5000)) + b"\r\n\r\n" + BODY,
}  # fmt: skip
ODD = {
    "without From": mail().replace(FROM, b""),
    "garbage From": mail().replace(FROM, b"From: \xff\xfe<<>>,,;@\r\n"),
    "empty From": mail().replace(FROM, b"From: <>\r\n"),
    "body without headers": b"Hello, my lamp flickers.\r\nAnn\r\n",
    "UTF-16": mail().replace(b"charset=utf-8", b"charset=utf-16").replace(BODY, "Hällo".encode("utf-16")),
    "UTF-7": mail().replace(b"charset=utf-8", b"charset=utf-7").replace(BODY, b"H+AOQ-llo"),
    "not UTF-8": mail().replace(BODY, b"Gr\xfc\xdfe \x80\xff"),
    "all NUL": b"\0" * 1000,
    "empty": b"",
}


def process(mailbox: Mailbox, raws: list[bytes]) -> list[str]:
    """The outcomes, in the order of the mails."""
    accept(mailbox, [Arrived(f"s{number}", raw) for number, raw in enumerate(raws)])
    while process_due("torture:1:x"):
        pass
    return list(Receipt.objects.order_by("id").values_list("outcome", flat=True))


@pytest.mark.parametrize("name", HEAVY)
def test_a_mail_that_stopped_the_peers_for_minutes_is_a_ticket_within_seconds(
    mailbox: Mailbox, support: Queue, name: str
) -> None:
    began = time.monotonic()
    assert process(mailbox, [HEAVY[name]]) == ["new_ticket"]
    print(f"{name}: {time.monotonic() - began:.2f} s")
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("name", ODD)
def test_a_mail_that_got_no_ticket_there_has_a_ticket_or_is_held_here_and_the_next_goes_on(
    mailbox: Mailbox, support: Queue, name: str
) -> None:
    odd, good = process(mailbox, [ODD[name], mail(message_id="good@customer.example", text="Good.")])
    assert (odd in {"new_ticket", "held"}, good) == (True, "new_ticket")
    assert Receipt.objects.get(outcome=odd, source="s0").trace.entries


def test_the_same_message_id_three_times_is_one_ticket(mailbox: Mailbox, support: Queue) -> None:
    assert process(mailbox, [mail()] * 3) == ["new_ticket", "duplicate", "duplicate"]
    assert Ticket.objects.count() == 1

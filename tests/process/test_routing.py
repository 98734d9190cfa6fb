"""Into which queue a new ticket goes: control header or filter, fixed queue, recipient headers in order, default."""

import pytest

from postvak.models import Address, Mailbox, Queue
from postvak.process.held import release
from postvak.process.run import process_due
from tests.mails import mail
from tests.process.arrivals import codes, make_filter, receive

pytestmark = pytest.mark.django_db
ORDER = ("delivered_to", "x_original_to", "envelope_to", "x_envelope_to", "to", "cc")  # behind the envelope itself


@pytest.fixture(autouse=True)
def queues(support: Queue, sales: Queue) -> None:
    """A queue with an address for each place that can name a recipient."""
    for name in ("envelope", *ORDER):
        queue = Queue.objects.create(name=name, brand=support.brand)
        Address.objects.create(email=f"{name}@example.org", queue=queue)


def queue_of(mailbox: Mailbox, raw: bytes, **arrived: object) -> str:
    (receipt,) = receive(mailbox, raw, **arrived)
    assert receipt.ticket is not None
    return receipt.ticket.queue.name


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_recipient_headers_count_in_their_order(mailbox: Mailbox, first: int) -> None:
    headers = {"to": "nobody@example.org"} | {name: f"{name}@example.org" for name in ORDER[first:]}
    raw = mail(**headers)
    assert queue_of(mailbox, raw) == ORDER[first]
    assert queue_of(mailbox, raw.replace(b"m1@", b"m2@"), envelope_to=("ENVELOPE+x@Example.org",)) == "envelope"


def test_the_order_of_lines_in_the_mail_makes_no_difference(mailbox: Mailbox) -> None:
    raw = b"Cc: cc@example.org\r\n" + mail(to="to@example.org", delivered_to="delivered_to@example.org")
    assert queue_of(mailbox, raw) == "delivered_to"


@pytest.mark.parametrize(
    "written", ["SALES@EXAMPLE.ORG", "sales+invoice@example.org", '"Sales, NL" <sales@example.org>']
)
def test_letter_case_sub_address_and_name_make_no_difference(mailbox: Mailbox, written: str) -> None:
    assert queue_of(mailbox, mail(to=written)) == "Sales"


def test_an_address_that_is_invalid_is_none_of_ours(mailbox: Mailbox) -> None:
    Address.objects.filter(email="sales@example.org").update(is_valid=False)
    assert queue_of(mailbox, mail(to="sales@example.org", cc="cc@example.org")) == "cc"


def test_the_first_of_ours_among_strangers_counts(mailbox: Mailbox) -> None:
    assert queue_of(mailbox, mail(to="x@y.example, cc@example.org, to@example.org")) == "cc"


def test_a_fixed_queue_wins_over_addresses_and_a_control_header_over_both(mailbox: Mailbox, sales: Queue) -> None:
    Mailbox.objects.update(queue=sales, is_trusted=True)
    assert queue_of(mailbox, mail()) == "Sales"
    assert queue_of(mailbox, mail(message_id="m2@x.example", x_postvak_queue="Support")) == "Support"


def test_a_filter_wins_over_a_control_header(mailbox: Mailbox, sales: Queue) -> None:
    Mailbox.objects.update(is_trusted=True)
    make_filter("10", ("queue", "Sales"))
    assert queue_of(mailbox, mail(x_postvak_queue="Support")) == "Sales"


@pytest.mark.parametrize(("wished", "code"), [("Nowhere", "unknown_queue"), ("old", "invalid_queue")])
@pytest.mark.parametrize("fixed", [True, False])
def test_a_queue_that_cant_be_used_is_passed_over_with_a_warning(
    mailbox: Mailbox, sales: Queue, wished: str, code: str, fixed: bool
) -> None:
    Queue.objects.create(name="Old", brand=sales.brand, is_valid=False)
    Mailbox.objects.update(is_trusted=True, queue=sales if fixed else None)
    (receipt,) = receive(mailbox, mail(x_otobo_queue=wished))
    assert receipt.ticket is not None
    assert receipt.ticket.queue.name == ("Sales" if fixed else "Support")
    assert code in codes(receipt)


def test_a_very_long_wish_is_cut_in_the_trace(mailbox: Mailbox) -> None:
    Mailbox.objects.update(is_trusted=True)
    (receipt,) = receive(mailbox, mail(x_otobo_queue="x" * 50_000))
    assert max(len(str(entry)) for entry in receipt.trace.entries) < 1000


def test_a_queue_named_as_a_path_is_found_by_the_whole_name_first(mailbox: Mailbox, sales: Queue) -> None:
    Queue.objects.create(name="Company::Sales", brand=sales.brand)
    Mailbox.objects.update(is_trusted=True)
    assert queue_of(mailbox, mail(x_otobo_queue="company::sales")) == "Company::Sales"
    assert queue_of(mailbox, mail(message_id="m2@x.example", x_otobo_queue="Other :: Sales")) == "Sales"


def test_who_lets_a_held_mail_through_chooses_its_queue_before_everything_else(mailbox: Mailbox, sales: Queue) -> None:
    make_filter("10", ("queue", "Support"), ("hold", "Look at it"))
    (receipt,) = receive(mailbox, mail())
    assert receipt.outcome == "held"
    release([receipt], queue=sales)
    process_due("test:1:x")
    receipt.refresh_from_db()
    assert receipt.ticket is not None
    assert receipt.ticket.queue == sales


def test_answers_go_out_from_the_address_that_was_written_to_whatever_the_queue(mailbox: Mailbox, sales: Queue) -> None:
    make_filter("10", ("queue", "Sales"))
    (receipt,) = receive(mailbox, mail(to="to@example.org"))
    assert receipt.ticket is not None
    assert receipt.ticket.queue == sales
    assert receipt.ticket.reply_address is not None
    assert receipt.ticket.reply_address.email == "to@example.org"


def test_nothing_new_goes_to_a_fixed_queue_that_became_invalid(mailbox: Mailbox, sales: Queue) -> None:
    Mailbox.objects.update(queue=sales)
    Queue.objects.filter(pk=sales.pk).update(is_valid=False)
    (receipt,) = receive(mailbox, mail())
    assert receipt.ticket is not None
    assert receipt.ticket.queue.name == "Support"
    assert "invalid_queue" in codes(receipt)

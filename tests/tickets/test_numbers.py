"""Numbers: unique, without gaps on one transaction, and recognised in subjects whatever generator made them."""

from datetime import date
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction

from postvak.mail.threading import is_ticket_number, numbers_in_subject
from postvak.models import Options, Ticket, TicketCounter
from postvak.tickets.numbers import allocate
from tests.tickets.conftest import Receive

DAY = date(2026, 11, 21)
KINDS = ("date", "counter", "random")


def use(kind: str) -> None:
    Options.objects.update(numbers=kind)


@pytest.mark.django_db
def test_a_dated_number_counts_by_day_and_has_a_check_digit() -> None:
    numbers = [*allocate(2, DAY), *allocate(1, date(2026, 11, 22)), *allocate(1, DAY)]
    assert [number[:-1] for number in numbers] == ["2026112100001", "2026112100002", "2026112200001", "2026112100003"]
    assert all(is_ticket_number(number) for number in numbers)


@pytest.mark.django_db
def test_a_plain_counter_has_five_digits_and_knows_no_days() -> None:
    use("counter")
    assert [*allocate(2, DAY), *allocate(1, date(2026, 11, 22))] == ["10001", "10002", "10003"]


@pytest.mark.django_db
def test_a_plain_counter_counts_on_over_a_taken_number(receive: Receive) -> None:
    receive()
    Ticket.objects.update(number="10002")
    use("counter")
    assert allocate(3, DAY) == ["10001", "10003", "10004"]


@pytest.mark.django_db
def test_a_dated_counter_counts_on_over_a_taken_number(receive: Receive) -> None:
    taken = [*allocate(3, DAY)][1]
    receive()
    Ticket.objects.update(number=taken)
    TicketCounter.objects.filter(day=DAY).update(last=0)  # as in a database that was restored
    assert [number[:-1] for number in allocate(3, DAY)] == ["2026112100001", "2026112100003", "2026112100004"]


@pytest.mark.django_db
def test_random_numbers_have_ten_digits_and_a_check_digit() -> None:
    use("random")
    numbers = allocate(200, DAY)
    assert len(set(numbers)) == 200
    assert all(len(number) == 11 and number[0] != "0" and is_ticket_number(number) for number in numbers)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_a_rolled_back_transaction_leaves_no_gap(kind: str) -> None:
    use(kind)
    with transaction.atomic():
        first = allocate(3, DAY)
        transaction.set_rollback(True)
    again = allocate(3, DAY)
    assert again == first or kind == "random"


@pytest.mark.django_db
def test_no_ticket_needs_no_number(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert allocate(0, DAY) == []


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hook", ["#", "Ticket#", "Zaak "])
def test_every_number_is_found_again_behind_the_hook(kind: str, hook: str) -> None:
    use(kind)
    number = allocate(1, DAY)[0]
    assert numbers_in_subject(f"Re: x [{hook}{number}]", hook=hook) == (number,)


@pytest.mark.django_db
def test_a_reply_with_a_number_of_a_generator_used_earlier_finds_its_ticket(receive: Receive) -> None:
    tickets = []
    for kind in KINDS:
        use(kind)
        tickets.append(receive(subject=kind))
    for ticket in tickets:
        assert receive(subject=f"AW: [#{ticket.number}]") == ticket


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_at_once_never_get_the_same_number(kind: str) -> None:
    use(kind)
    start, found = Barrier(2), []

    def work() -> None:
        start.wait()
        for _ in range(10):
            with transaction.atomic():
                found.extend(allocate(3, DAY))
        connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == len(set(found)) == 60

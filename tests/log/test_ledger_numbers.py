"""The ledger's numbers add up at every moment, whatever happens to mails and whenever the deltas are folded."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.log.ledger.numbers import IN, OUT, STATES, count_lines, fold, real_totals, totals
from postvak.models import (
    Channel,
    Delivery,
    LedgerDelta,
    LedgerEntry,
    LedgerTally,
    Mailbox,
    OutgoingMail,
    Receipt,
    Ticket,
)
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer, answer
from tests.clock import Clock
from tests.mails import mail
from tests.process.arrivals import receive
from tests.web.ledger_mails import World

pytestmark = pytest.mark.django_db
numbers = count()


@pytest.fixture
def world(mailbox: Mailbox, support: object, bob: object, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(mailbox, support, bob, channel, monkeypatch.setattr)  # type: ignore[arg-type]


def check() -> None:
    real = real_totals()
    lines = count_lines(LedgerEntry.objects.all())
    for direction in (IN.value, OUT.value):
        there = {state: number for state, number in real[direction].items() if number}
        assert dict(totals(direction)) == there == dict(lines[direction])
        assert set(there) <= set(STATES[direction])
        assert sum(there.values()) == LedgerEntry.objects.filter(direction=direction).count()
    assert sum(totals(IN).values()) == Receipt.objects.count() + missing()


def missing() -> int:
    return LedgerEntry.objects.filter(direction=IN).exclude(receipt__in=Receipt.objects.all()).count()


# -- random lives --------------------------------------------------------------------------


def come(world: World, choice: int) -> None:
    raw = mail(message_id=f"r{next(numbers)}@x.example", subject=f"S {choice % 3}", text=str(choice))
    accept(world.mailbox, [Arrived(f"numbers/{next(numbers)}", raw if choice % 4 else b"")])


def decide(world: World, choice: int) -> None:
    outcomes = Receipt.Outcome.values
    waiting = list(Receipt.objects.exclude(state="done").order_by("pk"))
    if waiting:
        Receipt.objects.filter(pk=waiting[choice % len(waiting)].pk).update(
            state="done", outcome=outcomes[choice % len(outcomes)]
        )


def give_back(world: World, choice: int) -> None:
    done = list(Receipt.objects.filter(state="done").order_by("pk"))
    if done:
        Receipt.objects.filter(pk=done[choice % len(done)].pk).update(state="received", outcome="")


def lose(world: World, choice: int) -> None:
    free = list(Receipt.objects.filter(copies=None, message=None, outcome="held").order_by("pk"))
    if free:
        Receipt.objects.filter(pk=free[choice % len(free)].pk).delete()


def send(world: World, choice: int) -> None:
    ticket = Ticket.objects.order_by("pk").first() or receive(world.mailbox, mail())[0].ticket
    assert ticket
    to = tuple(f"c{n}@x.example" for n in range(1 + choice % 3))
    answer(ticket, Answer(to=to, text="Hi"), by=world.bob)


def deliver(world: World, choice: int) -> None:
    rows = list(Delivery.objects.order_by("pk"))
    if rows:
        states = Delivery.State.values
        Delivery.objects.filter(pk=rows[choice % len(rows)].pk).update(state=states[choice % len(states)])


def forget(world: World, choice: int) -> None:
    rows = list(Delivery.objects.order_by("pk"))
    if rows:
        Delivery.objects.filter(pk=rows[choice % len(rows)].pk).delete()


def change_channel(world: World, choice: int) -> None:
    other, _is_new = Channel.objects.get_or_create(name="Other", defaults={"kind": "file"})
    mails = list(OutgoingMail.objects.order_by("pk"))
    if mails:
        OutgoingMail.objects.filter(pk=mails[choice % len(mails)].pk).update(channel=other)


def fold_some(world: World, choice: int) -> None:
    fold()


THINGS: tuple[Callable[[World, int], None], ...] = (
    come, come, decide, decide, give_back, lose, send, deliver, deliver, forget, change_channel, fold_some,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(THINGS), st.integers(0, 200)), min_size=3, max_size=25))
def test_the_tallies_are_what_really_is_after_any_changes(
    world: World, happening: list[tuple[Callable[[World, int], None], int]]
) -> None:
    for thing, choice in happening:
        thing(world, choice)
        check()
    while fold():
        pass
    check()
    assert not LedgerDelta.objects.exists()


# -- single promises -------------------------------------------------------------------------


def test_a_missing_line_is_noticed(world: World) -> None:
    receive(world.mailbox, mail())
    Receipt.objects.filter().update(outcome="held")
    LedgerTally.objects.create(hour=timezone.now(), direction=IN, account=1, state="held", number=-1)
    assert dict(totals(IN)) != real_totals()[IN]


def test_numbers_of_an_account_and_a_time(world: World, clock: Clock) -> None:
    clock.now = clock.now.replace(minute=30)
    receive(world.mailbox, mail())
    clock.advance(hours=2)
    receive(world.mailbox, b"", mail(message_id="o@x.example", subject="Other", text="o"))
    for _folded in range(2):
        assert dict(totals(IN)) == {"new_ticket": 2, "held": 1}
        since = clock.now - timedelta(minutes=10)
        assert dict(totals(IN, since)) == {"new_ticket": 1, "held": 1}
        assert dict(totals(IN, None, since)) == {"new_ticket": 1}
        assert dict(totals(IN, account=world.mailbox.pk)) == {"new_ticket": 2, "held": 1}
        assert dict(totals(IN, account=world.mailbox.pk + 99)) == {}
        assert dict(totals(OUT)) == {}
        fold()


def test_folding_takes_many_deltas_together_and_then_has_nothing_to_do(world: World) -> None:
    receive(world.mailbox, *(mail(message_id=f"n{n}@x.example", subject=f"N{n}", text=str(n)) for n in range(20)))
    folded = fold()
    assert folded >= 20
    assert fold() == 0
    assert LedgerTally.objects.count() <= 3
    check()


def test_the_line_of_a_mail_has_what_people_look_for(world: World) -> None:
    raw = mail(to="support@example.org, Sales <sales@example.org>", cc="ann@customer.example, support@example.org")
    (receipt,) = receive(world.mailbox, raw)
    line = LedgerEntry.objects.get(receipt=receipt)
    assert (line.sender, line.recipients) == (
        "ann@customer.example",
        "support@example.org, sales@example.org, ann@customer.example",
    )
    assert (line.subject, line.state) == ("The lamp flickers", "new_ticket")
    assert (line.ticket, line.mailbox, line.queue) == (receipt.ticket, world.mailbox, world.support)
    assert receipt.ticket
    assert line.numbers.split() == ["m1@customer.example", receipt.ticket.number]


def test_a_very_long_list_of_recipients_is_cut_between_two_addresses(world: World) -> None:
    (receipt,) = receive(world.mailbox, mail(to=", ".join(f"person{n:04d}@customer.example" for n in range(300))))
    assert 900 < len(receipt.written_to) <= 1000
    assert receipt.written_to.endswith("@customer.example")

"""Two programs that answer each other: after the documented number of mails there is silence, and the loop breaker says so."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.mail.parse import parse
from postvak.models import Agent, AutomaticMail, Blocked, LoopBreak, Mailbox, Message, OutgoingMail, Queue, Rule, Ticket
from postvak.notify import breaker
from postvak.notify.automatic import write_due
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.send.outbox import raw_mail
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import note
from tests.clock import Clock
from tests.mails import mail
from tests.process.arrivals import receive, set_option

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("channel")]
ANN = "ann@customer.example"
counter = itertools.count(1)
Machine = Callable[[bytes], bytes]


def subject_of(ours: bytes) -> str:
    return parse(ours).subject


def changes_the_subject(ours: bytes) -> bytes:
    """Without any header that gives it away; each of its answers is a new ticket."""
    number = next(counter)
    return mail(message_id=f"a{number}@customer.example", subject=f"Your message {number}", text=f"Noted, {number}.")


def answers_in_the_thread(ours: bytes) -> bytes:
    number = next(counter)
    return mail(
        message_id=f"t{number}@customer.example", subject=f"Re: {subject_of(ours)}", text=f"I am here, {number}.",
        in_reply_to=f"<{parse(ours).message_id}>",
    )  # fmt: skip


def has_tickets_of_its_own(ours: bytes) -> bytes:
    number = next(counter)
    return mail(
        message_id=f"d{number}@customer.example", subject=f"[Ticket {number}] {subject_of(ours).split('[')[0]}",
        text=f"We have opened ticket {number} for you.",
    )  # fmt: skip


def is_polite(ours: bytes) -> bytes:
    number = next(counter)
    return mail(message_id=f"p{number}@customer.example", subject=f"Away {number}", auto_submitted="auto-replied")


def is_a_list(ours: bytes) -> bytes:
    number = next(counter)
    return mail(message_id=f"l{number}@customer.example", subject=f"Post {number}", list_id="<lamps.customer.example>")


def is_a_daemon(ours: bytes) -> bytes:
    number = next(counter)
    sender = "MAILER-DAEMON@customer.example"
    return mail(message_id=f"b{number}@x.example", sender=sender, subject=f"Undelivered {number}", return_path="<>")


def sends_ours_back(ours: bytes) -> bytes:
    number = next(counter)
    return ours.replace(f"<{parse(ours).message_id}>".encode(), f"<back{number}@customer.example>".encode()).replace(
        b"From: Example Support <support@example.org>", f"From: Ann <{ANN}>".encode()
    )


def play(mailbox: Mailbox, machine: Machine, clock: Clock, *, rounds: int, minutes: float) -> int:
    """Ann's first mail, then each mail of ours is answered by her machine; how many of ours went out."""
    receive(mailbox, mail())
    answered: set[int] = set()
    for _ in range(rounds):
        while write_due("test:1:x"):
            pass
        out = OutgoingMail.objects.exclude(pk__in=answered).exclude(message=None).order_by("pk")
        fresh = list(out.select_related("blob"))
        if not fresh:
            break
        for ours in fresh:
            answered.add(ours.pk)
            clock.advance(minutes=minutes)
            accept(mailbox, [Arrived(f"loop/{next(counter)}", machine(raw_mail(ours)))])
        while process_due("test:1:x"):
            pass
    return len(answered)


@pytest.mark.parametrize("machine", [changes_the_subject, answers_in_the_thread, has_tickets_of_its_own])
def test_a_machine_that_nothing_gives_away_gets_three_mails_within_ten_minutes_and_then_none(
    mailbox: Mailbox, support: Queue, clock: Clock, machine: Machine
) -> None:
    Rule.objects.filter(key="follow-up-confirmation").update(is_on=True)
    assert play(mailbox, machine, clock, rounds=30, minutes=0.2) == 3
    row = LoopBreak.objects.get()
    assert (row.ours, row.theirs, row.code) == ("support@example.org", ANN, "refused_per_pair")
    assert row.stopped == 1
    receive(mailbox, mail(message_id="again@customer.example", subject="Still there?"))
    row.refresh_from_db()
    assert (row.stopped, AutomaticMail.objects.latest("pk").reason) == (2, "refused_broken")


def test_a_slow_machine_gets_ten_mails_in_a_day(mailbox: Mailbox, support: Queue, clock: Clock) -> None:
    Rule.objects.filter(key__in=["confirmation", "follow-up-confirmation"]).update(is_on=True, per_day=None)
    assert play(mailbox, changes_the_subject, clock, rounds=60, minutes=11) == 10
    assert LoopBreak.objects.get().code == "refused_per_day"


def test_with_the_limit_of_the_rule_it_gets_fewer(mailbox: Mailbox, support: Queue, clock: Clock) -> None:
    assert play(mailbox, changes_the_subject, clock, rounds=60, minutes=11) == 5


@pytest.fixture
def slow(mailbox: Mailbox, support: Queue, clock: Clock) -> LoopBreak:
    """Five mails a day, until there was silence."""
    set_option(automatic_unanswered=6)
    Rule.objects.filter(key__in=["confirmation", "follow-up-confirmation"]).update(is_on=True, per_day=None)
    assert play(mailbox, changes_the_subject, clock, rounds=60, minutes=5 * 60) == 6
    return LoopBreak.objects.get()


def test_a_machine_under_all_other_limits_gets_six_mails_as_long_as_nobody_writes_to_it(
    mailbox: Mailbox, slow: LoopBreak, clock: Clock
) -> None:
    assert (slow.ours, slow.theirs, slow.code, slow.stopped) == ("", ANN, "refused_unanswered", 1)
    clock.advance(days=30)
    assert not is_answered(mailbox), "a month of quiet is no word of a person"
    row = AutomaticMail.objects.latest("pk")
    assert (row.reason, row.parameters) == ("refused_unanswered", {"to": ANN, "count": 6})
    assert LoopBreak.objects.filter(closed_at=None).count() == 1


@pytest.mark.parametrize("whom", [ANN, "ann@home.example"])
def test_who_is_written_to_by_a_person_gets_confirmations_again_at_once(
    mailbox: Mailbox, slow: LoopBreak, bob: Agent, clock: Clock, whom: str
) -> None:
    ticket = Ticket.objects.latest("pk")
    clock.advance(hours=5)
    answer(ticket, Answer(to=(whom,), text="Is there anybody?", status_key="customer"), by=bob)
    clock.advance(hours=5)
    assert is_answered(mailbox)


def test_a_note_and_a_mail_of_a_machine_of_ours_are_no_word_of_a_person(
    mailbox: Mailbox, slow: LoopBreak, bob: Agent, clock: Clock
) -> None:
    ticket = Ticket.objects.latest("pk")
    clock.advance(hours=5)
    note(ticket, "A machine, I think.", by=bob)
    clock.advance(hours=5)
    assert not is_answered(mailbox)


def test_resumed_by_a_person_six_more_may_go(mailbox: Mailbox, slow: LoopBreak, bob: Agent, clock: Clock) -> None:
    breaker.resume(slow, by=bob)
    found = []
    for _mail in range(7):
        clock.advance(hours=5)
        found.append(is_answered(mailbox))
    assert found == [True] * 6 + [False]


def test_a_fixed_address_that_a_rule_tells_is_asked_for_no_answer(
    mailbox: Mailbox, support: Queue, clock: Clock
) -> None:
    Rule.objects.filter(key="confirmation").update(recipients=["address:boss@corp.example"], per_day=None)
    set_option(automatic_unanswered=2)
    found = []
    for _mail in range(4):
        clock.advance(hours=5)
        found.append(is_answered(mailbox))
    assert found == [True] * 4


@pytest.mark.parametrize("machine", [is_polite, is_a_list, is_a_daemon, sends_ours_back])
def test_a_machine_that_says_so_gets_none_after_the_first(
    mailbox: Mailbox, support: Queue, clock: Clock, machine: Machine
) -> None:
    assert play(mailbox, machine, clock, rounds=10, minutes=0.2) == 1
    assert not LoopBreak.objects.exists()


# ---- the breaker ------------------------------------------------------------


@pytest.fixture
def broken(mailbox: Mailbox, support: Queue, clock: Clock) -> LoopBreak:
    play(mailbox, changes_the_subject, clock, rounds=10, minutes=0.2)
    return LoopBreak.objects.get()


def is_answered(mailbox: Mailbox) -> bool:
    before = Message.objects.filter(kind="outgoing").count()
    receive(mailbox, mail(message_id=f"q{next(counter)}@customer.example", subject=f"Question {next(counter)}"))
    while write_due("test:1:x"):
        pass
    return Message.objects.filter(kind="outgoing").count() > before


def test_resumed_by_a_person_the_limits_count_anew(
    mailbox: Mailbox, broken: LoopBreak, bob: Agent, clock: Clock
) -> None:
    assert breaker.is_open("support@example.org", ANN)
    assert not is_answered(mailbox)
    clock.advance(minutes=1)
    breaker.resume(broken, by=bob)
    Rule.objects.update(per_day=None)
    clock.advance(minutes=1)
    assert [is_answered(mailbox) for _ in range(4)] == [True, True, True, False]
    broken.refresh_from_db()
    assert (broken.closed_by, LoopBreak.objects.filter(closed_at=None).count()) == (bob, 1)


def test_always_ignored_means_the_block_list(mailbox: Mailbox, broken: LoopBreak, bob: Agent, clock: Clock) -> None:
    breaker.always_ignore(broken, by=bob)
    clock.advance(days=3)
    assert Blocked.objects.get().pattern == ANN
    assert not is_answered(mailbox)
    assert AutomaticMail.objects.latest("pk").reason == "refused_blocked"


def test_a_day_of_quiet_closes_it(mailbox: Mailbox, broken: LoopBreak, clock: Clock) -> None:
    clock.advance(hours=23)
    assert not is_answered(mailbox)  # which begins the day anew
    clock.advance(hours=23)
    assert not is_answered(mailbox)
    clock.advance(hours=25)
    assert is_answered(mailbox)


def test_another_address_is_answered_all_the_while(mailbox: Mailbox, broken: LoopBreak) -> None:
    receive(mailbox, mail(message_id="bea@x.example", sender="bea@x.example"))
    while write_due("test:1:x"):
        pass
    assert AutomaticMail.objects.get(address="bea@x.example").state == "written"


# ---- whatever comes ------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from([0, 1, 4, 11, 61, 400]), st.integers(1, 4), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, per_day=st.integers(1, 6))
def test_nobody_gets_more_than_the_limit_in_24_hours(
    mailbox: Mailbox, support: Queue, clock: Clock, steps: list[tuple[int, int, bool]], per_day: int
) -> None:
    from_now = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    clock.advance(days=3)
    Rule.objects.update(is_on=False)
    Rule.objects.filter(key__in=["confirmation", "follow-up-confirmation"]).update(is_on=True, per_day=None)
    set_limits(per_day)
    for minutes, number, writes in steps:
        clock.advance(minutes=minutes)
        ids = [next(counter) for _ in range(number)]
        receive(mailbox, *(mail(message_id=f"s{i}@customer.example", subject=f"S {i}", text=f"{i}") for i in ids))
        while writes and write_due("test:1:x"):
            pass
    while write_due("test:1:x"):
        pass
    sent = sorted(Message.objects.filter(kind="outgoing", pk__gt=from_now).values_list("created_at", flat=True))
    for first in sent:
        assert sum((one - first).total_seconds() < 24 * 3600 for one in sent if one >= first) <= per_day


def set_limits(per_day: int) -> None:
    set_option(automatic_per_day=per_day, automatic_per_pair=per_day, tickets_per_hour=1000)

"""What colleagues did while an agent wrote: he is asked once, then it goes out."""

import pytest

from postvak.models import Agent, Channel, Ticket
from postvak.tickets import change
from postvak.tickets.answer import Answer, answer
from postvak.tickets.second_look import Seen, TakenOver, WroteMeanwhile
from postvak.tickets.take_back import take_back
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db

ANN = "ann@customer.example"


@pytest.fixture
def ticket(receive: Receive, channel: Channel, bob: Agent) -> Ticket:
    return receive()


def mine(seen: Seen | None, text: str = "Mine") -> Answer:
    return Answer(to=(ANN,), text=text, seen=seen)


def test_an_answer_of_a_colleague_stops_one_s_own_until_it_was_seen(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    seen = Seen.of(ticket)
    theirs = answer(ticket, mine(None, "Theirs"), by=admin)
    with pytest.raises(WroteMeanwhile) as stopped:
        answer(ticket, mine(seen), by=bob)
    assert stopped.value.messages == [theirs]
    assert "Eva Admin wrote on this ticket while you were writing" in stopped.value.text
    answer(ticket, mine(Seen.of(ticket)), by=bob)


def test_a_note_of_a_colleague_stops_too_but_nothing_of_one_s_own(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    seen = Seen.of(ticket)
    change.note(ticket, "Mine", by=bob)
    answer(ticket, mine(seen), by=bob)
    change.note(ticket, "Don't answer, I call her", by=admin)
    with pytest.raises(WroteMeanwhile):
        answer(ticket, mine(seen, "Again"), by=bob)


def test_an_answer_that_was_taken_back_stops_nobody(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    seen = Seen.of(ticket)
    take_back(answer(ticket, mine(None, "Theirs"), by=admin).outgoing, by=admin)
    answer(ticket, mine(seen), by=bob)


def test_a_ticket_that_was_given_to_a_colleague_stops_but_to_oneself_or_nobody_not(
    ticket: Ticket, bob: Agent, admin: Agent
) -> None:
    seen = Seen.of(ticket)
    change.assign(ticket, admin, by=admin)
    with pytest.raises(TakenOver) as stopped:
        answer(ticket, mine(seen), by=bob)
    assert "given to Eva Admin" in stopped.value.text
    change.assign(ticket, bob, by=bob)
    answer(ticket, mine(seen), by=bob)
    change.assign(ticket, None, by=bob)
    answer(ticket, mine(seen, "Again"), by=bob)


def test_a_forward_is_no_answer_and_goes_out(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    seen = Seen.of(ticket)
    answer(ticket, mine(None, "Theirs"), by=admin)
    answer(ticket, Answer(to=("third@party.example",), text="Look", kind="forward", seen=seen), by=bob)


def test_what_was_seen_is_read_as_it_was_written_and_nothing_else() -> None:
    assert Seen.read(str(Seen(12, 3))) == Seen(12, 3)
    for typed in ("", "12", "12-", "-3", "a-b", "١-٢", "1-2-3", "9" * 30 + "-1"):
        assert Seen.read(typed) is None

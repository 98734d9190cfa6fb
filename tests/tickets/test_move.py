"""Moving a message to another ticket, splitting off a new one: replies follow, counters are right."""

import pytest
from django.utils import timezone

from postvak.mail.compose import File
from postvak.models import Agent, AutomaticMail, Channel, Message, Options, Status, Ticket, TicketLink
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import note, set_status
from postvak.tickets.merge import merge
from postvak.tickets.move import CannotMove, move_message, split_off
from tests.clock import Clock
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db

DAN = "Dan <dan@other.example>"
REPLY = {"in_reply_to": "<r1@customer.example>"}


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def texts(ticket: Ticket) -> list[str]:
    return [message.text.strip() for message in fresh(ticket).messages.all()]


def test_a_reply_to_a_moved_message_lands_on_the_new_ticket(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    receive(**REPLY, subject="Dimmer")
    dimmer = split_off([lamp.messages.get(text__startswith="Mail 2")], by=bob)
    assert receive(in_reply_to="<r2@customer.example>") == dimmer
    assert receive(in_reply_to="<r1@customer.example>") == lamp


def test_a_reply_to_a_moved_answer_of_ours_lands_there_although_its_token_names_the_old_ticket(
    receive: Receive, bob: Agent, channel: Channel
) -> None:
    lamp, dimmer = receive(), receive()
    ours = answer(lamp, Answer(to=("ann@customer.example",), text="About the dimmer"), by=bob)
    move_message(ours, dimmer, by=bob)
    assert receive(in_reply_to=f"<{ours.message_id}>", subject=f"Re: {ours.subject}") == dimmer


def test_both_tickets_are_counted_anew(receive: Receive, bob: Agent) -> None:
    lamp = receive(text="Old")
    receive(**REPLY, text="New")
    other = receive(text="Other")
    move_message(lamp.messages.get(text__startswith="New"), other, by=bob)
    left, there = fresh(lamp), fresh(other)
    assert (left.message_count, left.preview, texts(lamp)) == (1, "Old", ["Old"])
    assert (there.message_count, there.preview, texts(other)) == (2, "Other", ["New", "Other"])
    moved = there.messages.get(text__startswith="New")
    assert moved.moved_from == lamp
    assert moved.receipts.get().ticket == other
    assert moved.receipts.get().message == moved


def test_a_message_that_comes_home_was_moved_from_nowhere(receive: Receive, bob: Agent) -> None:
    lamp, other = receive(), receive()
    message = lamp.messages.get()
    move_message(message, other, by=bob)
    move_message(message, lamp, by=bob)
    assert lamp.messages.get().moved_from is None


def test_the_history_of_both_tells_it(receive: Receive, bob: Agent) -> None:
    lamp, other = receive(), receive()
    move_message(lamp.messages.get(), other, by=bob)
    there = other.history.get(code="message_moved_from")
    away = lamp.history.get(code="message_moved_to")
    assert (there.agent, there.parameters) == (bob, {"ticket": lamp.number, "author": "Ann Archer"})
    assert (away.agent, away.parameters) == (bob, {"ticket": other.number, "author": "Ann Archer"})


def test_who_waits_goes_on_waiting_on_the_other_ticket(receive: Receive, bob: Agent, clock: Clock) -> None:
    lamp = receive()
    since = lamp.waiting_since
    other = receive(sender=DAN)
    set_status(other, Status.objects.get(key="closed"), by=bob)
    clock.advance(hours=1)
    move_message(lamp.messages.get(), other, by=bob)
    left, there = fresh(lamp), fresh(other)
    assert left.waiting_since is None
    assert (there.status.key, there.is_open, there.waiting_since) == ("open", True, since)
    assert [p.customer for p in there.participants.all()] == [lamp.customer]


def test_a_message_that_was_answered_wakes_nobody(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp, other = receive(), receive()
    answer(lamp, Answer(to=("ann@customer.example",), text="Done", status_key="closed"), by=bob)
    set_status(other, Status.objects.get(key="closed"), by=bob)
    move_message(lamp.messages.get(kind=Message.Kind.INCOMING), other, by=bob)
    assert (fresh(other).status.key, fresh(other).waiting_since) == ("closed", None)


def test_our_answer_ends_the_waiting_where_it_is_moved_to(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp, other = receive(), receive()
    ours = answer(lamp, Answer(to=("ann@customer.example",), text="Here"), by=bob)
    move_message(ours, other, by=bob)
    assert fresh(other).waiting_since is None
    assert (fresh(lamp).answer, fresh(other).answer) == ("", "waiting")


def test_moving_to_a_merged_ticket_means_where_that_one_is_now(receive: Receive, bob: Agent) -> None:
    first, second, third = receive(), receive(), receive()
    merge(second, third, by=bob)
    assert move_message(first.messages.get(), second, by=bob) == third
    assert texts(third) == ["Mail 1", "Mail 2", "Mail 3"]


def test_moving_to_where_it_is_already_is_refused(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    with pytest.raises(CannotMove, match="already"):
        move_message(lamp.messages.get(), lamp, by=bob)


def test_a_new_ticket_has_the_next_number_the_author_and_the_place_of_the_old_one(receive: Receive, bob: Agent) -> None:
    lamp = receive(subject="Lamp")
    receive(**REPLY, sender=DAN, subject=f"AW: [#{lamp.number}] Dimmer")
    message = lamp.messages.get(text__startswith="Mail 2")
    new = split_off([message], by=bob)
    assert int(new.number[:-1]) == int(lamp.number[:-1]) + 1
    assert (new.subject, new.queue, new.status.key) == ("Dimmer", lamp.queue, "new")
    assert new.customer is not None
    assert new.customer.name == "Dan"
    assert (new.reply_address, new.message_count, new.preview) == (lamp.reply_address, 1, "Mail 2")
    assert new.waiting_since == message.created_at
    assert fresh(lamp).waiting_since == lamp.messages.get().created_at
    link = TicketLink.objects.get()
    assert (link.ticket, link.origin, link.kind) == (new, lamp, "split")
    assert lamp.history.get(code="split_to").parameters == {"ticket": new.number}
    assert new.history.get(code="split_from").parameters == {"ticket": lamp.number}


def test_several_messages_make_one_ticket_of_the_first_ones_author(receive: Receive, bob: Agent) -> None:
    lamp = receive(subject="Lamp")
    receive(**REPLY, sender=DAN)
    receive(**REPLY)
    note(lamp, "A note", by=bob)
    later = list(lamp.messages.all())[1:]
    new = split_off(later[::-1], by=bob)
    assert texts(new) == ["Mail 2", "Mail 3", "A note"]
    assert new.customer is not None
    assert new.customer.name == "Dan"
    assert [p.customer for p in new.participants.all()] == [lamp.customer]


def test_a_note_becomes_a_ticket_of_the_same_customer_and_subject(receive: Receive, bob: Agent) -> None:
    lamp = receive(subject="Lamp")
    new = split_off([note(lamp, "Order a dimmer for her", by=bob)], by=bob)
    assert (new.customer, new.subject, new.waiting_since) == (lamp.customer, "Lamp", None)


def test_messages_of_two_tickets_are_no_new_one(receive: Receive, bob: Agent) -> None:
    messages = [receive().messages.get(), receive().messages.get()]
    with pytest.raises(CannotMove):
        split_off(messages, by=bob)
    with pytest.raises(CannotMove):
        split_off([], by=bob)
    assert Ticket.objects.count() == 2


def test_a_failed_split_gives_its_number_back(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    with pytest.raises(CannotMove):
        split_off([], by=bob)
    new = split_off([lamp.messages.get()], by=bob)
    assert int(new.number[:-1]) == int(lamp.number[:-1]) + 1


def test_answers_carry_the_number_where_the_options_say(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp = receive(subject="AW: Lamp")
    to = ("ann@customer.example",)
    for place, subject in (("right", f"Re: Lamp [Zaak#{lamp.number}]"), ("left", f"[Zaak#{lamp.number}] Re: Lamp")):
        Options.objects.update(hook="Zaak#", subject_place=place)
        assert answer(lamp, Answer(to=to, text="x"), by=bob).subject == subject
    Options.objects.update(subject_place="none")
    assert answer(lamp, Answer(to=to, text="x"), by=bob).subject == "Re: Lamp"
    assert answer(lamp, Answer(to=to, text="x", subject="Fwd: Lamp"), by=bob).subject == "Fwd: Lamp"


def test_an_automatic_reply_that_is_split_off_lets_nobody_wait(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    receive(**REPLY, auto_submitted="auto-replied")
    new = split_off([lamp.messages.get(mail_kind="auto_reply")], by=bob)
    assert new.waiting_since is None
    assert fresh(lamp).waiting_since is not None


def test_files_are_counted_where_the_message_is(receive: Receive, bob: Agent, channel: Channel) -> None:
    lamp, other = receive(), receive()
    files = (File("a.txt", "text/plain", b"a"), File("b.txt", "text/plain", b"b"))
    ours = answer(lamp, Answer(to=("ann@customer.example",), text="Two files", files=files), by=bob)
    assert fresh(lamp).attachment_count == 2
    move_message(ours, other, by=bob)
    assert (fresh(lamp).attachment_count, fresh(other).attachment_count) == (0, 2)


def test_an_automatic_mail_goes_with_the_message_that_caused_it(
    no_automatic_mail: None, receive: Receive, bob: Agent
) -> None:
    lamp, other = receive(), receive()
    now = timezone.now()
    message = lamp.messages.get()
    AutomaticMail.objects.create(ticket=lamp, trigger=message, kind="forward", created_at=now, next_attempt_at=now)
    move_message(message, other, by=bob)
    assert AutomaticMail.objects.get().ticket == other

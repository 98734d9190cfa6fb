"""Changes of many tickets: rights per ticket, history, kills in the middle, and undoing that tramples nobody's work."""

import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import (
    Agent,
    AnswerTemplate,
    BulkChange,
    Channel,
    Membership,
    OutgoingMail,
    Queue,
    Status,
    Tag,
    Ticket,
)
from postvak.tickets import bulk, bulk_verbs, change
from postvak.tickets.marks import set_private
from postvak.tickets.merge import merge
from postvak.tickets.tags import add_tags
from postvak.worker.identity import free_claims_of_the_dead
from tests.clock import Clock
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db

Many = Callable[[int], list[int]]


@pytest.fixture
def many(support: Queue) -> Many:
    """Bare tickets: quick to make."""
    now, status = timezone.now(), Status.objects.get(key="open")

    def make(number: int) -> list[int]:
        rows = [
            Ticket(number=f"7{n:05d}", subject=f"T{n}", queue=support, status=status, created_at=now, changed_at=now)
            for n in range(number)
        ]
        return [row.pk for row in Ticket.objects.bulk_create(rows)]

    return make


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def keys(*tickets: Ticket) -> list[int]:
    return [ticket.pk for ticket in tickets]


def codes(ticket: Ticket) -> list[str]:
    return list(ticket.history.values_list("code", flat=True))


def work(worker: str = "w:1:x") -> None:
    while bulk.work_due(worker):
        pass


def test_few_tickets_are_changed_at_once_with_their_history(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    done = bulk.start("status", {"status": "closed"}, keys(lamp, dimmer), by=bob)
    assert done.finished_at is not None
    assert [fresh(row).status.key for row in (lamp, dimmer)] == ["closed", "closed"]
    line = lamp.history.filter(code="status").get()
    assert (line.agent, line.parameters) == (bob, {"old": "new", "new": "closed"})


@pytest.mark.parametrize(
    ("verb", "values", "column", "after"),
    [
        ("priority", {"priority": 5}, "priority_id", 5),
        ("high", {"on": True}, "priority_id", 4),
        ("personal", {"on": True}, "is_personal", True),
        ("private", {"on": True}, "is_private", True),
        ("spam", {"on": True}, "is_spam", True),
        ("read", {"on": True}, "is_unread", False),
        ("archive", {}, "is_open", False),
        ("trash", {}, "is_open", False),
        ("status", {"status": "customer"}, "waiting_since", None),
    ],
)
def test_every_verb_does_its_work_and_undoing_gives_back_all_columns(
    receive: Receive, bob: Agent, verb: str, values: dict[str, object], column: str, after: object
) -> None:
    lamp = receive()
    before = Ticket.objects.values().get(pk=lamp.pk)
    done = bulk.start(verb, values, keys(lamp), by=bob)
    assert (getattr(fresh(lamp), column), done.skipped) == (after, {})
    back = bulk.undo(done, by=bob)
    assert back is not None
    assert back.skipped == {}
    left = Ticket.objects.values().get(pk=lamp.pk)
    assert {**left, "changed_at": None} == {**before, "changed_at": None}


def test_assigning_and_moving_are_undone_with_the_assignee_who_lost_it(
    receive: Receive, bob: Agent, sales: Queue, admin: Agent
) -> None:
    lamp = receive()
    bulk.start("assign", {"agent": bob.pk}, keys(lamp), by=admin)
    moved = bulk.start("queue", {"queue": sales.pk}, keys(lamp), by=admin)
    assert (fresh(lamp).queue, fresh(lamp).assignee) == (sales, None)
    bulk.undo(moved, by=admin)
    assert (fresh(lamp).queue.name, fresh(lamp).assignee) == ("Support", bob)


def test_undoing_tags_takes_off_only_what_was_put_on(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    add_tags(lamp, ["urgent"], by=bob)
    done = bulk.start("tag", {"tags": ["Urgent", "new"]}, keys(lamp, dimmer), by=bob)
    bulk.undo(done, by=bob)
    assert list(lamp.tags.values_list("name", flat=True)) == ["urgent"]
    assert not dimmer.tags.exists()
    done = bulk.start("untag", {"tags": ["URGENT"]}, keys(lamp, dimmer), by=bob)
    assert Tag.objects.filter(tickets=lamp).count() == 0
    bulk.undo(done, by=bob)
    assert list(lamp.tags.values_list("name", flat=True)) == ["urgent"]


def test_tickets_of_other_queues_are_left_alone(receive: Receive, bob: Agent, cas: Agent) -> None:
    lamp = receive()
    done = bulk.start("status", {"status": "closed"}, keys(lamp), by=cas)
    assert (fresh(lamp).is_open, list(done.skipped)) == (True, [str(lamp.pk)])
    assert done.before == {}


def test_private_tickets_are_changed_by_those_who_may_read_them_only(
    receive: Receive, bob: Agent, admin: Agent, support: Queue
) -> None:
    lamp = receive()
    set_private(lamp, True, by=admin)
    assert bulk.start("spam", {"on": True}, keys(lamp), by=bob).skipped
    Membership.objects.filter(queue=support, agent=bob).update(is_lead=True)
    assert not bulk.start("spam", {"on": True}, keys(lamp), by=bob).skipped


def test_who_shut_himself_out_may_take_that_back(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    done = bulk.start("private", {"on": True}, keys(lamp), by=bob)
    assert bulk.start("spam", {"on": True}, keys(lamp), by=bob).skipped
    bulk.undo(done, by=bob)
    assert not fresh(lamp).is_private


def test_rights_count_at_the_time_of_the_change_not_of_the_click(many: Many, bob: Agent, support: Queue) -> None:
    rows = many(60)
    pending = bulk.start("spam", {"on": True}, rows, by=bob)
    Membership.objects.filter(agent=bob).delete()
    work()
    pending.refresh_from_db()
    assert (len(pending.skipped), Ticket.objects.filter(is_spam=True).count()) == (60, 0)


def test_an_agent_who_may_not_read_the_queue_is_not_given_its_tickets(receive: Receive, bob: Agent, cas: Agent) -> None:
    lamp = receive()
    done = bulk.start("assign", {"agent": cas.pk}, keys(lamp), by=bob)
    assert "Cas de Vries does not work in" in done.skipped[str(lamp.pk)]
    assert fresh(lamp).assignee is None


def test_a_merged_ticket_is_left_alone(receive: Receive, bob: Agent) -> None:
    lamp, dimmer = receive(), receive()
    merge(lamp, dimmer, by=bob)
    done = bulk.start("spam", {"on": True}, keys(lamp), by=bob)
    assert dimmer.number in done.skipped[str(lamp.pk)]


# -- undo ----------------------------------------------------------------------------


def test_undoing_leaves_alone_what_somebody_changed_meanwhile(receive: Receive, bob: Agent, admin: Agent) -> None:
    lamp, dimmer = receive(), receive()
    done = bulk.start("status", {"status": "closed"}, keys(lamp, dimmer), by=bob)
    change.set_status(fresh(lamp), Status.objects.get(key="clarify"), by=admin)
    back = bulk.undo(done, by=bob)
    assert back is not None
    assert [fresh(row).status.key for row in (lamp, dimmer)] == ["clarify", "new"]
    assert list(back.skipped) == [str(lamp.pk)]


def test_undoing_leaves_alone_what_a_customer_opened_again(receive: Receive, bob: Agent) -> None:
    lamp = receive()
    done = bulk.start("archive", {}, keys(lamp), by=bob)
    assert receive(in_reply_to="<r1@customer.example>") == lamp
    was = fresh(lamp)
    back = bulk.undo(done, by=bob)
    assert back is not None
    assert back.skipped
    assert (fresh(lamp).status_id, fresh(lamp).waiting_since) == (was.status_id, was.waiting_since)


def test_a_change_is_undone_once_and_by_its_own_agent(receive: Receive, bob: Agent, admin: Agent) -> None:
    done = bulk.start("spam", {"on": True}, keys(receive()), by=bob)
    with pytest.raises(BulkChange.DoesNotExist):
        bulk.undo(done, by=admin)
    assert bulk.undo(done, by=bob) is not None
    assert bulk.undo(done, by=bob) is None


def test_after_an_hour_it_is_too_late(receive: Receive, bob: Agent, clock: Clock) -> None:
    done = bulk.start("spam", {"on": True}, keys(receive()), by=bob)
    clock.advance(hours=1, seconds=1)
    assert bulk.undo(done, by=bob) is None


def test_undoing_stops_what_is_still_to_be_done(many: Many, bob: Agent) -> None:
    rows = many(100)
    going = bulk.start("spam", {"on": True}, rows, by=bob)
    assert bulk.work_due("w:1:x") == 1
    assert Ticket.objects.filter(is_spam=True).count() == bulk.STEP
    assert bulk.undo(going, by=bob) is not None
    work()
    assert not Ticket.objects.filter(is_spam=True).exists()


# -- merging ----------------------------------------------------------------------------


def test_tickets_are_merged_into_the_chosen_one_and_taken_apart_again(receive: Receive, bob: Agent) -> None:
    first, second, third = receive(), receive(), receive()
    done = bulk.start("merge", {"into": second.pk}, keys(first, second, third), by=bob)
    assert [fresh(row).merged_into for row in (first, second, third)] == [second, None, second]
    assert second.messages.count() == 3
    back = bulk.undo(done, by=bob)
    assert back is not None
    assert back.skipped == {}
    assert [row.messages.count() for row in (first, second, third)] == [1, 1, 1]


def test_a_merge_that_somebody_took_apart_already_is_named(receive: Receive, bob: Agent) -> None:
    first, second = receive(), receive()
    done = bulk.start("merge", {"into": second.pk}, keys(first, second), by=bob)
    bulk.undo(BulkChange.objects.get(pk=done.pk), by=bob)
    BulkChange.objects.filter(pk=done.pk).update(undone_at=None)
    again = bulk.undo(done, by=bob)
    assert again is not None
    assert "isn't merged" in again.skipped[str(first.pk)]


# -- the worker ----------------------------------------------------------------------------


def test_many_tickets_are_the_workers_in_small_steps(many: Many, bob: Agent) -> None:
    going = bulk.start("priority", {"priority": 5}, many(60), by=bob)
    assert (going.finished_at, len(going.tickets)) == (None, 60)
    bulk.work_due("w:1:x")
    going.refresh_from_db()
    assert len(going.tickets) == 60 - bulk.STEP
    work()
    going.refresh_from_db()
    assert (going.finished_at is not None, going.tickets, len(going.before)) == (True, [], 60)


def test_a_kill_in_the_middle_of_a_step_neither_loses_nor_doubles(
    many: Many, bob: Agent, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    rows = many(60)
    going = bulk.start("priority", {"priority": 5}, rows, by=bob)
    real, calls = bulk_verbs.VERBS["priority"].do, []

    def killed(ticket: Ticket, values: bulk_verbs.Values, by: Agent) -> dict[str, object] | None:
        calls.append(ticket.pk)
        if len(calls) == 30:
            raise SystemExit
        return real(ticket, values, by)

    monkeypatch.setitem(bulk.VERBS, "priority", bulk_verbs.Verb(killed, bulk_verbs.priority_back))  # type: ignore[arg-type]
    assert bulk.work_due("w:1:x") == 1
    with pytest.raises(SystemExit):
        bulk.work_due("w:1:x")
    going.refresh_from_db()
    assert len(going.tickets) == 60 - bulk.STEP
    assert Ticket.objects.filter(priority=5).count() == bulk.STEP
    assert bulk.work_due("w:2:y") == 0  # still claimed by the dead one
    clock.advance(seconds=bulk.CLAIM.total_seconds() + 1)
    work("w:2:y")
    going.refresh_from_db()
    assert (going.tickets, going.skipped, len(going.before)) == ([], {}, 60)
    assert {Ticket.objects.get(pk=pk).history.filter(code="priority").count() for pk in rows} == {1}


def test_a_request_that_died_leaves_its_tickets_to_the_worker(
    receive: Receive, bob: Agent, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    lamp = receive()
    monkeypatch.setattr(bulk, "step", lambda key, owner: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        bulk.start("spam", {"on": True}, keys(lamp), by=bob)
    monkeypatch.undo()
    assert bulk.work_due("w:1:x") == 0
    BulkChange.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    work()
    assert fresh(lamp).is_spam


def test_claims_of_the_dead_end_at_once(many: Many, bob: Agent) -> None:
    going = bulk.start("spam", {"on": True}, many(60), by=bob)
    BulkChange.objects.update(
        claimed_by=f"{socket.gethostname()[:40]}:999999:x", claimed_until=timezone.now() + timedelta(hours=1)
    )
    free_claims_of_the_dead()
    work("w:2:y")
    going.refresh_from_db()
    assert going.finished_at is not None


def test_one_ticket_at_which_postvak_fails_stops_no_other(
    receive: Receive, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp, dimmer = receive(), receive()
    real = bulk_verbs.VERBS["spam"].do

    def broken(ticket: Ticket, values: bulk_verbs.Values, by: Agent) -> dict[str, object] | None:
        real(ticket, values, by)
        if ticket == lamp:
            raise RuntimeError("a bug")
        return {"column": "is_spam", "was": False}

    monkeypatch.setitem(bulk.VERBS, "spam", bulk_verbs.Verb(broken, bulk_verbs.mark_back))  # type: ignore[arg-type]
    done = bulk.start("spam", {"on": True}, keys(lamp, dimmer), by=bob)
    assert (fresh(lamp).is_spam, fresh(dimmer).is_spam) == (False, True)
    assert "RuntimeError" in done.skipped[str(lamp.pk)]
    assert "spam" not in codes(lamp)


def test_finished_changes_are_forgotten_after_a_month(receive: Receive, bob: Agent) -> None:
    done = bulk.start("spam", {"on": True}, keys(receive()), by=bob)
    bulk.forget(timezone.now() + timedelta(days=29))
    assert BulkChange.objects.filter(pk=done.pk).exists()
    bulk.forget(timezone.now() + timedelta(days=31))
    assert not BulkChange.objects.exists()


# -- answers ----------------------------------------------------------------------------


@pytest.fixture
def template(support: Queue) -> AnswerTemplate:
    row = AnswerTemplate.objects.create(name="Soon")
    row.texts.create(language="", html="<p>Dear {{ customer.name }}, soon. {{ ticket.number }}</p>")
    return row


def test_each_ticket_gets_an_answer_of_its_own(
    receive: Receive, bob: Agent, channel: Channel, template: AnswerTemplate
) -> None:
    lamp, dimmer = receive(), receive(sender="Dan <dan@other.example>")
    done = bulk.start("answer", {"template": template.pk}, keys(lamp, dimmer), by=bob)
    assert done.skipped == {}
    texts = {mail.message.ticket: mail.message.text for mail in OutgoingMail.objects.all()}
    assert lamp.number in texts[lamp]
    assert "Dan" in texts[dimmer]
    assert {one.recipient for mail in OutgoingMail.objects.all() for one in mail.deliveries.all()} == {
        "ann@customer.example", "dan@other.example",
    }  # fmt: skip
    assert [fresh(row).status.key for row in (lamp, dimmer)] == ["customer", "customer"]
    mail = OutgoingMail.objects.first()
    assert mail is not None
    assert mail.next_attempt_at is not None
    assert mail.next_attempt_at - mail.created_at > timedelta(seconds=bob.undo_seconds - 1)


def test_answers_are_taken_back_while_nobody_has_them(
    receive: Receive, bob: Agent, channel: Channel, template: AnswerTemplate
) -> None:
    lamp = receive()
    done = bulk.start("answer", {"template": template.pk}, keys(lamp), by=bob)
    bulk.undo(done, by=bob)
    message = lamp.messages.get(kind="outgoing")
    assert message.taken_back_at is not None
    assert fresh(lamp).status.key == "new"


def test_the_same_answer_never_goes_out_twice(
    receive: Receive, bob: Agent, channel: Channel, template: AnswerTemplate
) -> None:
    lamp = receive()
    done = bulk.start("answer", {"template": template.pk}, keys(lamp), by=bob)
    BulkChange.objects.filter(pk=done.pk).update(tickets=keys(lamp), finished_at=None, claimed_until=None)
    work()
    assert OutgoingMail.objects.count() == 1
    assert "sent already" in BulkChange.objects.get(pk=done.pk).skipped[str(lamp.pk)]


def test_a_customer_who_wrote_after_the_click_stops_the_answer_to_his_ticket(
    many: Many, receive: Receive, bob: Agent, channel: Channel, template: AnswerTemplate
) -> None:
    lamp, dimmer = receive(), receive(sender="Dan <dan@other.example>")
    going = bulk.start("answer", {"template": template.pk}, [*many(60), *keys(lamp, dimmer)], by=bob)
    assert receive(in_reply_to="<r1@customer.example>") == lamp
    work()
    going.refresh_from_db()
    assert "new mail" in going.skipped[str(lamp.pk)].lower()
    assert str(dimmer.pk) not in going.skipped
    assert OutgoingMail.objects.count() == 1


def test_a_placeholder_without_a_value_stops_the_mail(
    receive: Receive, bob: Agent, channel: Channel, template: AnswerTemplate
) -> None:
    template.texts.update(html="<p>{{ customer.organisation }}</p>")
    done = bulk.start("answer", {"template": template.pk}, keys(receive()), by=bob)
    assert "customer.organisation" in next(iter(done.skipped.values()))
    assert not OutgoingMail.objects.exists()


def test_a_template_of_another_queue_is_not_sent(
    receive: Receive, bob: Agent, channel: Channel, template: AnswerTemplate, sales: Queue
) -> None:
    template.queues.add(sales)
    assert bulk.start("answer", {"template": template.pk}, keys(receive()), by=bob).skipped
    assert not OutgoingMail.objects.exists()

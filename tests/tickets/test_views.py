"""Conditions of saved views, what they find and what becomes of them when things are gone; their numbers; the tally of queues."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import (
    Agent,
    Change,
    Customer,
    Mention,
    Message,
    Organisation,
    Priority,
    Queue,
    SavedView,
    Status,
    Tag,
    Tagging,
    Ticket,
    TicketType,
    ViewCount,
)
from postvak.tickets.aftermath import STEPS
from postvak.tickets.tally import count_each, fold, numbers
from postvak.tickets.view_counts import recount_due, recount_views, views_with_numbers
from postvak.tickets.views import MARKS, STATES, Condition, gone, tickets_of, usable_views
from tests.clock import Clock

pytestmark = pytest.mark.django_db


def ticket(queue: Queue, status: str = "open", **columns: object) -> Ticket:
    now = timezone.now()
    values: dict[str, object] = {
        "created_at": now,
        "changed_at": now,
        "subject": "Lamp",
        "is_open": status not in {"closed", "trash"},
    }
    return Ticket.objects.create(
        number=str(10_000 + Ticket.objects.count()),
        queue=queue,
        status=Status.objects.get(key=status),
        **(values | columns),
    )


def found(agent: Agent, **condition: object) -> set[Ticket]:
    return set(tickets_of(Condition.of(condition), agent))


def test_a_condition_survives_being_stored(support: Queue) -> None:
    condition = Condition(
        "closed",
        (1, 2),
        ("open",),
        ("me", "7"),
        (4,),
        (1,),
        (3,),
        ("late", "high"),
        waiting_hours=5,
        words="Zoë & Söhne",
    )
    assert Condition.of(condition.stored) == condition
    assert Condition().stored == {}


@pytest.mark.parametrize(
    "stored",
    [None, [], "x", 5, {"state": "nonsense"}, {"state": []}, {"queues": "1"}, {"queues": ["1", None, True, -4, 2**70]}, {"marks": [5, "x", {}]},
     {"waiting_hours": "x"}, {"waiting_hours": -3}, {"words": None}, {"statuses": [["x"]]}, {"unknown": 1}],
)  # fmt: skip
def test_what_nobody_stored_counts_as_not_set(stored: object, support: Queue, bob: Agent) -> None:
    assert Condition.of(stored) == Condition()
    assert list(tickets_of(Condition.of(stored), bob)) == []


@pytest.mark.parametrize("state", STATES)
def test_states_leave_out_what_they_say(state: str, support: Queue, admin: Agent) -> None:
    rows = {
        "active": ticket(support),
        "waiting": ticket(support, "customer"),
        "closed": ticket(support, "closed"),
        "trash": ticket(support, "trash"),
        "spam": ticket(support, is_spam=True),
    }
    merged = ticket(support, "closed", merged_into=rows["active"])
    expected = {
        "open": ("active", "waiting"),
        "any": ("active", "waiting", "closed"),
        "all": tuple(rows),
    }.get(state, (state,))
    assert found(admin, state=state) - {merged} == {rows[name] for name in expected}
    assert (merged in found(admin, state=state)) == (state == "all")


def test_each_field_narrows_and_values_of_one_field_widen(
    support: Queue, sales: Queue, admin: Agent, bob: Agent
) -> None:
    first, second, third = (
        ticket(support),
        ticket(sales, "customer"),
        ticket(sales, priority=Priority.objects.get(level=5)),
    )
    kind, tag = TicketType.objects.create(name="Order"), Tag.objects.create(name="urgent")
    Ticket.objects.filter(pk=first.pk).update(type=kind, assignee=bob)
    Tagging.objects.create(ticket=second, tag=tag)
    assert found(admin, queues=[support.pk]) == {first}
    assert found(admin, queues=[support.pk, sales.pk]) == {first, second, third}
    assert found(admin, statuses=["customer"]) == {second}
    assert found(admin, priorities=[5, 4]) == {third}
    assert found(admin, types=[kind.pk]) == {first}
    assert found(admin, tags=[tag.pk, 99]) == {second}
    assert found(admin, assignees=["nobody"]) == {second, third}
    assert found(admin, assignees=["nobody", str(bob.pk)]) == {first, second, third}
    assert found(bob, assignees=["me"]) == {first}
    assert found(admin, assignees=["me"]) == set()
    assert found(admin, queues=[sales.pk], priorities=[5]) == {third}


def test_all_marks_must_hold(support: Queue, bob: Agent) -> None:
    now = timezone.now()
    columns: dict[str, dict[str, object]] = {
        "unread": {"is_unread": True}, "unanswered": {"waiting_since": now}, "late": {"due_at": now - timedelta(minutes=1)},
        "reminder": {"pending_until": now - timedelta(minutes=1)}, "high": {"priority_id": 4}, "attachment": {"attachment_count": 1},
        "personal": {"is_personal": True}, "private": {"is_private": True, "assignee": bob}, "undelivered": {"answer": "in_doubt"},
    }  # fmt: skip
    plain = ticket(support, is_unread=False, due_at=now + timedelta(hours=1), pending_until=now + timedelta(hours=1))
    for mark, values in columns.items():
        row = ticket(support, **{"is_unread": False, **values})
        assert found(bob, marks=[mark]) == {row}, mark
    both = ticket(support, is_unread=True, is_personal=True)
    assert found(bob, marks=["unread", "personal"]) == {both}
    assert plain not in found(bob, marks=list(MARKS))


def test_mentioned_are_tickets_whose_notes_name_me(support: Queue, bob: Agent, admin: Agent) -> None:
    named, other = ticket(support, "closed"), ticket(support)
    for row, who in ((named, bob), (other, admin)):
        note = Message.objects.create(ticket=row, kind="note", agent=admin, created_at=timezone.now(), text="@")
        Mention.objects.create(message=note, agent=who)
    assert found(bob, state="any", marks=["mentioned"]) == {named}


def test_waiting_hours_and_words_of_customer_or_organisation(support: Queue, bob: Agent) -> None:
    now = timezone.now()
    works, direct = Organisation.objects.create(name="Überlandwerke"), Organisation.objects.create(name="Lamp Ltd")
    ann = Customer.objects.create(name="Ann Archer", organisation=works)
    old = ticket(support, waiting_since=now - timedelta(hours=3), customer=ann)
    new = ticket(support, waiting_since=now - timedelta(hours=1), organisation=direct)
    assert found(bob, waiting_hours=2) == {old}
    assert found(bob, words="archer") == found(bob, words="überland") == {old}
    assert found(bob, words="lamp") == {new}


def test_what_is_gone_is_said_finds_nothing_and_breaks_nothing(
    support: Queue, bob: Agent, django_assert_num_queries: object
) -> None:
    row = ticket(support)
    queue, tag = Queue.objects.create(name="Old", brand=support.brand), Tag.objects.create(name="x")
    condition = Condition(queues=(queue.pk,), tags=(tag.pk,), assignees=("me", "9999"), statuses=("was-deleted",))
    queue.delete()
    tag.delete()
    with django_assert_num_queries(1):  # type: ignore[operator]
        sentences = gone(condition)
    assert [sentence.split()[1] for sentence in sentences] == ["queue", "status", "agent", "tag"]
    assert list(tickets_of(condition, bob)) == []
    assert gone(Condition()) == []
    assert found(bob, queues=[queue.pk, support.pk]) == {row}


def test_team_views_are_for_all_and_show_each_his_own(support: Queue, sales: Queue, bob: Agent, cas: Agent) -> None:
    ours, theirs = ticket(support), ticket(sales)
    view = SavedView.objects.create(agent=bob, name="All", is_shared=True)
    own = SavedView.objects.create(agent=bob, name="Mine")
    assert set(usable_views(bob)) == {view, own}
    assert set(usable_views(cas)) == {view}
    assert set(tickets_of(Condition.of(view.condition), bob)) == {ours}
    assert set(tickets_of(Condition.of(view.condition), cas)) == {theirs}


# ---- numbers of views


def test_a_view_that_was_never_counted_is_counted_at_once_and_then_read(
    support: Queue, bob: Agent, django_assert_num_queries: object
) -> None:
    ticket(support)
    view = SavedView.objects.create(agent=bob, name="All")
    assert views_with_numbers(bob) == [(view, 1)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert views_with_numbers(bob) == [(view, 1)]


def test_the_worker_counts_anew_for_agents_who_are_there_when_tickets_changed(
    support: Queue, bob: Agent, clock: Clock
) -> None:
    assert recount_views in STEPS
    view = SavedView.objects.create(agent=bob, name="All")
    Agent.objects.filter(pk=bob.pk).update(seen_at=timezone.now())
    assert views_with_numbers(bob) == [(view, 0)]
    clock.advance(seconds=10)
    ticket(support)
    recount_views(list(Change.objects.all()))
    assert views_with_numbers(bob) == [(view, 1)]


def test_what_changes_at_once_again_waits_for_some_seconds_and_is_not_forgotten(
    support: Queue, bob: Agent, clock: Clock
) -> None:
    view = SavedView.objects.create(agent=bob, name="All")
    Agent.objects.filter(pk=bob.pk).update(seen_at=timezone.now())
    views_with_numbers(bob)
    ticket(support)
    recount_views(list(Change.objects.all()))
    assert views_with_numbers(bob) == [(view, 0)]
    clock.advance(minutes=1, seconds=1)
    assert recount_due(timezone.now()) == 1
    assert views_with_numbers(bob) == [(view, 1)]
    assert recount_due(timezone.now()) == 0


def test_nobody_counts_for_agents_who_went_home(support: Queue, bob: Agent, clock: Clock) -> None:
    SavedView.objects.create(agent=bob, name="All")
    Agent.objects.filter(pk=bob.pk).update(seen_at=timezone.now())
    views_with_numbers(bob)
    ticket(support)
    clock.advance(minutes=16)
    recount_views(list(Change.objects.all()))
    assert ViewCount.objects.get().number == 0


def test_a_view_that_is_private_again_is_not_counted_for_others(
    support: Queue, bob: Agent, cas: Agent, clock: Clock
) -> None:
    view = SavedView.objects.create(agent=bob, name="All", is_shared=True)
    Agent.objects.update(seen_at=timezone.now())
    views_with_numbers(cas)
    SavedView.objects.filter(pk=view.pk).update(is_shared=False)
    clock.advance(minutes=2)
    assert recount_due(timezone.now()) == 0
    assert views_with_numbers(cas) == []


def test_counting_many_is_one_query_and_ends_at_the_limit(
    support: Queue, bob: Agent, django_assert_num_queries: object
) -> None:
    for _row in range(5):
        ticket(support)
    wanted = {
        "all": tickets_of(Condition(), bob),
        "none": Ticket.objects.none(),
        "private": tickets_of(Condition(marks=("private",)), bob),
    }
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert count_each(wanted, most=3) == {"all": 3, "none": 0, "private": 0}
    assert count_each({}) == {}


# ---- numbers of queues


def test_the_tally_equals_a_naive_count_whatever_happens(
    support: Queue, sales: Queue, bob: Agent, cas: Agent, admin: Agent
) -> None:
    """Random changes; folded or not; each agent's numbers are those of his lists."""
    chance = random.Random(3)
    lead = Agent.objects.create_user("lea@example.org", "correct horse battery", name="Lea")
    sales.members.add(lead)
    sales.membership_set.filter(agent=lead).update(is_lead=True)
    Agent.objects.filter(pk=cas.pk).update(substitute=lead, away_until=timezone.now() + timedelta(days=1))
    statuses = list(Status.objects.all())
    rows = [ticket(chance.choice([support, sales])) for _row in range(30)]
    for turn in range(60):
        row, status = chance.choice(rows), chance.choice(statuses)
        Ticket.objects.filter(pk=row.pk).update(
            queue=chance.choice([support, sales]), status=status, is_open=status.is_open,
            assignee=chance.choice([None, bob, cas, admin]), is_private=chance.random() < 0.3, is_spam=chance.random() < 0.1,
            merged_into=chance.choice([None, None, None, rows[0].pk if row is not rows[0] else None]),
        )  # fmt: skip
        if turn % 20 == 7:
            fold()
        if turn % 10 == 9:
            for agent in (bob, cas, admin, lead):
                compare(agent)


def compare(agent: Agent) -> None:
    counted = {row.queue.pk: (row.mine, row.unassigned, row.open, row.waiting) for row in numbers(agent)}
    for queue, found_numbers in counted.items():
        naive = tuple(
            tickets_of(Condition(state, queues=(queue,), assignees=assignees), agent).count()
            for state, assignees in (("active", ("me",)), ("active", ("nobody",)), ("open", ()), ("waiting", ()))
        )
        assert found_numbers == naive, (agent, queue)
    assert sum(row[2] for row in counted.values()) == tickets_of(Condition(), agent).count()


def test_queues_without_tickets_are_there_and_those_of_others_are_not(
    support: Queue, sales: Queue, bob: Agent, admin: Agent
) -> None:
    assert [(row.queue.name, row.open) for row in numbers(bob)] == [("Support", 0)]
    assert [row.queue.name for row in numbers(admin)] == ["Inbox", "Sales", "Support"]

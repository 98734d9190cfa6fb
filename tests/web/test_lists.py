"""Lists of tickets: every order pages through all rows exactly once, rows show what is chosen, and cost the same for one and fifty."""

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import (
    Agent,
    Calendar,
    Customer,
    Draft,
    Presence,
    Priority,
    Queue,
    Sla,
    Status,
    Tag,
    Tagging,
    Ticket,
)
from postvak.tickets.orders import ORDERS, order_of
from postvak.web.account.sessions import noted
from postvak.web.desk import lists
from postvak.web.desk.columns import COLUMNS
from postvak.web.desk.lists import LISTS, neighbours, page_of, tickets_in

pytestmark = pytest.mark.django_db

ALWAYS = {str(day): [["00:00", "24:00"]] for day in range(7)}
START = datetime(2026, 11, 1, tzinfo=UTC)
BOTH_WAYS = [sign + name for name in ORDERS for sign in ("", "-")]


def make(queue: Queue, count: int, *, status: str = "open", **columns: object) -> list[Ticket]:
    first = Ticket.objects.count()
    rows = [
        Ticket(
            number=str(10_000 + first + n),
            subject=f"Subject {first + n}",
            queue=queue,
            status=Status.objects.get(key=status),
            is_open=status not in {"closed", "trash"},
            created_at=START,
            changed_at=START + timedelta(minutes=n),
        )
        for n in range(count)
    ]
    for row in rows:
        for name, value in columns.items():
            setattr(row, name, value)
    return Ticket.objects.bulk_create(rows)


@pytest.fixture
def crowd(support: Queue) -> list[Ticket]:
    """150 tickets with many equal and many empty values."""
    chance = random.Random(11)
    customers = [None, *(Customer.objects.create(name=name) for name in ("ann", "Ann", "", "Özil", "Zoë"))]
    rows = make(support, 150)
    for row in rows:
        row.changed_at = START + timedelta(minutes=chance.randrange(9))
        row.waiting_since = chance.choice([None, START, START + timedelta(hours=chance.randrange(4))])
        row.due_at = chance.choice([None, START + timedelta(hours=chance.randrange(4))])
        row.pending_until = chance.choice([None, START])
        row.priority_id = chance.choice([1, 3, 3, 5])
        row.subject = chance.choice(["", "Lamp", "lamp", "Ölofen", "x" * 100, "x" * 90 + "y"])
        row.customer = chance.choice(customers)
        row.save()
    return rows


def walk(list_id: str, agent: Agent) -> list[Ticket]:
    """Page by page to the end."""
    found: list[Ticket] = []
    before = ""
    for _page in range(50):
        page = page_of(list_id, agent, before)
        assert page is not None
        found += page.rows
        before = page.older
        if not before:
            return found
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("order", BOTH_WAYS)
def test_every_order_pages_through_all_rows_exactly_once(crowd: list[Ticket], bob: Agent, order: str) -> None:
    bob.lists = {"open": {"order": order}}
    found = [row.pk for row in walk("open", bob)]
    assert len(found) == len(crowd)
    assert set(found) == {row.pk for row in crowd}


@pytest.mark.parametrize("order", BOTH_WAYS)
def test_pages_hang_together_as_the_whole_list_does(crowd: list[Ticket], bob: Agent, order: str) -> None:
    bob.lists = {"open": {"order": order}}
    whole = [row.pk for row in order_of(order).rows(tickets_in("open", bob))]
    assert [row.pk for row in walk("open", bob)] == whole
    turned = order.removeprefix("-") if order.startswith("-") else f"-{order}"
    assert [row.pk for row in order_of(turned).rows(tickets_in("open", bob))] == whole[::-1]


@pytest.mark.parametrize("order", BOTH_WAYS)
def test_neighbours_are_those_of_the_list_in_every_order(crowd: list[Ticket], bob: Agent, order: str) -> None:
    bob.lists = {"open": {"order": order}}
    rows: list[Ticket | None] = [None, *walk("open", bob), None]
    for at in (1, 2, 40, 60, 61, 149, 150):
        here = rows[at]
        assert here is not None
        assert neighbours(Ticket.objects.get(pk=here.pk), "open", bob) == (rows[at - 1], rows[at + 1])


def test_a_ticket_that_left_the_list_still_has_neighbours(support: Queue, bob: Agent) -> None:
    first, gone, last = make(support, 3)
    Ticket.objects.filter(pk=gone.pk).update(is_open=False)
    assert neighbours(gone, "open", bob) == (last, first)


def test_neighbours_of_a_list_that_is_not_ones_own_are_none(support: Queue, sales: Queue, bob: Agent) -> None:
    (ticket,) = make(support, 1)
    assert neighbours(ticket, f"queue-{sales.pk}", bob) == (None, None)
    assert neighbours(ticket, "nonsense", bob) == (None, None)


def test_neighbours_cost_two_queries_and_one_more_for_texts(
    crowd: list[Ticket], bob: Agent, support: Queue, django_assert_num_queries: object
) -> None:
    for list_id, order, cost in (("open", "due", 2), ("open", "subject", 3), (f"queue-{support.pk}", "due", 2)):
        bob.lists = {list_id: {"order": order}}
        with django_assert_num_queries(cost):  # type: ignore[operator]
            neighbours(crowd[7], list_id, bob)


@pytest.mark.parametrize("order", ["changed", "-changed", "created", "due", "subject"])
@pytest.mark.parametrize("name", ["open", "unassigned", "closed"])
def test_few_tickets_among_many_of_others_are_listed_the_same_way(
    crowd: list[Ticket], bob: Agent, sales: Queue, name: str, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are sought by queue then, not in the order of all tickets."""
    make(sales, 30, status="closed" if name == "closed" else "open")
    if name == "closed":
        Ticket.objects.filter(pk__in=[ticket.pk for ticket in crowd]).update(
            status=Status.objects.get(key="closed"), is_open=False
        )
    bob.lists = {name: {"order": order}}

    def seen() -> list[object]:
        first = page_of(name, bob)
        assert first is not None
        second = page_of(name, bob, first.older)
        assert second is not None
        sides = [neighbours(row, name, bob) for row in (first.rows[0], first.rows[7], second.rows[3])]
        return [[row.pk for row in first.rows], [row.pk for row in second.rows], sides]

    few = seen()
    monkeypatch.setattr("postvak.tickets.views.FEW", 3)
    assert seen() == few
    assert len(few[0]) == 60  # type: ignore[arg-type]


def test_empty_values_come_last_and_the_longest_wait_first(support: Queue, bob: Agent) -> None:
    late, never, early = make(support, 3)
    Ticket.objects.filter(pk=late.pk).update(waiting_since=START + timedelta(hours=2))
    Ticket.objects.filter(pk=early.pk).update(waiting_since=START)
    bob.lists = {"open": {"order": "waiting"}}
    assert walk("open", bob) == [early, late, never]


def test_a_row_that_changes_while_one_pages_is_not_shown_twice_and_pushes_none_out(support: Queue, bob: Agent) -> None:
    make(support, 130)
    first = page_of("open", bob)
    assert first is not None
    Ticket.objects.filter(pk=first.rows[5].pk).update(changed_at=timezone.now())
    second = page_of("open", bob, first.older)
    assert second is not None
    third = page_of("open", bob, second.older)
    assert third is not None
    assert len({row.pk for page in (first, second, third) for row in page.rows}) == 130


@pytest.mark.parametrize(
    "cursor",
    ["x", "[]", "[1]", '["2026-11-01T00:00:00",1]', '["x",1]', "[null,1]", '["2026-11-01T00:00:00+00:00",99999999999999999999]',
     "[" * 5000, '{"a":1}', '["\\ud800",1]', "NaN", "[true,false]"],
)  # fmt: skip
@pytest.mark.parametrize("order", ["changed", "subject", "due", "created"])
def test_a_cursor_that_makes_no_sense_begins_at_the_top(support: Queue, bob: Agent, cursor: str, order: str) -> None:
    make(support, 3)
    bob.lists = {"open": {"order": order}}
    page = page_of("open", bob, cursor)
    assert page is not None
    assert len(page.rows) in {0, 1, 2, 3}  # a readable one is taken at its word


def test_long_lists_offer_only_orders_that_stay_quick(support: Queue, bob: Agent) -> None:
    make(support, 2, status="closed")
    bob.lists = {"closed": {"order": "subject"}}
    page = page_of("closed", bob)
    assert page is not None
    assert page.order == "changed"
    assert [order.id for order in page.orders] == ["changed", "created", "number"]


@pytest.mark.parametrize(
    "broken", [None, [], "x", {"open": 7}, {"open": {"order": 5, "columns": "x"}}, {"open": {"columns": [1]}}]
)
def test_wishes_that_make_no_sense_are_passed_over(support: Queue, bob: Agent, broken: object) -> None:
    make(support, 1)
    bob.lists = broken
    page = page_of("open", bob)
    assert page is not None
    assert (page.order, page.columns) == ("changed", lists.USUAL_COLUMNS)


def html_of(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, url
    return response.content.decode()


def test_order_columns_and_density_are_remembered_for_agent_and_list(
    client: Client, bob: Agent, support: Queue
) -> None:
    first, second = make(support, 2)
    client.force_login(bob)
    answer = client.post("/list/open/look/", {"order": "-changed"})
    assert answer.headers["Location"] == "/list/open/"
    html = html_of(client, "/list/open/")
    assert html.index(first.subject) < html.index(second.subject)
    html = html_of(client, "/list/unassigned/")
    assert html.index(first.subject) > html.index(second.subject)
    client.post("/list/open/look/", {"look": "1", "column": ["number", "nonsense"], "density": "dense"})
    bob.refresh_from_db()
    assert bob.lists == {"open": {"order": "-changed", "columns": ["number"]}}
    html = html_of(client, "/list/open/")
    assert 'data-density="dense"' in html
    assert f'<span class="num">{first.number}</span>' in html
    assert 'class="who"' not in html
    client.post("/list/open/look/", {"look": "1", "reset": "1", "density": "roomy"})
    bob.refresh_from_db()
    assert (bob.lists, bob.density) == ({"open": {"order": "-changed"}}, "roomy")


def test_a_look_for_a_list_of_others_is_not_found(client: Client, bob: Agent, sales: Queue) -> None:
    client.force_login(bob)
    assert client.post(f"/list/queue-{sales.pk}/look/", {"order": "due"}).status_code == 404
    assert client.post("/list/nonsense/look/", {"order": "due"}).status_code == 404


def test_whoever_changes_the_order_beside_a_ticket_stays_on_it(client: Client, bob: Agent, support: Queue) -> None:
    (ticket,) = make(support, 1)
    client.force_login(bob)
    answer = client.post("/list/open/look/", {"order": "due", "ticket": ticket.number})
    assert answer.headers["Location"] == f"/tickets/{ticket.number}/?in=open"


def test_a_row_shows_tags_marks_and_who_is_there_now(client: Client, bob: Agent, admin: Agent, support: Queue) -> None:
    (ticket,) = make(
        support, 1, is_private=True, is_personal=True, priority=Priority.objects.get(level=4), assignee=bob,
        attachment_count=2, message_count=7, is_unread=True, preview="Hello there", answer="waiting",
    )  # fmt: skip
    for name in ("one", "two", "three <b>"):
        Tagging.objects.create(ticket=ticket, tag=Tag.objects.create(name=name))
    Presence.objects.create(ticket=ticket, agent=admin, seen_at=timezone.now())
    Presence.objects.create(ticket=ticket, agent=bob, seen_at=timezone.now())
    client.force_login(bob)
    html = html_of(client, "/list/open/")
    row = html[html.index('<li class="row"') : html.index("</li>", html.index('<li class="row"'))]
    for words in ("High priority", "Personal", "Private", "2 attachments", "7 messages", "Hello there", "Unread:", "Answer not out yet",
                  f"{admin.name} reads it now", "Assigned to Bob Baker", "Support"):  # fmt: skip
        assert words in row, words
    assert f"{bob.name} reads it now" not in row
    assert "<b>" not in row
    assert re.search(r'name="ticket" value="10000"', row)


def test_colleagues_who_left_a_while_ago_are_not_shown(
    client: Client, bob: Agent, admin: Agent, support: Queue
) -> None:
    (ticket,) = make(support, 1)
    Presence.objects.create(ticket=ticket, agent=admin, seen_at=timezone.now() - timedelta(minutes=2))
    client.force_login(bob)
    assert "reads it now" not in html_of(client, "/list/open/")


def test_in_progress_are_tickets_that_a_colleague_reads_or_writes_on(bob: Agent, admin: Agent, support: Queue) -> None:
    read, written, begun_long_ago, own, idle = make(support, 5)
    now = timezone.now()
    Presence.objects.create(ticket=read, agent=admin, seen_at=now)
    Presence.objects.create(ticket=own, agent=bob, seen_at=now)
    Presence.objects.create(ticket=idle, agent=admin, seen_at=now - timedelta(minutes=2))
    Draft.objects.create(ticket=written, agent=admin, changed_at=now)
    Draft.objects.create(ticket=begun_long_ago, agent=admin, changed_at=now - timedelta(hours=1))
    Draft.objects.create(ticket=own, agent=bob, changed_at=now)
    assert set(tickets_in("progress", bob)) == {read, written}


def test_mine_are_also_those_of_a_colleague_whom_i_stand_in_for_while_he_is_away(
    bob: Agent, admin: Agent, support: Queue
) -> None:
    (mine,) = make(support, 1, assignee=bob)
    (his,) = make(support, 1, assignee=admin)
    (private,) = make(support, 1, assignee=admin, is_private=True)
    Agent.objects.filter(pk=admin.pk).update(substitute=bob)
    assert set(tickets_in("mine", bob)) == {mine}
    Agent.objects.filter(pk=admin.pk).update(away_until=timezone.now() + timedelta(days=1))
    assert set(tickets_in("mine", bob)) == {mine, his}
    Agent.objects.filter(pk=admin.pk).update(away_until=timezone.now() - timedelta(days=1))
    assert set(tickets_in("mine", bob)) == {mine}
    assert private not in tickets_in("open", bob)


@pytest.mark.parametrize("name", LISTS)
def test_no_list_shows_a_private_ticket_of_others(bob: Agent, admin: Agent, support: Queue, name: str) -> None:
    now = timezone.now()
    columns = {"is_private": True, "due_at": now, "pending_until": now, "answer": "failed", "waiting_since": now}
    for status in ("open", "customer", "closed", "trash"):
        make(support, 1, status=status, **columns)
    make(support, 1, is_spam=True, **columns)
    Presence.objects.create(ticket=Ticket.objects.first(), agent=admin, seen_at=now)
    assert not tickets_in(name, bob).exists()
    assert tickets_in(name, admin).exists() or name in {"mine", "mentioned", "progress"}


@pytest.mark.parametrize("name", [*LISTS, "queue", "view"])
def test_a_page_costs_the_same_for_one_row_and_for_fifty(
    client: Client, admin: Agent, bob: Agent, support: Queue, name: str, django_assert_max_num_queries: object
) -> None:
    from_list = {
        "queue": f"queue-{support.pk}",
        "view": f"view-{admin.views.create(name='All', condition={'tags': [7, 8]}).pk}",
    }
    url = f"/list/{from_list.get(name, name)}/"
    status = {"closed": "closed", "trash": "trash", "waiting": "customer"}.get(name, "open")
    sla = Sla.objects.create(
        name="Quick", first_answer=60, calendar=Calendar.objects.create(name="Always", hours=ALWAYS)
    )
    admin.views.create(name="Seven", condition={"tags": [7]})
    client.force_login(admin)
    client.get(url)  # the first of an agent writes when he was here
    costs = []
    for count in (1, 49):
        now = timezone.now()
        columns = {"due_at": now, "first_due_at": now, "pending_until": now, "answer": "failed", "sla": sla}
        columns |= {"assignee": None if name == "unassigned" else admin, "is_spam": name == "spam"}
        for ticket in make(support, count, status=status, **columns):
            Tagging.objects.create(ticket=ticket, tag=Tag.objects.get_or_create(pk=7, name="seven")[0])
            Presence.objects.create(ticket=ticket, agent=bob, seen_at=now)
        with django_assert_max_num_queries(12) as queries:  # type: ignore[operator]
            page = html_of(client, url)
        costs.append(len(queries))
        assert len(page) < 150_000
    assert costs[0] == costs[1]
    assert page.count('<li class="row"') == (0 if name == "mentioned" else 50)


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_says_something_friendly(client: Client, bob: Agent, name: str) -> None:
    client.force_login(bob)
    html = html_of(client, f"/list/{name}/")
    assert str(LISTS[name].empty) in html
    assert "<li" not in html[html.index('id="rows"') : html.index("</main>")]


def test_rows_that_come_anew_are_as_many_as_were_there(client: Client, bob: Agent, support: Queue) -> None:
    make(support, 200)
    client.force_login(bob)
    for wanted, shown in (("", 60), ("120", 120), ("99999999", 60), ("0", 60), ("x", 60), ("9999", 200)):
        html = html_of(client, f"/list/open/?rows={wanted}", **{"HX-Request": "true"})
        assert html.count('<li class="row"') == shown, wanted
        assert ("Show more tickets" in html) == (shown < 200)


def test_all_columns_at_once_are_a_page_that_works(client: Client, bob: Agent, support: Queue) -> None:
    make(support, 60, subject="ein sehr langer Betreff über Straßenbeleuchtungsrahmenverträge", preview="x" * 200)
    bob.lists = {"open": {"columns": list(COLUMNS)}}
    bob.save()
    client.force_login(bob)
    assert len(html_of(client, "/list/open/")) < 150_000


def test_when_an_agent_was_here_is_written_once_a_minute(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    client.get("/")
    first = Agent.objects.get(pk=bob.pk).seen_at
    assert first is not None
    client.get("/")
    assert Agent.objects.get(pk=bob.pk).seen_at == first
    Agent.objects.filter(pk=bob.pk).update(seen_at=first - timedelta(minutes=2))
    noted.times.clear()  # this process wrote it two minutes ago
    client.get("/")
    assert Agent.objects.get(pk=bob.pk).seen_at >= first  # type: ignore[operator]

"""Pages of saved views: made, changed, shared, sorted, deleted; who may; and the navigation with its numbers."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Draft, Message, Notification, Queue, SavedView, Tag, Ticket
from postvak.tickets.views import Condition
from postvak.web.desk.lists import LISTS, page_of
from tests.web.test_lists import html_of, make

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent) -> Client:
    client.force_login(bob)
    return client


def view_of(agent: Agent, **columns: object) -> SavedView:
    return SavedView.objects.create(**{"agent": agent, "name": "Old lamps", **columns})


def test_a_view_is_made_found_in_the_navigation_and_shows_its_tickets(desk: Client, bob: Agent, support: Queue) -> None:
    (late,) = make(support, 1, due_at=timezone.now() - timedelta(hours=1))
    (other,) = make(support, 1)
    sent = {
        "name": " Too  late ",
        "state": "open",
        "marks": ["late"],
        "queues": [support.pk],
        "order": "due",
        "columns": ["due", "number"],
    }
    answer = desk.post("/views/new/", sent)
    view = SavedView.objects.get()
    assert answer.headers["Location"] == f"/list/view-{view.pk}/"
    assert (view.name, view.agent, view.is_shared, view.order, view.columns) == (
        "Too late",
        bob,
        False,
        "due",
        ["number", "due"],
    )
    assert Condition.of(view.condition) == Condition(queues=(support.pk,), marks=("late",))
    html = html_of(desk, f"/list/view-{view.pk}/")
    assert late.number in html
    assert other.subject not in html
    assert re.search(r"Too late</span><span class=\"count has\">1<", html)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_can_be_saved_as_a_view_with_its_order(desk: Client, bob: Agent, support: Queue, name: str) -> None:
    bob.lists = {name: {"order": "-created", "columns": ["when"]}}
    bob.save()
    html = html_of(desk, f"/views/new/?from={name}")
    assert f'value="{str(LISTS[name].label)[:60]}"' in html
    assert re.search(r'<option value="created" selected', html)
    assert LISTS[name].condition == Condition.of(LISTS[name].condition.stored)
    assert all(re.search(rf'name="marks" value="{mark}"[^>]* checked', html) for mark in LISTS[name].condition.marks)


def test_a_view_is_changed_and_whoever_changed_it_sees_it_so(desk: Client, bob: Agent, support: Queue) -> None:
    view = view_of(bob, condition={"marks": ["late"]})
    bob.lists = {f"view-{view.pk}": {"order": "subject"}}
    bob.save()
    assert re.search(r'name="marks" value="late"[^>]* checked', html_of(desk, f"/views/{view.pk}/"))
    desk.post(
        f"/views/{view.pk}/",
        {"name": "New lamps", "state": "open", "order": "created", "is_turned": "on", "words": "ann"},
    )
    view.refresh_from_db()
    bob.refresh_from_db()
    assert (view.name, view.order, view.condition) == ("New lamps", "-created", {"words": "ann"})
    page = page_of(f"view-{view.pk}", bob)
    assert page is not None
    assert page.order == "-created"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"state": "x"},
        {"queues": ["999"]},
        {"waiting_hours": "-1"},
        {"waiting_hours": "x"},
        {"state": "closed", "order": "subject"},
    ],
)
def test_a_wrong_form_is_explained_and_nothing_is_saved(desk: Client, support: Queue, wrong: dict[str, object]) -> None:
    answer = desk.post("/views/new/", {"name": "x", "state": "open", "order": "changed", **wrong})
    assert answer.status_code == 422
    assert "Not saved yet" in answer.content.decode()
    assert not SavedView.objects.exists()


def test_the_editor_says_how_many_tickets_fit(desk: Client, support: Queue) -> None:
    make(support, 3, is_unread=True)
    make(support, 1, is_unread=False)
    sent = {"state": "open", "order": "changed"}
    for more, said in (
        ({}, ">4<"),
        ({"marks": ["unread"]}, ">3<"),
        ({"words": "nobody"}, ">0<"),
        ({"waiting_hours": "x"}, "be read yet"),
    ):
        answer = desk.post("/views/hits/", sent | more)
        assert answer.status_code == 200
        assert said in answer.content.decode()
    assert not SavedView.objects.exists()


def test_a_view_of_things_that_are_gone_says_so_and_can_be_mended(desk: Client, bob: Agent, support: Queue) -> None:
    tag = Tag.objects.create(name="x")
    view = view_of(
        bob, condition={"queues": [9999], "tags": [tag.pk], "assignees": ["8888"]}, order="nonsense", columns=[1, "x"]
    )
    tag.delete()
    html = html_of(desk, f"/list/view-{view.pk}/")
    for words in ("A queue of this view is gone.", "A tag of this view is gone.", "An agent of this view is gone."):
        assert words in html
    html = html_of(desk, f"/views/{view.pk}/")
    assert "No longer there" in html
    assert (
        desk.post(
            "/views/hits/", {"view": view.pk, "state": "open", "order": "changed", "queues": ["9999"]}
        ).status_code
        == 200
    )
    sent = {"name": "x", "state": "open", "order": "changed", "queues": ["9999", support.pk]}
    assert desk.post(f"/views/{view.pk}/", sent).status_code == 302
    assert Condition.of(SavedView.objects.get().condition).queues == (9999, support.pk)


def test_team_views_are_changed_by_their_owner_and_by_administrators_only(
    client: Client, bob: Agent, cas: Agent, admin: Agent
) -> None:
    shared, own = view_of(bob, is_shared=True), view_of(bob)
    for agent, sees, may_shared, may_own in ((bob, 200, 200, 200), (cas, 200, 404, 404), (admin, 200, 200, 404)):
        client.force_login(agent)
        assert client.get(f"/list/view-{shared.pk}/").status_code == sees
        assert client.get(f"/views/{shared.pk}/").status_code == may_shared
        assert client.get(f"/views/{own.pk}/").status_code == may_own
        assert client.get(f"/list/view-{own.pk}/").status_code == may_own
    client.force_login(cas)
    for url in (f"/views/{shared.pk}/removal/", f"/views/{shared.pk}/place/", f"/views/{shared.pk}/"):
        assert client.post(url, {"name": "Cas was here", "state": "open", "order": "changed"}).status_code == 404
    assert "Make a copy of your own" in html_of(client, "/views/")
    assert "Copy of Old lamps" in html_of(client, f"/views/new/?from=view-{shared.pk}")
    assert "Copy of" not in html_of(client, f"/views/new/?from=view-{own.pk}")


def test_a_view_can_be_deleted_and_its_tickets_stay(desk: Client, bob: Agent, support: Queue) -> None:
    make(support, 1)
    view = view_of(bob)
    html_of(desk, "/")
    assert desk.post(f"/views/{view.pk}/removal/").status_code == 302
    assert not SavedView.objects.exists()
    assert Ticket.objects.count() == 1
    assert desk.get(f"/list/view-{view.pk}/").status_code == 404


def test_views_are_sorted_by_moving_them_up_and_down(desk: Client, bob: Agent) -> None:
    a, b, c = (view_of(bob, name=name) for name in "abc")
    desk.post(f"/views/{c.pk}/place/", {"to": "up"})
    desk.post(f"/views/{a.pk}/place/", {"to": "down"})
    assert list(SavedView.objects.all()) == [c, a, b]
    desk.post(f"/views/{c.pk}/place/", {"to": "up"})
    assert list(SavedView.objects.all()) == [c, a, b]


# ---- the navigation


def test_what_has_nothing_in_it_is_folded_away_and_comes_up_when_it_matters(
    desk: Client, bob: Agent, support: Queue
) -> None:
    def places(html: str) -> tuple[str, str]:
        side = html[: html.index('class="pane-list')]
        above, _details, more = side.partition('class="nav-more"')
        return above, more

    above, more = places(html_of(desk, "/"))
    for label in (
        "Escalated",
        "Reminders due",
        "Mentioned me",
        "Held",
        "Not delivered",
        "Outbox",
        "Drafts",
        "Spam",
        "Trash",
        "Closed",
    ):
        assert f">{label}<" in more, label
        assert f">{label}<" not in above, label
    now = timezone.now()
    (ticket,) = make(support, 1, due_at=now, pending_until=now, answer="failed")
    Draft.objects.create(ticket=ticket, agent=bob, changed_at=now)
    note = Message.objects.create(ticket=ticket, kind="note", agent=bob, created_at=now)
    Notification.objects.create(agent=bob, ticket=ticket, message=note, kind="mentioned", at=now)
    above, more = places(html_of(desk, "/"))
    for label in ("Escalated", "Reminders due", "Mentioned me", "Not delivered", "Drafts"):
        assert re.search(rf">{label}</span><span class=\"count[^>]*>1<", above), label
        assert f">{label}<" not in more, label


def test_the_folded_part_is_open_when_it_was_left_open_or_holds_the_current_list(desk: Client) -> None:
    assert "data-more>" in html_of(desk, "/")
    assert "data-more open>" in html_of(desk, "/list/spam/")
    desk.cookies["postvak_more"] = "1"
    assert "data-more open>" in html_of(desk, "/")


def test_private_tickets_and_those_of_others_are_counted_nowhere(
    client: Client, cas: Agent, bob: Agent, support: Queue
) -> None:
    now = timezone.now()
    (ticket,) = make(support, 1, is_private=True, due_at=now, pending_until=now, answer="failed")
    Notification.objects.create(agent=cas, ticket=ticket, kind="mentioned", at=now, read_at=None)
    for agent in (bob, cas):
        client.force_login(agent)
        html = html_of(client, "/navigation/?at=open")
        assert 'class="count' not in html, agent


def test_more_than_99_are_said_so(desk: Client, support: Queue) -> None:
    make(support, 101, due_at=timezone.now())
    html = html_of(desk, "/")
    assert re.search(r"Escalated</span><span class=\"count has\">99\+<", html)
    assert re.search(r"All open</span><span class=\"count has\">101<", html)


def test_the_navigation_costs_five_queries_and_no_more_with_many_views(
    client: Client, admin: Agent, support: Queue, django_assert_max_num_queries: object
) -> None:
    client.force_login(admin)
    for count in (0, 20):
        for n in range(count):
            view_of(admin, name=f"View {n}")
        client.get("/navigation/")
        with django_assert_max_num_queries(8) as queries:  # type: ignore[operator]
            html_of(client, "/navigation/?at=open")
        own = [query["sql"] for query in queries.captured_queries if "django_session" not in query["sql"]]
        own = [sql for sql in own if not re.search(r'FROM "postvak_agent" WHERE "postvak_agent"."id" =', sql)]
        assert len(own) <= 5, own

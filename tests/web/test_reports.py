"""The page of reports, its tables, and the page on which customers rate."""

import csv
import io

import pytest
from django.core.signing import Signer
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from postvak.models import Agent, Queue, Rating, Ticket
from postvak.notify.rating_link import ticket_of
from postvak.web.charts import Frame, Series, bars, plot, scale
from tests.mails import mail
from tests.send.answering import receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(mailbox: object, support: Queue) -> Ticket:
    found = receive(mailbox, mail()).ticket  # type: ignore[arg-type]
    assert found is not None
    return found


def rows_of(client: Client, what: str, query: str = "") -> list[list[str]]:
    response = client.get(f"/reports/{what}.csv?{query}")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert body.startswith("\ufeff")
    return list(csv.reader(io.StringIO(body[1:])))


@pytest.mark.parametrize("what", ["days", "queues", "agents", "times", "tags", "hours"])
def test_every_table_has_a_head_and_rows_as_wide(client: Client, bob: Agent, ticket: Ticket, what: str) -> None:
    client.force_login(bob)
    head, *rows = rows_of(client, what)
    assert all(len(row) == len(head) for row in rows)
    assert rows or what == "tags"


def test_an_unknown_table_is_not_found(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    assert client.get("/reports/passwords.csv").status_code == 404


def test_the_table_of_days_says_what_the_page_shows(client: Client, bob: Agent, ticket: Ticket) -> None:
    client.force_login(bob)
    last = rows_of(client, "days", "period=7")[-1]
    assert last[1:] == ["1", "0", "1", "0", "1"]
    assert 'aria-label="Open tickets at the end of each day"' in client.get("/reports/").content.decode()


def test_a_name_that_looks_like_a_formula_stays_a_name(client: Client, bob: Agent, ticket: Ticket) -> None:
    Queue.objects.filter(pk=ticket.queue_id).update(name="=1+1")
    client.force_login(bob)
    assert rows_of(client, "queues")[1][0] == "'=1+1"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("period=own&first=2026-11-09&last=2026-11-02", "The first day is after the last one."),
        ("period=own&first=x", "Type the first and the last day."),
        ("period=own&first=2020-01-01&last=2026-01-01", "a year at most"),
        ("period=own&first=0001-01-01&last=9999-12-31", "Type the first and the last day."),
    ],
)
def test_a_period_that_makes_no_sense_is_told_and_a_usual_one_shown(
    client: Client, bob: Agent, query: str, words: str
) -> None:
    client.force_login(bob)
    page = client.get(f"/reports/?{query}")
    assert page.status_code == 200
    assert words in page.content.decode()


def test_a_queue_that_one_may_not_read_is_no_filter_and_shows_nothing(
    client: Client, cas: Agent, ticket: Ticket
) -> None:
    client.force_login(cas)
    assert len(rows_of(client, "queues", f"queue={ticket.queue_id}")) == 1
    assert "Support" not in client.get("/reports/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_tickets(
    client: Client, bob: Agent, mailbox: object, support: Queue, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(bob)
    client.get("/reports/")
    for number in range(5):
        receive(mailbox, mail(message_id=f"many{number}@customer.example"))  # type: ignore[arg-type]
    with django_assert_max_num_queries(30):
        client.get("/reports/")


# -- rating --------------------------------------------------------------------------------


def test_a_customer_rates_by_his_link_and_opening_it_changes_nothing(client: Client, ticket: Ticket) -> None:
    token = Signer(salt="rating").sign(str(ticket.pk))
    assert ticket_of(token) == ticket.pk
    assert client.get(f"/rating/{token}/").status_code == 200
    assert not Rating.objects.exists()
    assert client.post(f"/rating/{token}/", {"value": "3", "comment": "Quick!"}).status_code == 302
    assert "Quick!" in client.get(f"/rating/{token}/").content.decode()
    assert Rating.objects.get().value == Rating.Value.GOOD


@pytest.mark.parametrize("value", ["", "9", "good"])
def test_a_rating_without_an_answer_is_asked_again(client: Client, ticket: Ticket, value: str) -> None:
    token = Signer(salt="rating").sign(str(ticket.pk))
    response = client.post(f"/rating/{token}/", {"value": value})
    assert (response.status_code, Rating.objects.count()) == (422, 0)


def test_an_invented_link_is_not_found(client: Client, ticket: Ticket) -> None:
    assert client.get(f"/rating/{ticket.pk}:abc/").status_code == 404
    assert client.get(f"/rating/{Signer(salt='login').sign(str(ticket.pk))}/").status_code == 404


# -- plots ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("highest", "wanted"),
    [(0, (1, 1)), (3, (1, 3)), (2.5, (1, 3)), (48, (10, 50)), (236, (50, 250)), (1000, (200, 1000))],
)
def test_the_grid_has_round_numbers(highest: float, wanted: tuple[float, float]) -> None:
    assert scale(highest) == wanted


def test_lines_stay_within_their_frame_and_words_apart() -> None:
    frame = Frame(400, 200)
    found = plot([Series("a", [0, 10, None]), Series("b", [1, 9, 10])], ["x", "y", "z"], frame)
    assert found.lines[0].path == "M40.0 176.0 190.0 8.0"
    assert abs(found.lines[0].end - found.lines[1].end) >= 12
    assert plot([], [], frame).lines == ()


def test_bars_add_up() -> None:
    assert bars((1, 1, 2), 4, 100) == [(0.0, 25.0), (25.0, 25.0), (50.0, 50.0)]
    assert bars((0,), 0, 100) == [(0.0, 0.0)]

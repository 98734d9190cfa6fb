"""The lists of the administration, all of them: search, valid and invalid rows, order, pages, who uses what. Generated over the
navigation, so that a new area without a word here fails. Spec 10."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone

from postvak.models import (
    Address,
    Agent,
    AnswerTemplate,
    Blocked,
    Brand,
    Calendar,
    Channel,
    CustomField,
    ExternalNumber,
    Filter,
    Grant,
    GroupingExclusion,
    Invitation,
    LoginProvider,
    Mailbox,
    Membership,
    Priority,
    Queue,
    Role,
    Rule,
    Sla,
    Status,
    Tag,
    Team,
    TicketType,
    Webhook,
)
from postvak.web.admin.navigation import admin_navigation
from tests.web.filled_form import filled

pytestmark = pytest.mark.django_db
Maker = Callable[..., list[Any]]


def named(model: type, **facts: object) -> Maker:
    """`count` rows, every third of them invalid where the model knows that."""
    validity = "is_active" if model is Agent else "is_valid"
    has = any(field.name == validity for field in model._meta.concrete_fields)
    key = "email" if model in {Agent, Address} else "sender" if model is GroupingExclusion else "name"

    def make(count: int, after: int = 0) -> list[Any]:
        rows = []
        for place in range(after, after + count):
            text = f"row{place:05}@rows.example" if key != "name" else f"Row {place:05}"
            given = {name: value(place) if callable(value) else value for name, value in facts.items()}
            validities = {validity: place % 3 != 2} if has else {}
            rows.append(model(**{key: text, **validities, **given}))
        return list(model._default_manager.bulk_create(rows))

    return make


def queue() -> Queue:
    return Queue.objects.get(is_default=True)


def makers() -> dict[str, Maker]:
    """By the name of the area: how its rows are made."""
    now, brand, inbox = timezone.now(), Brand.objects.get(), queue()
    calendar = Calendar.objects.first() or Calendar.objects.create(name="Hours")
    field, _new = CustomField.objects.get_or_create(key="theirs", defaults={"label": "Theirs", "kind": "text"})
    return {
        "mailboxes": named(Mailbox, host="imap.rows.example", queue=inbox),
        "channels": named(Channel, host="smtp.rows.example"),
        "grants": named(Grant, provider="google"),
        "addresses": named(Address, queue=inbox),
        "queues": named(Queue, brand=brand),
        "brands": named(Brand),
        "answer_templates": named(AnswerTemplate, category=lambda place: f"Cat {place % 4}"),
        "messages": named(Rule, trigger="new_ticket"),
        "agents": named(Agent, name=lambda place: f"Row {place:05}"),
        "teams": named(Team),
        "roles": named(Role),
        "login": named(LoginProvider, kind="google", client_id="x"),
        "statuses": named(Status, key=lambda place: f"row-{place}", type="open"),
        "ticket_types": named(TicketType),
        "tags": named(Tag),
        "slas": named(Sla, calendar=calendar),
        "calendars": named(Calendar),
        "filters": named(Filter, created_at=now, changed_at=now),
        "external_numbers": named(ExternalNumber, sender="@x", number="(.*)", field=field),
        "exclusions": named(GroupingExclusion),
        "webhooks": named(Webhook, url="https://rows.example/", created_at=now),
    }


ELSEWHERE = {
    "signing", "custom_fields", "health", "communications", "jobs", "imports", "audit", "programs", "options", "retention",
    "privacy", "backups", "exports", "priorities", "keys", "classification",
}  # fmt: skip  # no lists of rows that an administrator makes, searched in their own way, or never more than nine
AREAS = (
    "mailboxes", "channels", "grants", "addresses", "queues", "brands", "answer_templates", "messages", "agents", "teams", "roles",
    "login", "statuses", "ticket_types", "tags", "slas", "calendars", "filters", "external_numbers", "exclusions", "webhooks",
)  # fmt: skip
NEVER_INVALID = {"grants", "brands", "roles", "tags", "calendars", "exclusions"}
ON_AND_OFF = {"messages"}  # rows are switched by another column than "is_valid"


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def rows_of(text: str) -> list[str]:
    """The first word of each row that a test made, in their order on the page."""
    return re.findall(r"<a href=\"/admin/[^\"]+\">(row\d{5}|Row \d{5})", text)


def address(area: str) -> str:
    return next(one.url for group in admin_navigation().groups for one in group.areas if one.id == area)


def test_every_area_is_a_list_of_this_test_or_named_as_another_page(db: None) -> None:
    areas = {area.id for group in admin_navigation().groups for area in group.areas}
    assert areas == {*AREAS, *ELSEWHERE}
    assert set(makers()) == set(AREAS)


@pytest.mark.parametrize("area", AREAS)
def test_a_list_is_searched_narrowed_and_sorted(eva: Client, area: str) -> None:
    url = address(area)
    makers()[area](12)
    text = eva.get(url).text
    assert 'name="q"' in text
    assert text.count("aria-sort") <= 1
    assert rows_of(eva.get(f"{url}?q=00007").text) in (["Row 00007"], ["row00007"])
    sorts = dict.fromkeys(re.findall(r'class="sort" href="\?sort=-?(\w+)"', text))
    assert "name" in sorts
    for name in sorts:
        assert eva.get(f"{url}?sort=-{name}").text.count('aria-sort="descending"') == 1
    up, down = (rows_of(eva.get(f"{url}?sort={sort}").text) for sort in ("name", "-name"))
    assert len(up) == 12
    assert up == sorted(up) == down[::-1]
    assert "Nothing in this list has “nowhere”" in eva.get(f"{url}?q=nowhere").text


@pytest.mark.parametrize("area", sorted(set(AREAS) - NEVER_INVALID - ON_AND_OFF - {"mailboxes"}))
def test_valid_and_invalid_rows_are_shown_apart_and_invalid_ones_muted(eva: Client, area: str) -> None:
    url = address(area)
    makers()[area](12)
    places = [int(one[-5:]) for one in rows_of(eva.get(f"{url}?valid=no").text)]
    assert sorted(places) == [2, 5, 8, 11]
    assert sorted(int(one[-5:]) for one in rows_of(eva.get(f"{url}?valid=yes").text)) == [0, 1, 3, 4, 6, 7, 9, 10]
    assert len(rows_of(eva.get(f"{url}?valid=maybe").text)) == 12
    assert eva.get(f"{url}?valid=no").text.count('class="off"') == 4


@pytest.mark.parametrize("area", AREAS)
def test_what_an_address_says_wrongly_is_as_usual(eva: Client, area: str) -> None:
    url = address(area)
    makers()[area](2)
    for wrong in (
        "q=a%00b",
        "q=%ff",
        "valid=%00",
        "sort=%00",
        "sort=password",
        "sort=-",
        "page=%00",
        "page=99999999999999999999",
    ):
        assert eva.get(f"{url}?{wrong}").status_code == 200, wrong


@pytest.mark.parametrize("area", AREAS)
def test_a_hundred_rows_are_a_page_and_none_costs_a_query(eva: Client, area: str) -> None:
    url, make = address(area), makers()[area]
    made = make(3)
    fill(made)
    with CaptureQueriesContext(connection) as few:
        eva.get(f"{url}?sort=name")
    fill(make(130, after=3))
    with CaptureQueriesContext(connection) as many:
        text = eva.get(f"{url}?sort=name").text
    assert len(many) <= len(few)
    assert 70 <= len(rows_of(text)) <= 100  # shipped rows stand among them
    assert 'href="?sort=name&amp;page=2"' in text


def fill(rows: list[Any]) -> None:
    """Queues and channels with what their lists show beside them."""
    if isinstance(rows[0], Queue):
        Address.objects.bulk_create(Address(email=f"q{row.pk}@rows.example", queue=row) for row in rows)
        Membership.objects.bulk_create(Membership(queue=row, agent=Agent.objects.get()) for row in rows)
    if isinstance(rows[0], Channel):
        Brand.objects.bulk_create(Brand(name=f"Brand {row.pk}", channel=row) for row in rows)


def test_ten_thousand_rows_are_no_more_work_than_a_page(eva: Client) -> None:
    makers()["tags"](10_000)
    assert "Row 09999" in rows_of(eva.get("/admin/tags/?sort=-name").text)
    assert rows_of(eva.get("/admin/tags/?page=100").text)[-1] == "Row 09999"


@pytest.mark.parametrize(
    ("url", "make"),
    [
        ("/admin/block-list/", lambda n: Blocked(pattern=f"row{n:05}@rows.example", created_at=timezone.now())),
        ("/admin/agents/invitations/", lambda n: Invitation(email=f"row{n:05}@rows.example", digest=str(n), created_at=timezone.now(), expires_at=timezone.now())),
    ],
)  # fmt: skip
def test_lists_within_another_area_are_searched_and_sorted_too(
    eva: Client, url: str, make: Callable[[int], Any]
) -> None:
    rows = [make(place) for place in range(12)]
    type(rows[0])._default_manager.bulk_create(rows)
    text = eva.get(f"{url}?sort=-name").text
    assert 'name="q"' in text
    assert text.index("row00011@") < text.index("row00000@")
    assert "row00003@" not in eva.get(f"{url}?q=00007&sort=name").text


def test_priorities_are_searched_by_their_shipped_names(eva: Client) -> None:
    text = eva.get("/admin/priorities/?q=HIGH&sort=name").text
    shown = re.findall(r'href="/admin/priorities/\d+/">([^<]+)<', text)
    assert shown
    assert all("high" in name.casefold() for name in shown)
    assert Priority.objects.count() > len(shown)


# ---- the page of one row -----------------------------------------------------

EDITED = ("mailboxes", "channels", "grants", "addresses", "queues", "brands", "agents", "teams", "roles", "statuses",
          "ticket_types", "tags", "slas", "calendars", "external_numbers", "exclusions", "webhooks", "answer_templates", "login",
          "filters", "messages")  # fmt: skip
ADDRESSES = {"login": "/admin/login/providers/{}/"}
TYPED = "Typed, and not to be lost"


@pytest.mark.parametrize("area", EDITED)
def test_a_list_links_to_the_history_of_its_kind_where_deleted_rows_are_found(eva: Client, area: str) -> None:
    kind = makers()[area](1)[0]._meta.model_name
    history = "/admin/filters/history/" if area == "filters" else f"/admin/history/{kind}/"
    assert f'href="{history}"' in eva.get(address(area)).text


@pytest.mark.parametrize("area", EDITED)
def test_a_page_with_a_mistake_keeps_what_was_typed_and_links_to_its_history(eva: Client, area: str) -> None:
    row = makers()[area](1)[0]
    url = ADDRESSES.get(area, f"{address(area)}{{}}/").format(row.pk)
    page = eva.get(url)
    assert page.status_code == 200, url
    assert f"/admin/history/{row._meta.model_name}/{row.pk}/" in page.text or f"/filters/{row.pk}/history/" in page.text
    fields = filled(page.text)
    key = next(name for name in ("email", "sender", "name") if name in fields)
    other = next(
        (name for name in ("comment", "display_name", "host", "url", "account", "category") if name in fields), ""
    )
    answer = eva.post(url, {**fields, key: "", **({other: TYPED} if other else {})})
    assert answer.status_code == 422
    assert not other or TYPED in answer.text
    assert resolve(url)

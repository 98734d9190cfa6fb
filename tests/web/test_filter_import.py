"""Filters by upload and download in the administration."""

import json
import re
import tomllib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from postvak.conditions.condition import Condition
from postvak.models import Agent, Filter, Queue
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.store import draft_of, save_filter
from tests.process.old_filters import Row, mysql

pytestmark = pytest.mark.django_db

THEIRS: list[Row] = [
    ("10 Lamps", "1", "Match", "Subject", "<b>lamp</b>", "NULL"),
    ("10 Lamps", "1", "Set", "X-OTOBO-Queue", "Support", "NULL"),
    ("20 Odd", "0", "Match", "Subject", "(?!x)", "NULL"),
    ("20 Odd", "0", "Set", "X-OTOBO-OwnerID", "3", "NULL"),
    ("3 Old", "0", "Match", "Subject", "x", "NULL"),
    ("3 Old", "0", "Set", "X-OTOBO-Title", "y", "NULL"),
]


@pytest.fixture
def eva(client: Client, admin: Agent, support: Queue) -> Client:
    """Eva's browser."""
    client.force_login(admin)
    return client


def upload(eva: Client, raw: bytes) -> str:
    """The page that says what would become of the file."""
    answer = eva.post("/admin/filters/import/", {"file": SimpleUploadedFile("otobo.sql", raw)})
    assert answer.status_code == 200
    return answer.content.decode()


def drafts_in(page: str) -> str:
    found = re.search(r'name="drafts" value="([^"]*)"', page)
    assert found
    return (
        found[1]
        .replace("&#34;", '"')
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
    )


def test_the_report_comes_before_anything_is_saved(eva: Client) -> None:
    page = upload(eva, mysql(THEIRS))
    assert "3 filters in the file" in page
    assert "&lt;b&gt;lamp&lt;/b&gt;" in page
    assert "<b>lamp</b>" not in page
    assert "number of an agent" in page
    assert "“3 Old” comes earlier here" in page
    assert not Filter.objects.exists()


def test_only_the_chosen_ones_are_saved_as_the_report_showed_them(eva: Client, admin: Agent) -> None:
    page = upload(eva, mysql(THEIRS))
    answer = eva.post(
        "/admin/filters/imports/", {"drafts": drafts_in(page), "take": ["10 Lamps", "20 Odd"]}, follow=True
    )
    assert "2 filters were imported." in answer.content.decode()
    lamps, odd = Filter.objects.order_by("name")
    assert draft_of(lamps) == Draft(
        "10 Lamps", (Condition("subject", "matches", "<b>lamp</b>"),), (Action("queue", "Support", "new"),), stop=True
    )
    assert not odd.is_valid
    assert "number of an agent" in odd.comment
    assert odd.comment.count("Switched off") == 1
    assert odd.versions.get().agent == admin


def test_what_would_be_overwritten_is_not_chosen_by_itself(eva: Client) -> None:
    save_filter(Draft("3 Old", stop=True), by=None)
    page = upload(eva, mysql(THEIRS))
    assert 'value="3 Old">' in page
    assert 'value="10 Lamps" checked>' in page
    assert "Replaces the filter of this name" in page
    eva.post("/admin/filters/imports/", {"drafts": drafts_in(page), "take": ["3 Old"]})
    row = Filter.objects.get()
    assert (row.stops, row.versions.count()) == (False, 2)
    assert "Unchanged" in upload(eva, mysql(THEIRS))


def test_nothing_chosen_saves_nothing(eva: Client) -> None:
    page = upload(eva, mysql(THEIRS))
    eva.post("/admin/filters/imports/", {"drafts": drafts_in(page)})
    assert not Filter.objects.exists()


@pytest.mark.parametrize("files", [{}, {"file": b"hello"}, {"file": b""}])
def test_a_file_without_filters_is_asked_for_again(eva: Client, files: dict[str, bytes]) -> None:
    sent = {name: SimpleUploadedFile("x.yml", raw) for name, raw in files.items()}
    answer = eva.post("/admin/filters/import/", sent)
    assert answer.status_code == 422
    assert 'id="file_error"' in answer.content.decode()
    assert eva.post("/admin/filters/imports/", {"drafts": "{", "take": "x"}).status_code == 422


def test_the_export_is_a_file_that_can_be_imported(eva: Client) -> None:
    save_filter(Draft("10 Ä", (Condition("subject", "matches", r"\d"),), stop=True), by=None)
    answer = eva.get("/admin/filters/export/?format=json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="postvak-filters.json"'
    assert json.loads(answer.content)["filters"][0]["name"] == "10 Ä"
    text = eva.get("/admin/filters/export/").content
    assert tomllib.loads(text.decode())["filter"][0]["conditions"][0]["value"] == r"\d"
    assert "Unchanged" in upload(eva, text)


def test_the_list_leads_to_both(eva: Client) -> None:
    assert "/admin/filters/export/" not in eva.get("/admin/filters/").content.decode()
    save_filter(Draft("10 x", stop=True), by=None)
    page = eva.get("/admin/filters/").content.decode()
    assert "/admin/filters/import/" in page
    assert "/admin/filters/export/?format=toml" in page

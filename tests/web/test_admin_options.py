"""The options of the whole installation, and the example that follows what is typed."""

import pytest
from django.test import Client

from postvak.models import Agent, Options

pytestmark = pytest.mark.django_db

FACTS = {
    "numbers": "counter",
    "hook": "Ticket#",
    "subject_place": "left",
    "stranger": "hold",
    "unmatched_report": "new_ticket",
    "number_in_body": "on",
}


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def test_every_option_is_kept(eva: Client) -> None:
    assert eva.post("/admin/options/", FACTS).status_code == 302
    kept = Options.objects.get()
    assert (kept.numbers, kept.hook, kept.subject_place) == ("counter", "Ticket#", "left")
    assert (kept.stranger, kept.unmatched_report) == ("hold", "new_ticket")
    assert (kept.number_in_body, kept.number_in_attachments) == (True, False)


def test_the_example_follows_the_form_and_saves_nothing(eva: Client) -> None:
    assert "[Ticket#10017] Re: The lamp flickers" in eva.post("/admin/options/example/", FACTS).text
    at_the_end = eva.post("/admin/options/example/", {**FACTS, "subject_place": "right", "hook": "§"})
    assert "Re: The lamp flickers [§10017]" in at_the_end.text
    assert "10017" not in eva.post("/admin/options/example/", {**FACTS, "subject_place": "none"}).text
    assert Options.objects.get().hook == "#"


@pytest.mark.parametrize("values", [{}, {"numbers": "nonsense"}, {**FACTS, "hook": "T1"}, {**FACTS, "hook": "["}])
def test_an_example_of_nonsense_is_none(eva: Client, values: dict[str, str]) -> None:
    shown = eva.post("/admin/options/example/", values)
    assert (shown.status_code, "be found again" in shown.text) == (200, True)


def test_a_mark_behind_which_numbers_get_lost_is_refused(eva: Client) -> None:
    answer = eva.post("/admin/options/", {**FACTS, "hook": "No. 1"})
    assert answer.status_code == 422
    assert "without digits" in answer.text
    assert 'value="No. 1"' in answer.text
    assert Options.objects.get().hook == "#"


def test_no_mark_at_all_is_possible(eva: Client) -> None:
    assert eva.post("/admin/options/", {**FACTS, "hook": ""}).status_code == 302
    assert Options.objects.get().hook == ""


def test_the_page_says_what_each_choice_leads_to(eva: Client) -> None:
    text = eva.get("/admin/options/").text
    for sentence in (
        "good for the telephone",
        "hidden marks in the mail",
        "by guessing a number",
        "Re: The lamp flickers [#",
    ):
        assert sentence in text

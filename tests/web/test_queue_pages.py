"""Pages of queues: languages, signature with its preview, and names that are paths, shown as a tree."""

import re

import pytest
from django.test import Client

from postvak.models import Agent, AuditEntry, Calendar, Queue, Wording
from postvak.tickets.people import give
from postvak.tickets.queue_tree import branch_of, clean_name, parts_of, place_of
from tests.web.test_admin import queue_facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


# -- languages ----------------------------------------------------------------------------


def test_languages_are_chosen_the_first_one_for_everybody_else(eva: Client, support: Queue) -> None:
    place = f"/admin/queues/{support.pk}/"
    facts = queue_facts(support, first_language="de", more_languages=["nl", "de"])
    assert eva.post(place, facts).status_code == 302
    support.refresh_from_db()
    assert support.languages == ["de", "nl"]
    assert '<option value="de" selected>' in eva.get(place).text
    assert eva.post(place, queue_facts(support)).status_code == 302, "a form without them leaves them"
    support.refresh_from_db()
    assert support.languages == ["de", "nl"]
    Queue.objects.filter(pk=support.pk).update(languages=["pt-br", "nl"])  # by a file: the page doesn't offer it
    eva.post(place, queue_facts(support, first_language="pt-br", more_languages=["nl"]))
    support.refresh_from_db()
    assert support.languages == ["pt-br", "nl"]
    eva.post(place, queue_facts(support, first_language=""))
    support.refresh_from_db()
    assert support.languages == []


def test_further_languages_need_a_first_one(eva: Client, support: Queue) -> None:
    answer = eva.post(f"/admin/queues/{support.pk}/", queue_facts(support, first_language="", more_languages=["nl"]))
    assert answer.status_code == 422
    assert "Choose the language for everybody else, too." in answer.text


# -- signature ----------------------------------------------------------------------------


def test_a_queue_gets_its_signature_with_a_line_in_the_audit(eva: Client, support: Queue) -> None:
    place = f"/admin/queues/{support.pk}/signature/"
    assert "Write a signature" in eva.get(f"/admin/queues/{support.pk}/").text
    wrong = eva.post(place, {"signature-all-text": "Bye {{ nonsense }}"})
    assert (wrong.status_code, Wording.objects.count()) == (422, 0)
    assert "Nothing fills" in wrong.text
    assert eva.post(place, {"signature-all-text": "Bye\0"}).status_code == 302
    assert Wording.objects.get(queue=support).text == "Bye"
    entry = AuditEntry.objects.latest("pk")
    assert (entry.kind, entry.key) == ("queue", support.pk)
    assert "Bye" in str(entry.changes)
    assert "Change the signature" in eva.get(f"/admin/queues/{support.pk}/").text
    eva.post(place, {"signature-all-text": ""})
    assert not Wording.objects.exists()


def test_the_preview_shows_what_is_typed_and_saves_nothing(eva: Client, support: Queue) -> None:
    Wording.objects.create(part="signature", queue=support, text="Stored")
    typed = {"signature-all-text": "Typed now, {{ ticket.queue }}", "preview_view": "text"}
    page = eva.post(f"/admin/queues/{support.pk}/signature/preview/", typed).text
    assert "Typed now, Support" in page
    assert "Stored" not in page
    assert Wording.objects.get().text == "Stored"


# -- the tree ----------------------------------------------------------------------------


def test_a_path_is_read_and_put_in_order() -> None:
    names = ["Support::Hardware", "Supporter", "Support", "Support 2", "sales::B", "Sales", "Support::Hardware::Lamps"]
    ordered = sorted(names, key=place_of)
    assert ordered == ["Sales", "sales::B", "Support", "Support::Hardware", "Support::Hardware::Lamps", "Support 2", "Supporter"]  # fmt: skip
    assert branch_of("Support::Hardware::Lamps", set(names)).depth == 2
    alone = branch_of("Support::Hardware::Lamps", {"Support::Hardware::Lamps"})
    assert (alone.depth, alone.above, alone.leaf) == (0, ("Support", "Hardware"), "Lamps")
    assert parts_of("C++::") == ("C++::",)
    assert clean_name(" A :: B ") == "A::B"


def test_queues_below_others_are_indented_where_these_are_seen(client: Client, bob: Agent, support: Queue) -> None:
    for name in ("Support::Hardware", "Sales::Shop"):
        give(Queue.objects.create(name=name, brand=support.brand), bob)
    client.force_login(bob)
    page = client.get("/").text
    items = re.findall(r'<a class="nav-item" href="/list/queue-\d+/"([^>]*)>(.*?)</a>', page)
    shown = [(re.search(r'data-depth="(\d)"', facts), re.sub("<[^>]+>", "", words)) for facts, words in items]
    found = {words: depth and depth[1] for depth, words in shown}
    assert found == {"Sales › Shop": None, "Support": None, "Hardware": "1"}
    assert 'title="Support › Hardware"' in page


def test_the_list_of_queues_has_them_behind_their_parent(eva: Client, support: Queue) -> None:
    for name in ("Support 2", "Support::Hardware", "Supporter"):
        Queue.objects.create(name=name, brand=support.brand)
    page = eva.get("/admin/queues/").text
    names = [re.sub("<[^>]+>", "", found) for found in re.findall(r'<a href="/admin/queues/\d+/">(.*?)</a>', page)]
    assert names[-4:] == ["Support", "Support › Hardware", "Support 2", "Supporter"]
    assert eva.get("/admin/queues/?sort=-name").text.index("Supporter") < page.index("Supporter")


@pytest.mark.parametrize(("name", "saved"), [("A :: B", "A::B"), ("A::", ""), ("::B", ""), ("A::::B", "")])
def test_a_name_has_something_before_and_behind_each_separator(
    eva: Client, support: Queue, name: str, saved: str
) -> None:
    answer = eva.post(f"/admin/queues/{support.pk}/", queue_facts(support, name=name))
    support.refresh_from_db()
    assert (answer.status_code, support.name) == ((302, saved) if saved else (422, "Support"))


CHOOSING = (
    "/admin/addresses/new/", "/admin/agents/new/", "/admin/agents/invitations/new/", "/admin/answer-templates/new/", "/admin/teams/new/",
    "/admin/slas/new/", "/admin/webhooks/new/", "/admin/mailboxes/new/", "/admin/custom-fields/new/", "/admin/imports/new/",
    "/admin/login/providers/new/", "/views/new/",
)  # fmt: skip


@pytest.mark.parametrize("place", CHOOSING)
def test_where_queues_are_chosen_they_stand_in_the_order_of_the_tree_with_their_paths(
    eva: Client, support: Queue, place: str
) -> None:
    Calendar.objects.create(name="Usual", hours={"0": [["08:00", "17:00"]]})
    for name in ("Support 2", "Support::Hardware"):
        Queue.objects.create(name=name, brand=support.brand)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", eva.get(place).text.partition("<main")[2]))
    assert "Support::Hardware" not in text
    assert "Support › Hardware" in text
    assert text.index("Support › Hardware") < text.index("Support 2")

"""Administration: who may, what is refused and why, and that nothing used can vanish."""

import pytest
from django.test import Client

from postvak.models import Address, Agent, Brand, Channel, Queue
from postvak.web.errors import own_fault

NOUNS = ("mailboxes", "channels", "addresses", "queues", "brands", "agents", "roles", "teams")


@pytest.fixture
def eva(client, admin):
    """Eva's browser."""
    client.force_login(admin)
    return client


@pytest.mark.parametrize("noun", NOUNS)
def test_only_administrators_come_in(client, bob, noun):
    client.force_login(bob)
    for page in (f"/admin/{noun}/", f"/admin/{noun}/new/"):
        answer = client.get(page)
        assert answer.status_code == 403
        assert "Only administrators" in answer.text


@pytest.mark.parametrize("noun", NOUNS)
def test_every_list_and_empty_form_opens(eva, support, channel, noun):
    assert eva.get(f"/admin/{noun}/").status_code == 200
    page = eva.get(f"/admin/{noun}/new/")
    assert page.status_code == 200
    assert len(page.content) < 150_000
    assert "style=" not in page.text


def test_pages_of_what_does_not_exist_are_404(eva):
    assert eva.get("/admin/queues/999/").status_code == 404
    assert "There is nothing here" in eva.get("/nowhere/").text


def test_our_own_failure_has_a_page_that_needs_no_database(rf):
    answer = own_fault(rf.get("/"))
    assert answer.status_code == 500
    assert "Nothing was lost" in answer.text


def test_a_forged_form_is_refused_with_a_sentence(admin):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    answer = strict.post("/admin/brands/new/", {"name": "Evil"})
    assert (answer.status_code, "This form is no longer valid" in answer.text) == (403, True)
    assert not Brand.objects.filter(name="Evil").exists()


# ---- queues ------------------------------------------------------------


def queue_facts(queue: Queue, **changes: object) -> dict[str, object]:
    facts = {
        "name": queue.name,
        "colour": queue.colour,
        "brand": queue.brand_id,
        "address": queue.address_id or "",
        "is_valid": "on",
        **changes,
    }
    return {name: value for name, value in facts.items() if value is not None}


def test_a_queue_is_made_with_members(eva, brand, bob):
    facts = {"name": "Returns", "colour": "moss", "brand": brand.pk, "member-new": [bob.pk], "is_valid": "on"}
    assert eva.post("/admin/queues/new/", facts)["Location"] == "/admin/queues/"
    queue = Queue.objects.get(name="Returns")
    assert (queue.colour, list(queue.members.all()), queue.is_default) == ("moss", [bob], False)
    assert "The queue Returns is saved." in eva.get("/admin/queues/").text


def test_another_default_queue_takes_the_place_of_the_first(eva, support):
    assert eva.post(f"/admin/queues/{support.pk}/", queue_facts(support, is_default="on")).status_code == 302
    assert list(Queue.objects.filter(is_default=True)) == [support]


def test_the_default_queue_can_be_neither_invalid_nor_unticked(eva, db):
    inbox = Queue.objects.get(is_default=True)
    answer = eva.post(f"/admin/queues/{inbox.pk}/", queue_facts(inbox, is_valid=None))
    assert answer.status_code == 422
    assert "The default queue has to be valid" in answer.text
    assert eva.post(f"/admin/queues/{inbox.pk}/", queue_facts(inbox)).status_code == 302
    inbox.refresh_from_db()
    assert inbox.is_default


def test_a_taken_name_is_refused_beside_the_field_and_kept(eva, support):
    answer = eva.post(f"/admin/queues/{support.pk}/", queue_facts(support, name="Inbox"))
    assert answer.status_code == 422
    assert "already exists" in answer.text
    assert 'value="Inbox"' in answer.text


# ---- addresses ------------------------------------------------------------


def test_an_address_is_kept_lower_case_and_once(eva, support):
    facts = {"email": "Help@Example.ORG", "queue": support.pk, "is_valid": "on"}
    assert eva.post("/admin/addresses/new/", facts).status_code == 302
    assert Address.objects.filter(email="help@example.org").exists()
    again = eva.post("/admin/addresses/new/", {**facts, "email": "HELP@example.org"})
    assert "There is already an address help@example.org" in again.text


def test_an_address_that_a_queue_sends_from_stays_valid(eva, support, sales):
    Queue.objects.filter(pk=sales.pk).update(address=support.address)
    facts = {"email": "support@example.org", "queue": support.pk}
    answer = eva.post(f"/admin/addresses/{support.address.pk}/", facts)
    assert answer.status_code == 422
    assert "the queue “Sales” sends from it; the queue “Support” sends from it" in answer.text
    Queue.objects.filter(address=support.address).update(address=None)
    assert eva.post(f"/admin/addresses/{support.address.pk}/", facts).status_code == 302
    assert not Address.objects.get(pk=support.address.pk).is_valid


# ---- brands ------------------------------------------------------------


def test_a_brand_has_name_signature_channel_and_language(eva, brand, channel):
    facts = {"name": "Nordhof", "signature-all-text": "Kind regards", "channel": channel.pk, "language": "de"}
    facts |= {"logo_width": 160, "width": 640, "accent": "#0a5c5a", "background": "#ffffff", "font": "system"}
    assert eva.post(f"/admin/brands/{brand.pk}/", facts).status_code == 302
    changed = Brand.objects.get(pk=brand.pk)
    assert (changed.name, changed.channel, changed.language) == ("Nordhof", channel, "de")
    assert list(changed.wordings.values_list("part", "language", "text")) == [("signature", "", "Kind regards")]


# ---- agents ------------------------------------------------------------


def agent_facts(agent: Agent, **changes: object) -> dict[str, object]:
    facts = {
        "name": agent.name,
        "email": agent.email,
        "language": "",
        "password": "",
        "is_admin": "on" if agent.is_admin else None,
        "is_active": "on",
        **changes,
    }
    return {name: value for name, value in facts.items() if value is not None}


def test_an_agent_is_made_and_can_log_in(eva, client, support):
    facts = {
        "name": "Dina Dijk", "email": "Dina@Example.org", "language": "nl", "password": "seven green lamps",
        "is_active": "on", "queue-new": [support.pk],
    }  # fmt: skip
    assert eva.post("/admin/agents/new/", facts).status_code == 302
    dina = Agent.objects.get(email="dina@example.org")
    assert (dina.is_admin, list(dina.queues.all())) == (False, [support])
    client.logout()
    assert client.post("/login/", {"email": "dina@example.org", "password": "seven green lamps"}).status_code == 302


def test_a_new_agent_needs_a_good_password(eva):
    facts = {"name": "Dina", "email": "dina@example.org", "is_active": "on"}
    assert eva.post("/admin/agents/new/", facts).status_code == 422
    assert "too common" in eva.post("/admin/agents/new/", {**facts, "password": "password123"}).text


def test_an_empty_password_keeps_the_present_one(eva, bob, support):
    eva.post(f"/admin/agents/{bob.pk}/", agent_facts(bob, name="Bobby"))
    bob.refresh_from_db()
    assert (bob.name, bob.check_password("correct horse battery")) == ("Bobby", True)


def test_the_last_administrator_keeps_his_rights(eva, admin, bob):
    answer = eva.post(f"/admin/agents/{admin.pk}/", agent_facts(admin, is_admin=None))
    assert "This is the last administrator" in answer.text
    Agent.objects.filter(pk=bob.pk).update(is_admin=True)
    assert eva.post(f"/admin/agents/{admin.pk}/", agent_facts(admin, is_admin=None)).status_code == 302


def test_nobody_makes_himself_invalid(eva, admin, bob):
    Agent.objects.filter(pk=bob.pk).update(is_admin=True)
    answer = eva.post(f"/admin/agents/{admin.pk}/", agent_facts(admin, is_active=None))
    assert "You can&#39;t make yourself invalid" in answer.text


def test_who_is_made_invalid_is_out_at_once(eva, client, bob):
    other = type(client)()
    other.force_login(bob)
    assert other.get("/preferences/").status_code == 200
    eva.post(f"/admin/agents/{bob.pk}/", agent_facts(bob, is_active=None))
    assert other.get("/preferences/").status_code == 302


def test_changing_ones_own_password_keeps_one_logged_in(eva, admin):
    eva.post(f"/admin/agents/{admin.pk}/", agent_facts(admin, password="seven green lamps"))
    assert eva.get("/admin/agents/").status_code == 200


# ---- nothing used vanishes ------------------------------------------------------------


def test_nothing_can_be_deleted(eva, support, channel):
    for noun, pk in (("queues", support.pk), ("addresses", support.address.pk), ("channels", channel.pk)):
        assert eva.delete(f"/admin/{noun}/{pk}/").status_code == 200  # the form again
    assert Queue.objects.filter(pk=support.pk).exists()
    assert Address.objects.filter(pk=support.address.pk).exists()
    assert Channel.objects.filter(pk=channel.pk).exists()

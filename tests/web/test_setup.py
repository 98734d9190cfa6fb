"""Set-up: the one-time link and the steps after it."""

import pytest
from django.utils import timezone, translation
from django.utils.translation import gettext

from postvak.models import Address, Agent, Brand, Channel, Mailbox, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.web.setup import setup_token
from tests.mails import mail

FACTS = {
    "organisation": "Nordhof",
    "name": "Eva Admin",
    "email": "Eva@Example.org",
    "password": "seven green lamps",
}


def link() -> str:
    return f"/setup/{setup_token()}/"


def test_only_the_right_token_opens_the_set_up(client, db):
    assert client.get(link()).status_code == 200
    assert client.get("/setup/0123456789abcdef/").status_code == 404


def test_the_first_agent_is_an_administrator_and_logged_in(client, db):
    answer = client.post(link(), FACTS, headers={"Accept-Language": "nl"})
    assert answer["Location"] == "/setup/mailbox/"
    agent = Agent.objects.get()
    assert (agent.email, agent.is_admin, agent.language) == ("eva@example.org", True, "nl")
    assert agent.check_password("seven green lamps")
    assert (Brand.objects.get().name, Brand.objects.get().language) == ("Nordhof", "nl")
    assert client.get("/setup/mailbox/").status_code == 200


def test_a_weak_password_is_explained_beside_the_field_and_the_rest_kept(client, db):
    answer = client.post(link(), {**FACTS, "password": "password"})
    assert answer.status_code == 422
    assert "This password is too short" in answer.text
    assert 'value="Nordhof"' in answer.text
    assert not Agent.objects.exists()


def test_the_link_works_once(client, bob):
    assert client.get(link())["Location"] == "/"
    assert client.post(link(), FACTS)["Location"] == "/"
    assert Agent.objects.count() == 1
    assert client.get("/setup/")["Location"] == "/"


@pytest.mark.parametrize("step", ["mailbox", "channel", "address", "preview", "preview/mails", "done"])
def test_steps_are_for_administrators(client, bob, step):
    client.force_login(bob)
    assert client.get(f"/setup/{step}/").status_code == 403


def test_every_step_can_be_left_for_later(client, admin):
    client.force_login(admin)
    for step, following in (("mailbox", "channel"), ("channel", "address"), ("address", "done")):
        assert f'href="/setup/{following}/"' in client.get(f"/setup/{step}/").text
    assert "No mailbox is connected yet" in client.get("/setup/done/").text


def test_a_mailbox_that_does_not_answer_is_explained_and_may_be_kept_all_the_same(client, admin):
    client.force_login(admin)
    facts = {
        "kind": "imap", "host": "127.0.0.1", "port": 1, "security": "tls", "username": "ann@example.org",
        "password": "secret", "start": "now",
    }  # fmt: skip
    refused = client.post("/setup/mailbox/", {**facts, "check": "", "address": "ann@example.org"})
    assert refused.status_code == 200
    assert "Nothing answers at 127.0.0.1, port 1" in refused.text
    assert "a password is never sent back to the page" in refused.text, "so it has to be typed again"
    assert "secret" not in refused.text
    assert 'name="address" type="email" value="ann@example.org"' in refused.text
    assert not Mailbox.objects.fetched().exists()
    assert client.post("/setup/mailbox/", facts)["Location"] == "/setup/channel/"
    mailbox = Mailbox.objects.fetched().get()
    assert (mailbox.name, mailbox.password, mailbox.after_storing) == ("ann@example.org", "secret", "leave")
    assert mailbox.start_at is not None


def test_the_channel_takes_the_password_of_the_mailbox_and_becomes_the_default(client, admin):
    mailbox = Mailbox(name="Ann", host="imap.example.org", username="ann")
    mailbox.password = "secret"
    mailbox.save()
    client.force_login(admin)
    assert 'value="smtp.example.org"' in client.get("/setup/channel/").text
    facts = {"kind": "smtp", "host": "smtp.example.org", "port": 587, "security": "starttls", "username": "ann"}
    assert client.post("/setup/channel/", facts)["Location"] == "/setup/address/"
    channel = Channel.objects.get()
    assert (channel.password, channel.is_default) == ("secret", True)


def test_the_first_queue_is_called_in_the_language_of_the_set_up_until_it_has_a_name(client, admin):
    client.force_login(admin)
    Queue.objects.filter(is_default=True).update(name="Inbox")
    with translation.override("de"):
        wanted = gettext("Inbox")
    admin.language = "de"
    admin.save()
    assert f'name="queue" value="{wanted}"' in client.get("/setup/address/").text
    Queue.objects.filter(is_default=True).update(name="Service")
    assert 'name="queue" value="Service"' in client.get("/setup/address/").text


def test_the_address_names_the_default_queue_and_sends_for_it(client, admin):
    client.force_login(admin)
    facts = {"email": "Help@Example.org", "display_name": "Help", "queue": "Service"}
    assert client.post("/setup/address/", facts)["Location"] == "/setup/done/"
    queue = Queue.objects.get(is_default=True)
    assert (queue.name, queue.address) == ("Service", Address.objects.get(email="help@example.org"))
    assert "help@example.org (Service)" in client.get("/setup/done/").text


def test_going_back_changes_the_mailbox_and_the_channel_and_makes_no_second(client, admin):
    client.force_login(admin)
    mailbox = {
        "kind": "imap",
        "host": "imap.example.org",
        "port": 993,
        "security": "tls",
        "username": "ann",
        "start": "all",
    }
    channel = {"kind": "smtp", "host": "smtp.example.org", "port": 587, "security": "starttls", "username": "ann"}
    for password in ("first", "second"):
        assert client.post("/setup/mailbox/", {**mailbox, "password": password}).status_code == 302
        assert client.post("/setup/channel/", {**channel, "password": password}).status_code == 302
    assert [row.password for row in Mailbox.objects.fetched()] == ["second"]
    assert [(row.password, row.is_default) for row in Channel.objects.all()] == [("second", True)]


@pytest.fixture
def looking(support: Queue) -> Mailbox:
    """A mailbox that only looks, with a mail that was fetched."""
    box = Mailbox.objects.create(name="Service", kind="imap", host="imap.example.org", is_look_only=True, queue=support)
    accept(box, [Arrived("service/1", mail(subject="The lamp flickers"))])
    return box


def test_before_it_goes_live_the_set_up_shows_what_would_become_of_the_mails(client, admin, looking):
    client.force_login(admin)
    assert "Go live" in client.get("/setup/preview/").text
    reading = client.get("/setup/preview/mails/")
    assert (reading.status_code, "1 mail so far" in reading.text) == (200, True)
    Mailbox.objects.update(last_success_at=timezone.now())
    shown = client.get("/setup/preview/mails/")
    assert shown.status_code == 286  # nothing more to wait for
    assert "The lamp flickers" in shown.text
    assert "Support" in shown.text
    assert not Ticket.objects.exists()


def test_going_live_makes_tickets_of_what_was_chosen(client, admin, looking):
    client.force_login(admin)
    assert "Enter the date" in client.post("/setup/preview/", {"start": "date"}).text
    assert client.post("/setup/preview/", {"start": "all"})["Location"] == "/setup/done/"
    looking.refresh_from_db()
    assert not looking.is_look_only
    process_due("test:1:x")
    assert Ticket.objects.get().subject == "The lamp flickers"
    assert client.get("/setup/preview/")["Location"] == "/setup/done/"
    assert client.get("/setup/preview/mails/").status_code == 286


def test_a_mailbox_that_cannot_be_read_says_so_instead_of_waiting_for_ever(client, admin, looking):
    client.force_login(admin)
    Mailbox.objects.update(failing_since=timezone.now())
    Receipt.objects.all().delete()
    shown = client.get("/setup/preview/mails/")
    assert shown.status_code == 286
    assert f'href="/admin/mailboxes/{looking.pk}/"' in shown.text

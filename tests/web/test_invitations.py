"""Inviting colleagues, and a forgotten password: links by mail, each for one person, once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.blobs import store
from postvak.log.audit import By
from postvak.mail.parse import parse
from postvak.models import Agent, AuditEntry, Delivery, Invitation, Membership, OutgoingMail, Queue, Team
from postvak.tickets.programs.tokens import Wish, make_token
from tests.web.test_second_factor import PASSWORD, log_in, set_up

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known_name(settings):
    """As with POSTVAK_URL or POSTVAK_HOSTS: nobody else's host name gets into a link."""
    settings.ALLOWED_HOSTS = ["testserver"]


NEW = "seven green lamps"


@pytest.fixture
def sending(support: Queue, channel: object) -> None:
    """The default queue can send."""
    Queue.objects.filter(is_default=True).update(address=support.address)


def newest_mail() -> tuple[str, str]:
    """(its recipient, its text)"""
    outgoing = OutgoingMail.objects.latest("pk")
    return Delivery.objects.get(outgoing=outgoing).recipient, parse(store.get(outgoing.blob_id)).text


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(/[\w/-]+)", text)
    assert found
    return found[1]


def invite(client: Client, admin: Agent, **facts: object):
    client.force_login(admin)
    usual = {"addresses": "Dee Doe <Dee@example.org>", "language": "nl"}
    answer = client.post("/admin/agents/invitations/new/", usual | facts)
    shown = client.get("/admin/agents/invitations/") if answer.status_code == 302 else answer
    client.logout()
    return shown


def test_an_invitation_goes_by_mail_and_makes_an_account_in_queue_and_team(client, admin, sending, support):
    team = Team.objects.create(name="Night")
    page = invite(client, admin, queues=support.pk, teams=team.pk)
    assert "dee@example.org" in page.text
    to, text = newest_mail()
    assert to == "dee@example.org"
    assert "Eva Admin nodigt" in text or "Eva Admin invites you" in text
    link = link_in(text)
    assert "dee@example.org" in client.get(link).text
    answer = client.post(link, {"name": "Dee Doe", "password": NEW, "language": "de"})
    assert answer["Location"] == "/"
    assert client.get("/preferences/")["Content-Language"] == "de"
    dee = Agent.objects.get(email="dee@example.org")
    assert (dee.name, dee.is_admin, list(dee.teams.all())) == ("Dee Doe", False, [team])
    assert Membership.objects.get(agent=dee).queue == support
    assert AuditEntry.objects.get(kind="agent", key=dee.pk, action="created").agent == dee
    assert "already" in Client().get(link).text


def test_several_addresses_at_once_one_per_line(client, admin, sending):
    invite(client, admin, addresses="dee@example.org\n\nFay <fay@example.org>,\ndee@example.org", is_admin="on")
    assert {(row.email, row.name, row.is_admin) for row in Invitation.objects.all()} == {
        ("dee@example.org", "", True),
        ("fay@example.org", "Fay", True),
    }


@pytest.mark.parametrize(
    "typed", ["no address", "a@b@c", "bob@example.org", "\0", "a@\ud800.example", "<>", "x\n" * 200]
)
def test_what_is_no_new_address_is_told(client, admin, bob, typed):
    client.force_login(admin)
    answer = client.post(
        "/admin/agents/invitations/new/", {"addresses": typed.encode("utf-8", "replace").decode(), "language": "en"}
    )
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_without_a_channel_the_link_is_shown_once(client, admin):
    shown = invite(client, admin).text
    link = link_in(shown)
    assert client.get(link).status_code == 200
    client.force_login(admin)
    assert link not in client.get("/admin/agents/invitations/").text


def test_withdrawn_expired_and_unknown_links_say_so(client, admin):
    link = link_in(invite(client, admin).text)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "not used in time" in client.get(link).text
    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    client.force_login(admin)
    client.post(f"/admin/agents/invitations/{Invitation.objects.get().pk}/withdrawal/")
    client.logout()
    assert "was withdrawn" in client.post(link, {"name": "D", "password": NEW, "language": "en"}).text
    assert "no invitation that we know" in client.get("/invitation/%00guess/").text
    assert not Agent.objects.filter(email="dee@example.org").exists()


def test_a_link_that_is_sent_again_is_a_new_one(client, admin, sending):
    invite(client, admin)
    old = link_in(newest_mail()[1])
    client.force_login(admin)
    client.post(f"/admin/agents/invitations/{Invitation.objects.get().pk}/mail/")
    client.logout()
    assert client.get(old).status_code == 410
    assert client.get(link_in(newest_mail()[1])).status_code == 200


def test_the_secret_of_a_link_is_not_kept(client, admin):
    token = link_in(invite(client, admin).text).split("/")[2]
    assert token not in str(list(Invitation.objects.values())) + str(list(AuditEntry.objects.values()))


def test_a_weak_password_is_refused_and_what_was_typed_stays(client, admin):
    link = link_in(invite(client, admin).text)
    answer = client.post(link, {"name": "Dee", "password": "short", "language": "en"})
    assert answer.status_code == 422
    assert 'value="Dee"' in answer.text


# ---- forgotten ---------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_a_link_and_other_sessions_end(client, bob, sending):
    there = Client()
    log_in(there)
    client.post("/login/forgotten/", {"email": "Bob@example.org"})
    to, text = newest_mail()
    link = link_in(text)
    assert to == "bob@example.org"
    assert client.post(link, {"password": "short"}).status_code == 422
    assert client.post(link, {"password": NEW})["Location"] == "/"
    assert there.get("/preferences/").status_code == 302
    assert client.get("/preferences/").status_code == 200
    assert Client().get(link).status_code == 410
    bob.refresh_from_db()
    assert bob.check_password(NEW)
    assert AuditEntry.objects.filter(kind="agent", changes__has_key="password").count() == 1


@pytest.mark.parametrize("has_program", [True, False])
def test_a_new_password_reminds_of_programs_that_go_on(client, bob, sending, has_program):
    """Whoever knew the old one may have made a token with it."""
    if has_program:
        make_token(bob, Wish("Script", ["tickets:read"]), by=By())
    client.post("/login/forgotten/", {"email": "bob@example.org"})
    client.post(link_in(newest_mail()[1]), {"password": NEW})
    assert ("Programs that have a token of yours go on." in client.get("/preferences/").text) == has_program


def test_the_answer_is_the_same_whether_there_is_an_account(client, bob, cas, sending):
    Agent.objects.filter(pk=cas.pk).update(is_active=False)
    known, unknown, invalid = (
        client.post("/login/forgotten/", {"email": f"{name}@example.org"}).text.replace(name, "x")
        for name in ("bob", "nobody", "cas")
    )
    hide = re.compile(r'"X-CSRFToken":"\w+"')
    assert hide.sub("", known) == hide.sub("", unknown) == hide.sub("", invalid)
    assert OutgoingMail.objects.count() == 1


def test_mails_for_new_passwords_can_not_be_sent_without_end(client, bob, sending):
    for _ in range(8):
        client.post("/login/forgotten/", {"email": "bob@example.org"})
    assert OutgoingMail.objects.count() == 5


def test_the_link_works_for_an_hour_and_does_not_pass_the_second_factor(client, bob, sending, monkeypatch):
    log_in(client)
    set_up(client)
    client.post("/logout/")
    client.post("/login/forgotten/", {"email": "bob@example.org"})
    link = link_in(newest_mail()[1])
    assert client.post(link, {"password": NEW})["Location"] == "/login/second/"
    assert client.get("/preferences/").status_code == 302
    client.post("/login/forgotten/", {"email": "bob@example.org"})
    link = link_in(newest_mail()[1])
    later = timezone.now().replace(tzinfo=None) + timedelta(hours=2, minutes=1)
    monkeypatch.setattr("django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda self: later)
    assert client.get(link).status_code == 410
    assert PASSWORD != NEW

"""Roles, teams and who works in a queue, on the pages of the administration; and what somebody who only reads is shown."""

import pytest
from django.test import Client

from postvak.models import Agent, AuditEntry, Mailbox, Membership, Queue, QueueTeam, Role, Team
from postvak.tickets import people
from tests.mails import mail
from tests.web.test_desk import receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def role(key: str) -> int:
    return Role.objects.get(key=key).pk


def facts_of(queue: Queue, **changes: object) -> dict[str, object]:
    return {"name": queue.name, "colour": queue.colour, "brand": queue.brand_id, "is_valid": "on", **changes}


def test_a_role_is_made_used_and_can_not_be_deleted_then(eva: Client, support: Queue, bob: Agent) -> None:
    eva.post("/admin/roles/new/", {"name": "Dispatcher", "may_move": "on"})
    made = Role.objects.get(name="Dispatcher")
    assert (made.may_move, made.may_answer) == (True, False)
    eva.post(f"/admin/queues/{support.pk}/", facts_of(support, **{f"member-{bob.pk}": made.pk}))
    assert Membership.objects.get(agent=bob).may_answer is False
    eva.post(f"/admin/roles/{made.pk}/deletion/")
    assert Role.objects.filter(pk=made.pk).exists()
    assert "Give them another role first" in eva.get(f"/admin/roles/{made.pk}/").text
    eva.post(f"/admin/queues/{support.pk}/", facts_of(support, **{f"member-{bob.pk}": ""}))
    assert not Membership.objects.filter(agent=bob).exists()
    eva.post(f"/admin/roles/{made.pk}/deletion/")
    assert not Role.objects.filter(pk=made.pk).exists()


def test_a_shipped_role_is_renamed_but_not_deleted(eva: Client) -> None:
    eva.post(f"/admin/roles/{role('reader')}/", {"name": "Looker\x00"})
    eva.post(f"/admin/roles/{role('reader')}/", {"name": "Looker"})
    assert str(Role.objects.get(key="reader")) == "Looker"
    eva.post(f"/admin/roles/{role('reader')}/deletion/")
    assert Role.objects.filter(key="reader").exists()


def test_a_team_gives_its_role_to_all_and_an_agents_page_says_through_what(
    eva: Client, support: Queue, sales: Queue, bob: Agent
) -> None:
    facts = {
        "name": "Service",
        "is_valid": "on",
        "members": [bob.pk],
        "queue-new": [sales.pk],
        "queue-as": role("lead"),
    }
    assert eva.post("/admin/teams/new/", facts).status_code == 302
    assert Membership.objects.get(agent=bob, queue=sales).is_lead
    assert "by team Service: lead" in eva.get(f"/admin/agents/{bob.pk}/").text
    team = Team.objects.get()
    eva.post(f"/admin/teams/{team.pk}/", {"name": "Service", "is_valid": "on", "members": []})
    assert QueueTeam.objects.filter(team=team).exists(), "what the answer doesn't name stays"
    assert not Membership.objects.filter(agent=bob, queue=sales).exists()


def test_a_change_of_a_role_is_in_the_audit(eva: Client, support: Queue, bob: Agent) -> None:
    eva.post(f"/admin/queues/{support.pk}/", facts_of(support, **{f"member-{bob.pk}": role("reader")}))
    entry = AuditEntry.objects.filter(kind="queue").latest("pk")
    assert entry.changes["roles"][1] == ["Bob Baker: reader"]


def test_who_administers_a_queue_changes_its_members_but_not_its_face(
    client: Client, support: Queue, bob: Agent, cas: Agent
) -> None:
    people.give(support, bob, "administrator")
    client.force_login(bob)
    facts = facts_of(support, name="Help", is_valid="", **{"member-new": [cas.pk], "member-as": role("agent")})
    assert client.post(f"/admin/queues/{support.pk}/", facts)["Location"] == "/admin/"
    support.refresh_from_db()
    assert (support.name, support.is_valid, support.address is not None) == ("Help", True, True)
    assert Membership.objects.get(agent=cas, queue=support).may_answer
    assert 'href="/admin/"' in client.get("/").text


def test_who_only_reads_is_offered_nothing_and_told_so(
    client: Client, support: Queue, bob: Agent, mailbox: Mailbox
) -> None:
    ticket = receive(mailbox, mail())
    people.give(support, bob, "reader")
    client.force_login(bob)
    html = client.get(f"/tickets/{ticket.number}/?compose=reply").text
    assert "You may read the tickets of this queue, but not change them." in html
    for gone in ("ticket-composer", "/status/", "/assignee/", "/title/", "/merge/", f"/tickets/{ticket.number}/trash/", "/tags/", "/reminder/", 'href="/new/"'):  # fmt: skip
        assert gone not in html, gone
    assert "/participants/" not in client.get(f"/tickets/{ticket.number}/side/", HTTP_HX_REQUEST="true").text
    bar = client.get("/bulk/bar/?in=open").text
    assert "status:closed" not in bar
    assert "read:on" in bar
    assert "New mail" not in client.get("/palette/").text
    refused = client.post(f"/tickets/{ticket.number}/notes/", {"text": "Hi"})
    assert refused.status_code == 403
    assert "you may not answer or write notes" in refused.text

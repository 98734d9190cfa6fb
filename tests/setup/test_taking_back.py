"""A change of a setting can be taken back, and a deleted one brought back; what will happen is shown first."""

import tomllib

import pytest
from django.test import Client

from postvak.log.audit import COMMAND, Action, recording
from postvak.models import Address, Agent, AuditEntry, Brand, Membership, Queue, Retention, Role, Tag, Team, Wording
from postvak.setup.file import export
from postvak.setup.taking_back import CannotTakeBack, can_be_taken_back, take_back, trial
from postvak.setup.values import with_settings
from postvak.tickets.people import delete_team, give, save_team, set_queues, set_teams_of

pytestmark = pytest.mark.django_db
BY = with_settings(COMMAND)


def role(key: str) -> int:
    return Role.objects.get(key=key).pk


def newest() -> AuditEntry:
    return AuditEntry.objects.latest("pk")


def test_a_change_of_several_settings_is_taken_back(support: Queue, bob: Agent, cas: Agent) -> None:
    give(support, bob, "lead")
    with recording(BY, support):
        Queue.objects.filter(pk=support.pk).update(name="Help", colour="plum", follow_up_days=3)
        give(support, bob, "reader")
        give(support, cas)
    entry = newest()
    assert {line.name: line.becomes for line in trial(entry, BY)} == {
        "name": "Support", "colour": "sea", "follow_up_days": 0, "leads": ["bob@example.org"], "members": ["bob@example.org"], "roles": None,
    }  # fmt: skip
    assert Queue.objects.get(pk=support.pk).name == "Help", "a trial changes nothing"
    take_back(entry, BY)
    row = Queue.objects.get(pk=support.pk)
    assert (row.name, row.colour, row.follow_up_days) == ("Support", "sea", None)
    assert [(one.agent, one.is_lead) for one in row.membership_set.all()] == [(bob, True)]
    assert newest().action == Action.RESTORED
    take_back(newest(), BY)
    assert Queue.objects.get(pk=support.pk).name == "Help", "taking back can be taken back"


def test_what_was_changed_again_since_is_said(support: Queue) -> None:
    with recording(BY, support):
        Queue.objects.filter(pk=support.pk).update(colour="plum")
    entry = newest()
    Queue.objects.filter(pk=support.pk).update(colour="moss")
    (line,) = trial(entry, BY)
    assert (line.now, line.becomes, line.since) == ("moss", "sea", True)


def test_a_deleted_row_is_there_again_with_its_number_and_its_texts() -> None:
    brand = Brand.objects.create(name="Second", language="nl")
    Wording.objects.create(brand=brand, part="footer", language="nl", text="Groetjes")
    key = brand.pk
    with recording(BY, brand):
        brand.delete()
    take_back(newest(), BY)
    again = Brand.objects.get(name="Second")
    assert (again.pk, again.language, again.wordings.get().text) == (key, "nl", "Groetjes")


def test_what_no_longer_fits_is_refused_with_the_reason(support: Queue) -> None:
    address = Address.objects.create(
        email="old@example.org", queue=Queue.objects.create(name="Old", brand=support.brand)
    )
    with recording(BY, address):
        Address.objects.filter(pk=address.pk).update(queue=support)
    entry = newest()
    Queue.objects.filter(name="Old").delete()
    with pytest.raises(CannotTakeBack, match="there is no queue “Old”"):
        trial(entry, BY)


def test_a_name_that_somebody_else_has_now_is_refused() -> None:
    tag = Tag.objects.create(name="vip")
    with recording(BY, tag):
        tag.delete()
    Tag.objects.create(name="VIP")
    with pytest.raises(CannotTakeBack, match="There is a “vip” again"):
        take_back(newest(), BY)


def test_secrets_are_in_no_entry(client: Client, admin: Agent) -> None:
    client.force_login(admin)
    with recording(BY, admin):
        admin.set_password("an entirely new password")
        admin.save()
    assert newest().earlier is None
    assert "password" not in str(newest().earlier)


def test_the_page_shows_what_will_happen_and_then_it_happens(client: Client, admin: Agent, support: Queue) -> None:
    client.force_login(admin)
    tag = Tag.objects.create(name="vip", colour="plum")
    client.post(f"/admin/tags/{tag.pk}/", {"name": "vip", "colour": "moss"})
    entry = newest()
    assert f"/admin/changes/{entry.pk}/taking-back/" in client.get(f"/admin/history/tag/{tag.pk}/").content.decode()
    page = client.get(f"/admin/changes/{entry.pk}/taking-back/").content.decode()
    assert "moss" in page
    assert "plum" in page
    assert Tag.objects.get().colour == "moss"
    client.post(f"/admin/changes/{entry.pk}/taking-back/")
    assert Tag.objects.get().colour == "plum"
    assert newest().agent == admin


def test_the_edit_page_leads_to_the_history(client: Client, admin: Agent, support: Queue) -> None:
    client.force_login(admin)
    assert f"/admin/history/queue/{support.pk}/" in client.get(f"/admin/queues/{support.pk}/").content.decode()
    assert client.get("/admin/history/queue/").status_code == 200
    assert client.get("/admin/history/nonsense/").status_code == 404


def test_queues_and_teams_of_an_agent_are_taken_back(support: Queue, sales: Queue, bob: Agent, admin: Agent) -> None:
    team = Team.objects.create(name="First level")
    set_queues(bob, {support.pk: role("lead")})
    set_teams_of(bob, [team])
    with recording(BY, bob):
        Agent.objects.filter(pk=bob.pk).update(language="nl")
        set_queues(bob, {sales.pk: role("reader")})
        set_teams_of(bob, [])
    entry = newest()
    assert {line.name: (line.now, line.becomes) for line in trial(entry, BY)} == {
        "language": ("nl", ""), "queues": ({"Sales": "reader"}, {"Support": "lead"}), "teams": ([], ["First level"]),
    }  # fmt: skip
    take_back(entry, BY)
    assert [(one.queue, one.is_lead) for one in Membership.objects.filter(agent=bob)] == [(support, True)]
    assert list(bob.teams.all()) == [team]
    assert entry.earlier is not None
    (written,) = [table for table in tomllib.loads(export())["agent"] if table["email"] == bob.email]
    assert "queues" not in written, "in a file it stands at the queues"


def test_the_queues_of_a_team_are_taken_back_also_when_it_was_deleted(support: Queue, bob: Agent) -> None:
    team = Team(name="First level")
    save_team(team, [bob], {support.pk: role("agent")})
    with recording(BY, team):
        save_team(team, [bob], {})
    take_back(newest(), BY)
    assert [(one.queue, str(one.role.key)) for one in team.queue_teams.all()] == [(support, "agent")]
    with recording(BY, team):
        delete_team(team)
    take_back(newest(), BY)
    assert [one.queue for one in Team.objects.get().queue_teams.all()] == [support]
    assert list(Team.objects.get().members.all()) == [bob]


def test_a_queue_of_an_agent_that_is_gone_is_the_reason(support: Queue, bob: Agent, cas: Agent) -> None:
    old = Queue.objects.create(name="Old", brand=support.brand)
    set_queues(cas, {old.pk: role("agent")})
    with recording(BY, cas):
        set_queues(cas, {})
    entry = newest()
    old.delete()
    with pytest.raises(CannotTakeBack, match="there is no queue “Old”"):
        trial(entry, BY)


def test_what_was_made_is_deleted_again_unless_it_is_used(support: Queue) -> None:
    with recording(BY) as made:
        tag = Tag.objects.create(name="vip", colour="plum")
        made.append(tag)
    entry = newest()
    assert trial(entry, BY) == []
    assert Tag.objects.exists(), "a trial changes nothing"
    take_back(entry, BY)
    assert not Tag.objects.exists()
    take_back(newest(), BY)
    assert Tag.objects.get().colour == "plum"
    with recording(BY) as made:
        made.append(Queue.objects.create(name="New", brand=support.brand))
    assert not can_be_taken_back(newest()), "queues are made invalid"


def test_retention_is_taken_back_to_for_ever(client: Client, admin: Agent) -> None:
    client.force_login(admin)
    client.post("/admin/retention/", {"ignored": "30"})
    client.post("/admin/retention/", {"ignored": "5"})
    for wanted in ({"ignored": 30}, {}):
        entry = AuditEntry.objects.filter(kind="retention").exclude(action="restored").order_by("pk")[len(wanted)]
        page = client.get("/admin/history/retention/").content.decode()
        assert f"/admin/changes/{entry.pk}/taking-back/" in page
        assert client.get(f"/admin/changes/{entry.pk}/taking-back/").status_code == 200
        assert client.post(f"/admin/changes/{entry.pk}/taking-back/").status_code == 302
        assert dict(Retention.objects.values_list("outcome", "days")) == wanted

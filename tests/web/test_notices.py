"""Bell, page and cards of notices; names in notes; who is away; personal settings; queues that give tickets."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import Agent, Mailbox, Notification, Priority, Queue, Role, Rule, Ticket
from postvak.tickets import change
from postvak.tickets.absence import is_away
from postvak.tickets.aftermath import follow_changes
from postvak.web.desk.mention_chips import chips
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def no_bell_for_new_tickets(db: None) -> None:
    """All members would hear of each; here it is about what one agent is told."""
    Rule.objects.filter(key="opened").update(is_on=False)


@pytest.fixture
def desk(client: Client, bob: Agent) -> Client:
    """Bob is logged in; he works in the queue Support."""
    client.force_login(bob)
    return client


@pytest.fixture
def dee(support: Queue) -> Agent:
    agent = Agent.objects.create_user("dee@example.org", "correct horse battery", name="Dee Dahl")
    support.members.add(agent)
    return agent


@pytest.fixture
def ticket(desk: Client, mailbox: Mailbox, bob: Agent, dee: Agent) -> Ticket:
    """Dee gave it to Bob, who is logged in and hasn't looked yet."""
    ticket = receive(mailbox, mail())
    change.assign(ticket, bob, by=dee)
    follow()
    return ticket


def follow() -> None:
    while follow_changes("test:1:x"):
        pass


def bell(client: Client, url: str = "/drafts/") -> str:
    """The number at the bell."""
    found = re.search(r"data-bell-number( hidden)?>([^<]*)<", page(client, url))
    assert found is not None
    return found[2]


# ---- bell, page, reading ------------------------------------------------------------


def test_the_bell_counts_what_is_unread_and_the_page_says_it(desk: Client, ticket: Ticket, dee: Agent) -> None:
    assert bell(desk) == "1"
    change.note(ticket, "@Bob Baker, look at the dimmer.", by=dee)
    follow()
    assert bell(desk) == "2"
    html = page(desk, "/notices/")
    assert "Dee Dahl gave you a ticket" in html
    assert "Dee Dahl mentioned you in a note" in html
    assert "look at the dimmer" in html
    assert f"/tickets/{ticket.number}/#message-" in html


def test_opening_the_ticket_reads_its_notices_and_no_others(
    desk: Client,
    ticket: Ticket,
    dee: Agent,
    bob: Agent,
    mailbox: Mailbox,
) -> None:
    other = receive(mailbox, mail(message_id="o@customer.example", subject="Other"))
    change.assign(other, bob, by=dee)
    follow()
    assert bell(desk, f"/tickets/{ticket.number}/") == "1"
    assert Notification.objects.get(read_at=None).ticket == other


def test_a_ticket_without_news_is_opened_without_writing(desk: Client, ticket: Ticket) -> None:
    url = f"/tickets/{ticket.number}/"
    page(desk, url)
    with CaptureQueriesContext(connection) as queries:
        page(desk, url)
    about = [one["sql"] for one in queries if "postvak_notification" in one["sql"] and "mentioned" not in one["sql"]]
    assert not [sql for sql in about if sql.startswith("UPDATE")]


def test_one_or_all_are_marked_as_read(desk: Client, ticket: Ticket, dee: Agent, bob: Agent, mailbox: Mailbox) -> None:
    other = receive(mailbox, mail(message_id="o@customer.example", subject="Other"))
    change.assign(other, bob, by=dee)
    follow()
    first = Notification.objects.get(ticket=ticket)
    assert desk.post("/notices/read/", {"notice": first.pk}).status_code == 302
    assert Notification.objects.get(read_at=None).ticket == other
    desk.post("/notices/read/")
    assert not Notification.objects.filter(read_at=None).exists()
    assert "Dee Dahl gave you a ticket" in page(desk, "/notices/")
    assert "Nothing unread" in page(desk, "/notices/?unread=1")


def test_nobody_reads_the_notices_of_others(desk: Client, ticket: Ticket, dee: Agent) -> None:
    desk.force_login(dee)
    assert bell(desk) == ""
    assert "No notices yet" in page(desk, "/notices/")
    desk.post("/notices/read/", {"notice": Notification.objects.get().pk})
    assert Notification.objects.get().read_at is None


def test_of_a_ticket_that_went_out_of_sight_nothing_is_said(
    desk: Client,
    ticket: Ticket,
    sales: Queue,
    admin: Agent,
) -> None:
    Ticket.objects.update(queue=sales, assignee=None)
    assert bell(desk) == ""
    assert ticket.number not in page(desk, "/notices/")
    assert ticket.number not in desk.get("/notices/new/").text


def test_long_lists_go_on_without_gaps_and_cost_the_same(desk: Client, ticket: Ticket, bob: Agent) -> None:
    def make(number: int) -> None:
        Notification.objects.bulk_create(
            Notification(agent=bob, ticket=ticket, kind="noted", at=NOW - timedelta(minutes=n // 2), read_at=NOW)
            for n in range(number)
        )

    make(3)
    with CaptureQueriesContext(connection) as few:
        page(desk, "/notices/")
    make(120)
    with CaptureQueriesContext(connection) as many:
        first = page(desk, "/notices/")
    assert len(many) <= len(few) <= 12
    rows, html = listed(first), first
    while found := re.search(r'rel="next" href="([^"]+)"', html):
        html = page(desk, f"/notices/{found[1].replace('&amp;', '&')}")
        rows += listed(html)
    assert rows == Notification.objects.count()


def listed(html: str) -> int:
    return html[html.index('<ul class="notices">') :].count("<li")


@pytest.mark.parametrize("before", ["x", "2026_1", "2026-02-30T10:00:00+00:00_1", "2026-01-01T10:00:00_1", "_", "%00"])
def test_a_garbled_cursor_begins_anew(desk: Client, ticket: Ticket, before: str) -> None:
    assert "Dee Dahl gave you a ticket" in page(desk, f"/notices/?before={before}")


def test_what_is_new_comes_as_a_card_with_the_number_for_the_bell(desk: Client, ticket: Ticket, dee: Agent) -> None:
    first = desk.get("/notices/new/?after=0").text
    newest = re.search(r'data-label="1" data-newest="(\d+)"', first)
    assert newest is not None
    assert "Dee Dahl gave you a ticket" in first
    again = desk.get(f"/notices/new/?after={newest[1]}").text
    assert 'data-label="1"' in again
    assert "toast" not in again
    change.note(ticket, "@Bob Baker", by=dee)
    follow()
    news = desk.get(f"/notices/new/?after={newest[1]}").text
    assert news.count("toast") == 1
    assert "mentioned you" in news


def test_the_substitute_reads_for_whom_he_stands_in(desk: Client, ticket: Ticket, bob: Agent, dee: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(away_until=NOW + timedelta(days=1), substitute=dee)
    first = ticket.messages.get()
    receive(desk_mailbox(), mail(message_id="z@customer.example", in_reply_to=f"<{first.message_id}>", text="Hello?"))
    follow()
    desk.force_login(dee)
    assert "Ann Archer wrote on a ticket of Bob Baker, for whom you stand in" in page(desk, "/notices/")


def desk_mailbox() -> Mailbox:
    return Mailbox.objects.get(kind=Mailbox.Kind.LOCAL)


# ---- mentions ------------------------------------------------------------


def test_colleagues_are_offered_with_their_absence(desk: Client, ticket: Ticket, dee: Agent, cas: Agent) -> None:
    Agent.objects.filter(pk=dee.pk).update(away_until=NOW + timedelta(days=1), substitute=cas)
    people = desk.get(f"/tickets/{ticket.number}/colleagues/?q=d").json()["people"]
    assert [one["name"] for one in people] == ["Dee Dahl"]
    assert re.fullmatch(r"away until .+, substitute Cas de Vries", people[0]["note"])
    assert desk.get(f"/tickets/{ticket.number}/colleagues/?q=cas").json() == {"people": []}


def test_the_author_hears_whom_his_note_does_not_reach(
    desk: Client, ticket: Ticket, cas: Agent, support: Queue
) -> None:
    support.members.add(Agent.objects.create_user("dee2@example.org", "correct horse battery", name="Dee Dunn"))
    answer = desk.post(f"/tickets/{ticket.number}/notes/", {"text": "@Cas de Vries and @Dee"}, follow=True).text
    assert "Not told, because they may not read this ticket: Cas de Vries." in answer
    assert "Several colleagues are called Dee, so nobody was told: write the full name." in answer


def test_names_that_a_note_mentions_are_chips(desk: Client, ticket: Ticket, dee: Agent) -> None:
    change.note(ticket, "<i>@Bob Baker</i> and @Cas", by=dee)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert '&lt;i&gt;<b class="mention" data-own>@Bob Baker</b>&lt;/i&gt; and @Cas' in html


def test_a_chip_can_not_bring_markup_in() -> None:
    assert chips("@A<b> & x", [{"agent": 1, "name": "A<b>"}]) == '<b class="mention">@A&lt;b&gt;</b> &amp; x'
    assert chips("<script>", None) == "&lt;script&gt;"


# ---- settings ------------------------------------------------------------


def test_absence_is_set_in_the_preferences_on_the_clock_of_the_agent(desk: Client, bob: Agent, dee: Agent) -> None:
    day = (timezone.localtime() + timedelta(days=3)).date().isoformat()
    facts = {"undo_seconds": "10", "time_zone": "America/New_York", "language": "en"}
    desk.post("/preferences/", facts)
    away = {"away_from": "2026-01-01T09:00", "away_until": f"{day}T09:00", "substitute": str(dee.pk)}
    assert desk.post("/preferences/", facts | away).status_code == 302
    bob.refresh_from_db()
    assert (is_away(bob, NOW), bob.substitute) == (True, dee)
    assert bob.away_from is not None
    assert bob.away_from.astimezone(timezone.get_fixed_timezone(0)).hour == 14
    html = page(desk, "/preferences/")
    assert 'value="2026-01-01T09:00"' in html
    assert "You are away at the moment." in html
    assert desk.post("/preferences/", facts).status_code == 302
    bob.refresh_from_db()
    assert not is_away(bob, NOW)


@pytest.mark.parametrize(
    ("begins", "ends", "why"),
    [
        ("2031-01-02T09:00", "2031-01-01T09:00", "The end has to be after the beginning."),
        ("", "2020-01-01T09:00", "The end has to be in the future."),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(desk: Client, begins: str, ends: str, why: str) -> None:
    answer = desk.post("/preferences/", {"undo_seconds": "10", "away_from": begins, "away_until": ends})
    assert answer.status_code == 422
    assert why in answer.text


def test_nobody_is_his_own_substitute(desk: Client, bob: Agent) -> None:
    assert desk.post("/preferences/", {"undo_seconds": "10", "substitute": str(bob.pk)}).status_code == 422


def test_every_setting_is_kept_and_choices_that_are_not_sent_stay(desk: Client, bob: Agent) -> None:
    chosen = {"undo_seconds": "5", "density": "dense", "after_sending": "next", "newest_first": "on", "has_sound": "on", "has_desktop_notices": "on"}  # fmt: skip
    assert desk.post("/preferences/", chosen).status_code == 302
    bob.refresh_from_db()
    assert (bob.density, bob.after_sending, bob.newest_first, bob.has_sound, bob.has_desktop_notices, bob.has_shortcuts) == ("dense", "next", True, True, True, False)  # fmt: skip
    desk.post("/preferences/", {"undo_seconds": "5"})
    bob.refresh_from_db()
    assert (bob.density, bob.after_sending, bob.newest_first) == ("dense", "next", False)


def test_an_administrator_sets_the_absence_of_others(client: Client, admin: Agent, bob: Agent, dee: Agent) -> None:
    client.force_login(admin)
    facts = {"name": "Bob Baker", "email": "bob@example.org", "is_active": "on"}
    away = {"away_from": "2026-01-01T09:00", "substitute": str(dee.pk)}
    assert client.post(f"/admin/agents/{bob.pk}/", facts | away).status_code == 302
    bob.refresh_from_db()
    assert (is_away(bob, NOW), bob.substitute) == (True, dee)


def test_a_queue_gives_tickets_in_turn_and_has_leads(client: Client, admin: Agent, support: Queue, bob: Agent, dee: Agent) -> None:  # fmt: skip
    client.force_login(admin)
    facts = {"name": "Support", "colour": "sea", "brand": str(support.brand_id), "is_valid": "on"}
    lead = str(Role.objects.get(key="lead").pk)
    team = {f"member-{dee.pk}": lead, "auto_assign": "round_robin"}
    assert client.post(f"/admin/queues/{support.pk}/", facts | team).status_code == 302
    support.refresh_from_db()
    assert support.auto_assign == "round_robin"
    assert dict(support.membership_set.values_list("agent__name", "is_lead")) == {"Bob Baker": False, "Dee Dahl": True}
    client.post(f"/admin/queues/{support.pk}/", facts | {f"member-{dee.pk}": str(Role.objects.get(key="agent").pk)})
    support.refresh_from_db()
    assert support.auto_assign == "round_robin"
    assert not support.membership_set.filter(is_lead=True).exists()


def test_what_rules_tell_stands_there_in_a_sentence(desk: Client, mailbox: Mailbox, bob: Agent, dee: Agent) -> None:
    Rule.objects.filter(key__in=["opened", "priority-changed"]).update(is_on=True)
    ticket = receive(mailbox, mail())
    follow()
    assert "There is a new ticket" in page(desk, "/notices/")
    change.assign(ticket, bob, by=bob)
    change.set_priority(ticket, Priority.objects.get(level=5), by=dee)
    follow()
    assert "Dee Dahl changed status, queue or priority" in page(desk, "/notices/")


@pytest.mark.parametrize("kind", Notification.Kind.values)
def test_every_kind_of_notice_has_its_sentence(desk: Client, ticket: Ticket, bob: Agent, kind: str) -> None:
    Notification.objects.all().delete()
    Notification.objects.create(agent=bob, ticket=ticket, kind=kind, at=timezone.now())
    assert ticket.subject in page(desk, "/notices/")

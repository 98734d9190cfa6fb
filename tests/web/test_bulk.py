"""The bulk bar through the test client: what a browser without scripts sends, and every page that asks once more."""

import io
import mailbox as mailboxes
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import (
    Agent,
    AnswerTemplate,
    BulkChange,
    Channel,
    Filter,
    Mailbox,
    Message,
    Options,
    OutgoingMail,
    Queue,
    Status,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets import bulk
from postvak.tickets.change import note
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def tickets(desk: Client, mailbox: Mailbox) -> list[Ticket]:
    """Three, of Ann, Dan and Eve."""
    raws = [
        mail(
            sender=f"{name} <{name.lower()}@{name.lower()}.example>",
            subject=f"{name}'s lamp",
            message_id=f"{name}@x",
            text=name,
        )
        for name in ("Ann", "Dan", "Eve")
    ]
    accept(mailbox, [Arrived(f"bulk/{number}", raw) for number, raw in enumerate(raws)])
    while process_due("test:1:x"):
        pass
    return list(Ticket.objects.order_by("pk"))


def send(client: Client, do: str, tickets: list[Ticket], **more: object) -> str:
    """The page after the redirects."""
    data = {"do": do, "in": "open", "ticket": [ticket.number for ticket in tickets], **more}
    response = client.post("/bulk/", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def states(column: str) -> list[object]:
    return list(Ticket.objects.order_by("pk").values_list(column, flat=True))


def bare(number: int, queue: Queue) -> list[Ticket]:
    now, status = timezone.now(), Status.objects.get(key="open")
    rows = [
        Ticket(number=f"88{n:04d}", subject=f"T{n}", queue=queue, status=status, created_at=now, changed_at=now)
        for n in range(number)
    ]
    return Ticket.objects.bulk_create(rows)


def test_rows_can_be_ticked_and_the_bar_is_a_form_that_needs_no_script(desk: Client, tickets: list[Ticket]) -> None:
    html = desk.get("/list/open/").content.decode()
    assert len(re.findall(r'<input class="tick" type="checkbox" name="ticket" value="\d+" form="bulk"', html)) == 3
    assert '<form class="bulk" id="bulk" method="post" action="/bulk/"' in html
    assert '<option value="status:closed">' in html
    assert "style=" not in html


def test_a_toast_says_what_was_done_and_undoes_it(desk: Client, tickets: list[Ticket]) -> None:
    html = send(desk, "status:closed", tickets[:2])
    assert "2 tickets have their new status." in html
    assert states("is_open") == [False, False, True]
    undo = re.search(r'action="(/bulk/\d+/undo/)"', html)
    assert undo is not None
    page = desk.post(undo[1], follow=True).content.decode()
    assert "2 tickets are as they were before." in page
    assert states("is_open") == [True, True, True]


def test_tickets_of_others_are_not_even_looked_at(desk: Client, tickets: list[Ticket], sales: Queue) -> None:
    (foreign,) = bare(1, sales)
    html = send(desk, "spam:on", [foreign])
    assert "Tick tickets first." in html
    assert not Ticket.objects.filter(is_spam=True).exists()


def test_without_a_tick_or_a_verb_nothing_happens(desk: Client, tickets: list[Ticket]) -> None:
    assert "Tick tickets first." in send(desk, "trash", [])
    assert "Choose what shall be done" in send(desk, "explode", tickets)
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    "verb", ["assign", "queue", "status", "priority", "tag", "untag", "personal", "private", "spam", "read", "export"]
)
def test_what_was_not_said_is_asked_for(desk: Client, tickets: list[Ticket], verb: str) -> None:
    html = send(desk, verb, tickets)
    assert "3 tickets are ticked." in html
    assert html.count('name="ticket"') == 3
    assert re.search(r'name="(value|tags)"', html)
    assert not BulkChange.objects.exists()


def test_the_page_that_asks_sends_what_was_chosen(desk: Client, tickets: list[Ticket], bob: Agent) -> None:
    send(desk, "assign", tickets, value=str(bob.pk), confirmed="3")
    send(desk, "tag", tickets, tags="urgent, lamp", confirmed="3")
    assert set(states("assignee_id")) == {bob.pk}
    assert all(set(one.tags.values_list("name", flat=True)) == {"urgent", "lamp"} for one in tickets)


def test_queues_and_colleagues_that_he_does_not_see_can_not_be_chosen(
    desk: Client, tickets: list[Ticket], sales: Queue, cas: Agent
) -> None:
    assert "Move to another queue" in send(desk, f"queue:{sales.pk}", tickets)
    send(desk, f"assign:{cas.pk}", tickets)
    assert not BulkChange.objects.exists()


def test_the_menus_come_with_few_queries_and_only_what_he_may_choose(
    desk: Client, tickets: list[Ticket], sales: Queue, cas: Agent
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        html = desk.get("/bulk/bar/?in=open").content.decode()
    assert len(queries) <= 12
    assert "Sales" not in html
    assert "Cas de Vries" not in html
    assert 'value="status:customer"' in html
    assert 'value="spam:on:rule"' not in html  # filters are the administrators'


# -- a whole list ----------------------------------------------------------------------------


def test_a_whole_list_is_counted_and_confirmed_first(desk: Client, tickets: list[Ticket]) -> None:
    html = send(desk, "status:closed", [], all="1")
    assert "3 tickets: all of the list “All open”." in html
    assert 'name="confirmed" value="3"' in html
    assert states("is_open") == [True, True, True]
    send(desk, "status:closed", [], all="1", confirmed="3")
    assert states("is_open") == [False, False, False]


def test_a_list_that_grew_is_confirmed_anew(desk: Client, tickets: list[Ticket], support: Queue) -> None:
    bare(1, support)
    html = send(desk, "status:closed", [], all="1", confirmed="3")
    assert 'name="confirmed" value="4"' in html
    assert states("is_open") == [True] * 4


def test_many_tickets_show_their_progress(desk: Client, support: Queue) -> None:
    rows = bare(60, support)
    html = send(desk, "priority:5", rows)
    change = BulkChange.objects.get()
    assert "0 of 60 tickets are done." in html
    assert f'hx-get="/bulk/{change.pk}/"' in html
    bulk.work_due("w:1:x")
    part = desk.get(f"/bulk/{change.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "25 of 60 tickets are done." in part
    assert "<html" not in part
    while bulk.work_due("w:1:x"):
        pass
    part = desk.get(f"/bulk/{change.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "60 tickets were changed." in part
    assert "hx-get" not in part


def test_tickets_that_were_left_alone_are_named_with_the_reason(
    desk: Client, tickets: list[Ticket], sales: Queue, bob: Agent
) -> None:
    done = bulk.start("spam", {"on": True}, [one.pk for one in [*tickets, *bare(1, sales)]], by=bob)
    html = desk.get(f"/bulk/{done.pk}/").content.decode()
    assert "3 tickets were changed. 1 ticket was left alone." in html
    assert "you don&#39;t see it any more" in html
    assert "1 ticket that you don't see" in html
    assert "880000" not in html


# -- verbs with a page of their own ----------------------------------------------------------------


def test_merging_asks_for_the_target_and_offers_the_oldest(desk: Client, tickets: list[Ticket]) -> None:
    html = send(desk, "merge", tickets)
    assert re.search(rf'value="{tickets[0].number}" checked', html)
    assert "2 tickets were merged." in send(desk, "merge", tickets, value=tickets[1].number, confirmed="3")
    assert states("merged_into_id") == [tickets[1].pk, None, tickets[1].pk]


def test_merging_needs_two(desk: Client, tickets: list[Ticket]) -> None:
    assert "at least two tickets" in send(desk, "merge", tickets[:1])
    assert "at least two tickets" in send(desk, "merge", tickets[:1], value=tickets[0].number, confirmed="1")


def test_a_template_is_previewed_before_it_goes_to_all(desk: Client, tickets: list[Ticket]) -> None:
    template = AnswerTemplate.objects.create(name="Soon")
    template.texts.create(language="", html="<p>Dear {{ customer.name }}, soon.</p>")
    assert "Send 3 answers" not in send(desk, "answer", tickets)
    html = send(desk, "answer", tickets, value=str(template.pk))
    assert "Dear Ann, soon." in html
    assert "ann@ann.example" in html
    assert "Send 3 answers" in html
    unseen = AnswerTemplate.objects.create(name="Never shown")
    send(desk, "answer", tickets, value=str(unseen.pk), seen=str(template.pk), confirmed="3")
    assert not OutgoingMail.objects.exists()
    assert "3 answers are on their way." in send(
        desk, "answer", tickets, value=str(template.pk), seen=str(template.pk), confirmed="3"
    )
    assert OutgoingMail.objects.count() == 3


def test_who_would_shut_himself_out_is_told_how_many(desk: Client, tickets: list[Ticket], bob: Agent) -> None:
    Ticket.objects.filter(pk=tickets[0].pk).update(assignee=bob)
    html = send(desk, "private:on", tickets)
    assert "You will not see 2 of these tickets any more" in html
    assert not any(states("is_private"))
    send(desk, "private:on", tickets, confirmed="3")
    assert all(states("is_private"))


def test_only_administrators_make_a_filter_for_the_senders(
    desk: Client, tickets: list[Ticket], admin: Agent, mailbox: Mailbox
) -> None:
    send(desk, "spam:on:rule", tickets[:1])
    assert states("is_spam") == [True, False, False]
    assert not Filter.objects.exists()
    desk.force_login(admin)
    html = send(desk, "spam:on:rule", tickets[1:])
    assert "dan@dan.example" in html
    assert states("is_spam") == [True, False, False]
    send(desk, "spam:on", tickets[1:], rule="1", confirmed="2")
    assert states("is_spam") == [True, True, True]
    row = Filter.objects.get()
    assert [one["value"] for one in row.conditions] == ["dan@dan.example", "eve@eve.example"]
    assert row.versions.get().agent == admin
    accept(mailbox, [Arrived("again/1", mail(sender="Dan@dan.example", subject="Win", message_id="w@x", text="win"))])
    process_due("test:1:x")
    assert Ticket.objects.get(subject="Win").is_spam
    assert "No filter was made" in send(desk, "spam:on", tickets[1:], rule="1", confirmed="2")
    assert Filter.objects.count() == 1


def test_what_no_address_of_ours_is_not_gone_back_to(desk: Client, tickets: list[Ticket]) -> None:
    for evil in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        response = desk.post("/bulk/", {"do": "read:on", "ticket": [tickets[0].number], "in": "open", "back": evil})
        assert response.headers["Location"] == "/list/open/", evil


def test_a_change_of_another_agent_is_not_to_be_found(desk: Client, tickets: list[Ticket], admin: Agent) -> None:
    done = bulk.start("spam", {"on": True}, [tickets[0].pk], by=admin)
    assert desk.get(f"/bulk/{done.pk}/").status_code == 404
    assert desk.post(f"/bulk/{done.pk}/undo/").status_code == 404


# -- marks, trash, export and paper ----------------------------------------------------------------


def test_marks_are_in_the_menu_of_the_ticket_and_in_its_history(
    desk: Client, tickets: list[Ticket], bob: Agent
) -> None:
    ticket = tickets[0]
    html = desk.get(f"/tickets/{ticket.number}/").content.decode()
    for name in ("personal", "private", "trash"):
        assert f'action="/tickets/{ticket.number}/{name}/' in html
    desk.post(f"/tickets/{ticket.number}/personal/", {"on": "1"})
    warned = desk.post(f"/tickets/{ticket.number}/private/", {"on": "1"})
    assert "you will not see this ticket any more" in warned.content.decode()
    ticket.refresh_from_db()
    assert (ticket.is_personal, ticket.is_private) == (True, False)
    response = desk.post(f"/tickets/{ticket.number}/private/", {"on": "1", "sure": "1"})
    assert response.headers["Location"] == "/list/open/"
    assert desk.get(f"/tickets/{ticket.number}/").status_code == 404
    assert list(ticket.history.values_list("code", flat=True))[-2:] == ["personal", "private"]


def test_the_assignee_makes_his_ticket_private_without_a_question(
    desk: Client, tickets: list[Ticket], bob: Agent
) -> None:
    Ticket.objects.filter(pk=tickets[0].pk).update(assignee=bob)
    desk.post(f"/tickets/{tickets[0].number}/private/", {"on": "1"})
    assert states("is_private")[0] is True


def test_the_trash_names_the_day_and_gives_back(desk: Client, tickets: list[Ticket]) -> None:
    Options.objects.update(trash_days=30)
    number = tickets[0].number
    page = desk.post(f"/tickets/{number}/trash/?in=open", {"on": "1"}, follow=True).content.decode()
    assert "1 ticket is in the trash. It is deleted for good on " in page
    assert "1 ticket is here. Each is deleted for good 30 days after it came" in desk.get("/trash/").content.decode()
    banner = desk.get(f"/tickets/{number}/trash/").content.decode()
    assert "It is deleted for good on " in banner
    assert 'hx-get="/trash/"' in desk.get("/list/trash/").content.decode()
    desk.post(f"/tickets/{number}/trash/", {"on": "0"})
    assert Ticket.objects.get(number=number).status.key == "new"
    assert not desk.get(f"/tickets/{number}/trash/").content.decode().strip()


def test_ticked_tickets_are_taken_out_of_the_trash(desk: Client, tickets: list[Ticket]) -> None:
    send(desk, "trash", tickets)
    assert states("status__key") == ["trash"] * 3
    send(desk, "restore", tickets)
    assert states("status__key") == ["new"] * 3


def test_the_days_of_the_trash_are_an_option(client: Client, admin: Agent, support: Queue) -> None:
    client.force_login(admin)
    facts = {"numbers": "date", "hook": "#", "subject_place": "right", "stranger": "hold", "unmatched_report": "hold"}
    assert client.post("/admin/options/", {**facts, "trash_days": "14"}).status_code == 302
    assert Options.objects.get().trash_days == 14
    assert client.post("/admin/options/", {**facts, "trash_days": "0"}).status_code == 422
    assert client.post("/admin/options/", {**facts, "trash_days": ""}).status_code == 302
    assert Options.objects.get().trash_days is None
    assert "0 tickets are in the trash now." in client.get("/admin/options/").content.decode()


def test_days_that_would_delete_tickets_at_once_are_confirmed_with_their_number(
    no_automatic_mail: None, client: Client, admin: Agent, tickets: list[Ticket]
) -> None:
    client.force_login(admin)
    bulk.start("trash", {}, [one.pk for one in tickets[:2]], by=admin)
    Ticket.objects.filter(pk=tickets[0].pk).update(closed_at=timezone.now() - timedelta(days=20))
    facts = {"numbers": "date", "hook": "#", "subject_place": "right", "stranger": "hold", "unmatched_report": "hold"}
    html = client.post("/admin/options/", {**facts, "trash_days": "14"}).content.decode()
    assert "Delete 1 ticket for good at once" in html
    assert Options.objects.get().trash_days is None
    assert client.post("/admin/options/", {**facts, "trash_days": "30"}).status_code == 302
    assert client.post("/admin/options/", {**facts, "trash_days": "14", "empties": "1"}).status_code == 302
    assert Options.objects.get().trash_days == 14


def test_a_ticket_is_downloaded_as_mbox_and_zip(desk: Client, tickets: list[Ticket], tmp_path: Path) -> None:
    response = desk.get(f"/tickets/{tickets[0].number}/export.mbox")
    path = tmp_path / "one.mbox"
    path.write_bytes(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    (found,) = mailboxes.mbox(path)
    assert found["Subject"] == "Ann's lamp"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{tickets[0].number}.mbox"'
    response = desk.get(f"/tickets/{tickets[0].number}/export.zip")
    assert zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).testzip() is None  # type: ignore[attr-defined]
    assert desk.get(f"/tickets/{tickets[0].number}/export.exe").status_code == 404


def test_ticked_tickets_are_downloaded_those_that_he_may_read(
    desk: Client, tickets: list[Ticket], sales: Queue
) -> None:
    (foreign,) = bare(1, sales)
    data = {"do": "export:zip", "in": "open", "ticket": [tickets[0].number, tickets[1].number, foreign.number]}
    response = desk.post("/bulk/", data)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    assert {name.split("/")[0].split(" ")[0] for name in archive.namelist()} == {one.number for one in tickets[:2]}


def test_paper_shows_what_the_customer_knows_and_notes_when_asked_for(
    desk: Client, tickets: list[Ticket], bob: Agent
) -> None:
    ticket = tickets[0]
    note(ticket, "Ann is a tester.", by=bob)
    Message.objects.filter(ticket=ticket, kind="incoming").update(text="<script>steal()</script> lamp")
    url = f"/tickets/{ticket.number}/print/"
    html = desk.get(url).content.decode()
    assert "&lt;script&gt;steal()&lt;/script&gt; lamp" in html
    assert "Ann is a tester." not in html
    assert "style=" not in html
    assert "Ann is a tester." in desk.get(url + "?notes=1").content.decode()
    assert f'href="{url}' in desk.get(f"/tickets/{ticket.number}/").content.decode()

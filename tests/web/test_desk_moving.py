"""Merging, moving and splitting through the pages: what is asked, what is refused, what is undone."""

import re

import pytest
from django.test import Client

from postvak.models import Agent, Channel, Mailbox, Message, Queue, Ticket, TicketLink
from postvak.tickets.change import move
from postvak.tickets.merge import merge
from postvak.tickets.search.index import index_due
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def lamp(mailbox: Mailbox, bob: Agent) -> Ticket:
    return receive(mailbox, mail(subject="Lamp"))


@pytest.fixture
def dimmer(mailbox: Mailbox, bob: Agent) -> Ticket:
    return receive(mailbox, mail(subject="Dimmer", message_id="d1@customer.example", text="My dimmer hums."))


def undo(desk: Client, html: str) -> None:
    """Press the button of the toast."""
    address = re.search(r'<form method="post" action="([^"]+)">(?:(?!</form>).)*Undo</button>', html, re.S)
    assert address is not None
    assert desk.post(address[1].replace("&amp;", "&")).status_code == 302


def test_the_page_suggests_tickets_of_the_same_customer(desk: Client, lamp: Ticket, dimmer: Ticket) -> None:
    html = page(desk, f"/tickets/{lamp.number}/merge/")
    assert "Likely ones" in html
    assert f'href="/tickets/{lamp.number}/merge/?in=open&amp;ticket={dimmer.number}"' in html
    lamp.refresh_from_db()
    assert lamp.merged_into is None  # looking merges nothing


def test_tickets_that_changed_last_are_suggested_too(desk: Client, mailbox: Mailbox, lamp: Ticket) -> None:
    other = receive(mailbox, mail(sender="cleo@c.example", subject="Cleo's", message_id="c@c.example", text="c"))
    html = page(desk, f"/tickets/{lamp.number}/merge/")
    assert "Changed last" in html
    assert other.number in html


def test_before_merging_one_sees_the_last_message_of_the_target(desk: Client, lamp: Ticket, dimmer: Ticket) -> None:
    html = page(desk, f"/tickets/{lamp.number}/merge/?ticket={dimmer.number}")
    assert "Last message: Ann Archer" in html.replace("<small>", "").replace("\n", " ")
    assert "My dimmer hums." in html


def test_words_find_the_target_and_hidden_tickets_are_not_among_them(
    desk: Client, admin: Agent, lamp: Ticket, dimmer: Ticket, sales: Queue
) -> None:
    while index_due("test:1:x"):
        pass
    address, htmx = f"/tickets/{lamp.number}/merge/", {"HX-Request": "true"}
    assert dimmer.number in desk.get(address, {"ticket": "hums"}, headers=htmx).text
    assert dimmer.number in desk.get(address, {"ticket": dimmer.number[:-1]}, headers=htmx).text
    move(dimmer, sales, by=admin)
    for typed in ("hums", dimmer.number[:-1], dimmer.number):
        assert "Dimmer" not in desk.get(address, {"ticket": typed}, headers=htmx).text
    assert "Dimmer" not in page(desk, address)


def test_the_last_message_of_where_a_target_went_stays_hidden(
    desk: Client, admin: Agent, mailbox: Mailbox, lamp: Ticket, dimmer: Ticket, sales: Queue
) -> None:
    secret = receive(mailbox, mail(sender="cleo@c.example", subject="S", message_id="s@c.example", text="Our secret"))
    merge(dimmer, secret, by=admin)
    assert "Our secret" in page(desk, f"/tickets/{lamp.number}/merge/?ticket={dimmer.number}")
    move(secret, sales, by=admin)
    html = page(desk, f"/tickets/{lamp.number}/merge/?ticket={dimmer.number}")
    assert "Our secret" not in html


@pytest.mark.parametrize("spelling", ["{}", " [#{}] ", "Ticket# {}"])
def test_a_ticket_is_merged_by_number_and_unmerged_by_undo(
    desk: Client, lamp: Ticket, dimmer: Ticket, spelling: str
) -> None:
    response = desk.post(f"/tickets/{lamp.number}/merge/?in=open", {"ticket": spelling.format(dimmer.number)})
    assert response.headers["Location"] == f"/tickets/{dimmer.number}/?in=open"
    lamp.refresh_from_db()
    assert lamp.merged_into == dimmer
    undo(desk, page(desk, f"/tickets/{dimmer.number}/"))
    lamp.refresh_from_db()
    assert (lamp.merged_into, lamp.messages.count()) == (None, 1)


def test_what_stands_behind_a_number_is_shown_while_it_is_typed(desk: Client, lamp: Ticket, dimmer: Ticket) -> None:
    htmx = {"HTTP_HX_REQUEST": "true"}
    shown = desk.get(f"/tickets/{lamp.number}/merge/?ticket={dimmer.number}", **htmx).content.decode()
    assert "Dimmer" in shown
    assert "<html" not in shown
    assert "no ticket “77” that you may see" in desk.get(f"/tickets/{lamp.number}/merge/?ticket=77", **htmx).text


@pytest.mark.parametrize(("typed", "said"), [("", "Type the number"), ("77", "no ticket “77”"), ("x", "no ticket “x”")])
def test_a_number_that_leads_nowhere_is_explained(desk: Client, lamp: Ticket, typed: str, said: str) -> None:
    response = desk.post(f"/tickets/{lamp.number}/merge/", {"ticket": typed})
    assert response.status_code == 422
    assert said in response.text


def test_a_ticket_with_itself_is_explained(desk: Client, lamp: Ticket) -> None:
    response = desk.post(f"/tickets/{lamp.number}/merge/", {"ticket": lamp.number})
    assert response.status_code == 422
    assert "merged with itself" in response.text


def test_a_ticket_that_the_agent_may_not_see_does_not_exist_for_him(
    desk: Client, admin: Agent, lamp: Ticket, dimmer: Ticket, sales: Queue
) -> None:
    move(dimmer, sales, by=admin)
    for address in (f"/tickets/{lamp.number}/merge/", f"/messages/{lamp.messages.get().pk}/move/"):
        response = desk.post(address, {"ticket": dimmer.number})
        assert response.status_code == 422
        assert "that you may see" in response.text
        assert "Dimmer" not in response.text


def test_a_merged_ticket_shows_where_it_went_and_takes_no_changes(
    desk: Client, bob: Agent, lamp: Ticket, dimmer: Ticket
) -> None:
    merge(lamp, dimmer, by=bob)
    html = page(desk, f"/tickets/{lamp.number}/")
    assert "This ticket is now part of" in html
    assert f'href="/tickets/{dimmer.number}/' in html
    assert 'id="compose-answer"' not in html
    desk.post(f"/tickets/{lamp.number}/status/", {"status": "open"})
    lamp.refresh_from_db()
    assert not lamp.is_open
    assert "nothing was changed" in page(desk, f"/tickets/{lamp.number}/")


def test_an_answer_written_on_a_page_from_before_the_merge_is_kept_and_can_be_sent(
    desk: Client, bob: Agent, lamp: Ticket, dimmer: Ticket
) -> None:
    merge(lamp, dimmer, by=bob)
    typed = {"to": "ann@customer.example", "text": "My long answer", "status": "customer"}
    response = desk.post(f"/tickets/{lamp.number}/answers/", typed)
    assert response.status_code == 422
    assert "My long answer" in response.text
    again = re.search(r'action="(/tickets/\d+/answers/[^"]*)"', response.text)
    assert again is not None
    assert desk.post(again[1], typed).status_code == 302
    assert dimmer.messages.get(kind=Message.Kind.OUTGOING).text == "My long answer"


def test_a_message_is_moved_by_number_and_comes_back_by_undo(desk: Client, lamp: Ticket, dimmer: Ticket) -> None:
    message = lamp.messages.get()
    assert "moved here" not in page(desk, f"/tickets/{lamp.number}/")
    response = desk.post(f"/messages/{message.pk}/move/?in=mine", {"ticket": dimmer.number})
    assert response.headers["Location"] == f"/tickets/{dimmer.number}/?in=mine"
    html = page(desk, f"/tickets/{dimmer.number}/")
    assert "moved here from another ticket" in html
    assert "All messages were moved" in page(desk, f"/tickets/{lamp.number}/")
    undo(desk, html)
    assert lamp.messages.get() == message


def test_a_message_becomes_a_ticket_and_undo_joins_them_again(desk: Client, lamp: Ticket, mailbox: Mailbox) -> None:
    receive(mailbox, mail(message_id="l2@x.example", in_reply_to="<m1@customer.example>", subject="Dimmer", text="Two"))
    first, second = lamp.messages.all()
    response = desk.post(f"/messages/{second.pk}/split/?in=open")
    new = Ticket.objects.get(subject="Dimmer")
    assert response.headers["Location"] == f"/tickets/{new.number}/?in=open"
    assert new.messages.get() == second
    fragment = desk.get(f"/tickets/{new.number}/side/", headers={"HX-Request": "true"}).text  # shows the toast, too
    assert "Split off from" in fragment
    undo(desk, fragment)
    assert list(lamp.messages.all()) == [first, second]


def test_later_messages_go_along_when_wanted(desk: Client, lamp: Ticket, mailbox: Mailbox) -> None:
    for number in (2, 3):
        reply = {"message_id": f"l{number}@x.example", "in_reply_to": "<m1@customer.example>", "text": f"No. {number}"}
        receive(mailbox, mail(**reply))
    desk.post(f"/messages/{lamp.messages.all()[1].pk}/split/", {"later": "1"})
    new = Ticket.objects.exclude(pk=lamp.pk).get()
    assert [message.text.strip() for message in new.messages.all()] == ["No. 2", "No. 3"]


def test_linked_tickets_are_named_as_what_they_are_to_each_other(desk: Client, lamp: Ticket, dimmer: Ticket) -> None:
    TicketLink.objects.create(ticket=dimmer, origin=lamp, kind=TicketLink.Kind.INSTEAD)
    assert re.search(rf"Goes on in</h3>.*{dimmer.number}", page(desk, f"/tickets/{lamp.number}/side/"), re.S)
    assert re.search(rf"Opened instead of</h3>.*{lamp.number}", page(desk, f"/tickets/{dimmer.number}/side/"), re.S)


def test_a_linked_ticket_that_the_agent_may_not_see_is_not_named(
    desk: Client, admin: Agent, lamp: Ticket, dimmer: Ticket, sales: Queue
) -> None:
    TicketLink.objects.create(ticket=dimmer, origin=lamp, kind=TicketLink.Kind.WANTED_TO_JOIN)
    move(dimmer, sales, by=admin)
    html = page(desk, f"/tickets/{lamp.number}/side/")
    assert "Nothing is linked." in html
    assert dimmer.number not in html


def test_where_a_merged_ticket_went_stays_hidden_from_who_may_not_look_there(
    desk: Client, bob: Agent, admin: Agent, lamp: Ticket, dimmer: Ticket, sales: Queue
) -> None:
    merge(lamp, dimmer, by=bob)
    move(dimmer, sales, by=admin)
    html = page(desk, f"/tickets/{lamp.number}/")
    assert "in a queue that you don't see" in html
    assert "Dimmer" not in html
    assert desk.post(f"/tickets/{lamp.number}/merge/end/").status_code == 404
    lamp.refresh_from_db()
    assert lamp.merged_into == dimmer

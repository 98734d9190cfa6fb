"""The ticket page: what it costs, how long conversations are folded, who sees pictures of other servers, where one goes after
sending, and that everything is reached without a script."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import (
    Agent,
    Attachment,
    Channel,
    Delivery,
    DeliveryEvent,
    History,
    Mailbox,
    Message,
    OutgoingMail,
    Priority,
    Queue,
    Status,
    Tag,
    Ticket,
)
from postvak.models.together import RemoteContent
from postvak.tickets import change
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
ANN = "ann@customer.example"
HTMX = {"HTTP_HX_REQUEST": "true"}
AT_MOST = 12
LARGEST = 150_000


def html_mail(body: str, *, sender: str = f"Ann Archer <{ANN}>", message_id: str = "html@customer.example") -> bytes:
    head = f"From: {sender}\r\nTo: support@example.org\r\nSubject: Offer\r\nMessage-ID: <{message_id}>\r\n"
    return (head + "Content-Type: text/html; charset=utf-8\r\n\r\n" + body).encode()


NEWSLETTER = html_mail(
    '<p>Hello</p><img src="https://cdn.shop.example/lamp.jpg" width="600">'
    '<img src="https://track.shop.example/o.gif?u=1" width="1" height="1">'
    '<img src="//pixel.shop.example/p.gif" style="display:none">'
)


@pytest.fixture
def ticket(desk: Client, mailbox: Mailbox) -> Ticket:
    return receive(mailbox, mail())


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: object) -> Client:
    client.force_login(bob)
    return client


def lengthen(ticket: Ticket, bob: Agent, number: int) -> None:
    """So many more messages, each with files or deliveries that failed, and changes between them."""
    blob, start = ticket.messages.order_by("pk")[0].blob, ticket.created_at
    for at in range(number):
        kind = Message.Kind.OUTGOING if at % 2 else Message.Kind.INCOMING
        message = Message.objects.create(
            ticket=ticket, kind=kind, agent=bob if at % 2 else None, blob=blob, text=f"Words of {at}. " * 900,
            created_at=start + timedelta(minutes=at + 1), author_name="Ann", author_email=ANN, to=[["", "x@y.example"]],
        )  # fmt: skip
        History.objects.create(
            ticket=ticket, at=message.created_at + timedelta(seconds=1), agent=bob, code="priority",
            parameters={"old": "3", "new": "4"},
        )  # fmt: skip
        for part in range(6):
            Attachment.objects.create(message=message, part=part + 1, name=f"{part}.pdf", content_type="a/b", size=9)
        if at % 2:
            undelivered(message, bob)
    Ticket.objects.filter(pk=ticket.pk).update(message_count=ticket.messages.count())
    for name in ("one", "two", "three"):
        ticket.tags.add(Tag.objects.get_or_create(name=name)[0], through_defaults={})


def undelivered(message: Message, bob: Agent) -> None:
    outgoing = OutgoingMail.objects.create(
        message=message, channel=Channel.objects.get(), blob=message.blob, created_at=message.created_at
    )
    for number in range(4):
        delivery = Delivery.objects.create(
            outgoing=outgoing, recipient=f"r{number}@x.example", state="failed", said="550 5.1.1 no", code=550,
            changed_at=message.created_at,
        )  # fmt: skip
        DeliveryEvent.objects.create(delivery=delivery, at=message.created_at, kind="failed", agent=bob)


def cost(client: Client, url: str) -> tuple[int, int]:
    """(queries, bytes)"""
    page(client, url)
    with CaptureQueriesContext(connection) as queries:
        html = page(client, url)
    return len(queries), len(html.encode())


# -- what it costs ----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["bob", "admin"])
def test_the_page_costs_the_same_for_three_and_for_a_hundred_messages(
    client: Client, ticket: Ticket, bob: Agent, admin: Agent, who: str
) -> None:
    client.force_login({"bob": bob, "admin": admin}[who])
    url = f"/tickets/{ticket.number}/?in=open"
    lengthen(ticket, bob, 3)
    few, _size = cost(client, url)
    lengthen(ticket, bob, 100)
    many, size = cost(client, url)
    assert few == many <= AT_MOST
    assert size <= LARGEST


def test_the_page_costs_no_more_where_the_list_beside_it_has_the_ticket_not(
    desk: Client, ticket: Ticket, bob: Agent, support: Queue
) -> None:
    lengthen(ticket, bob, 3)
    change.set_status(ticket, Status.objects.get(key="closed"), by=bob)
    for list_id in ("mine", "open", "closed", "nonsense"):
        assert cost(desk, f"/tickets/{ticket.number}/?in={list_id}")[0] <= AT_MOST, list_id
    number, _size = cost(desk, f"/tickets/{ticket.number}/?in=queue-{support.pk}")
    assert number <= AT_MOST + 1, "whose list it is, and what stands beside the ticket in it, takes one more"


def test_older_messages_cost_the_same_wherever_one_asks(desk: Client, ticket: Ticket, bob: Agent) -> None:
    lengthen(ticket, bob, 120)
    html, seen = page(desk, f"/tickets/{ticket.number}/"), set()
    while True:
        found = set(re.findall(r'id="message-(\d+)"', html))
        assert not found & seen, "a message comes twice"
        seen |= found
        older = re.search(rf'href="(/tickets/{ticket.number}/messages/\?before=\d+[^"]*)"', html)
        if older is None:
            break
        queries, size = cost(desk, older[1].replace("&amp;", "&"))
        assert queries <= AT_MOST
        assert size <= LARGEST
        html = page(desk, older[1].replace("&amp;", "&"))
    assert seen == {str(pk) for pk in ticket.messages.values_list("pk", flat=True)}


# -- cards ----------------------------------------------------------------------------


def test_a_long_conversation_shows_the_newest_and_says_how_many_are_older(
    desk: Client, ticket: Ticket, bob: Agent
) -> None:
    lengthen(ticket, bob, 30)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "19 older messages" in html
    assert len(re.findall(r'<article class="msg"', html)) == 12
    assert len(re.findall(r'<article class="msg"[^>]*data-folded', html)) == 9


def test_a_single_older_message_is_shown_at_once(desk: Client, ticket: Ticket, bob: Agent) -> None:
    lengthen(ticket, bob, 12)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "older message" not in html
    assert len(re.findall(r'<article class="msg"', html)) == 13


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_order_is_the_agents_choice(desk: Client, ticket: Ticket, bob: Agent, newest_first: bool) -> None:
    Agent.objects.filter(pk=bob.pk).update(newest_first=newest_first)
    lengthen(ticket, bob, 20)
    html = page(desk, f"/tickets/{ticket.number}/")
    keys = [int(key) for key in re.findall(r'id="message-(\d+)"', html)]
    assert keys == sorted(keys, reverse=newest_first)
    assert (html.index('class="earlier"') > html.index('class="msg"')) == newest_first


def test_changes_stand_between_the_messages_and_many_are_folded_into_one(
    desk: Client, ticket: Ticket, bob: Agent
) -> None:
    change.assign(ticket, bob, by=bob)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert html.index("Hello, my lamp flickers.") < html.index("Assigned to Bob Baker (before: –) – Bob Baker")
    assert "sys-group" not in html
    for level in (4, 5):
        change.set_priority(ticket, Priority.objects.get(level=level), by=bob)
    assert re.search(
        r'<details class="sys-group">.*?3 changes – Bob Baker', page(desk, f"/tickets/{ticket.number}/"), re.S
    )


def test_a_very_long_text_is_cut_on_the_page_and_whole_when_asked_for(desk: Client, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail(text="lamp " * 5000 + "THE END"))
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "THE END" not in html
    assert "The text goes on: show all of it" in html
    assert "THE END" in desk.get(f"/messages/{ticket.messages.get().pk}/letter/", **HTMX).content.decode()


def test_a_mail_is_shown_as_its_sender_saw_it_as_text_and_as_source(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    address = f"/messages/{message.pk}/letter/"
    assert f'src="/messages/{message.pk}/body/"' in page(desk, address)
    text = page(desk, f"{address}?as=text")
    assert "<iframe" not in text
    assert "Hello" in text
    assert "Content-Type: text/html; charset=utf-8" in page(desk, f"{address}?as=source")


def test_the_menu_of_a_message_has_every_way(desk: Client, ticket: Ticket) -> None:
    pk = ticket.messages.get().pk
    html = desk.get(f"/messages/{pk}/menu/?in=mine", **HTMX).content.decode()
    for words in (
        "Answer this mail", "Answer all", "Forward", "Redirect", "New ticket from this message", "Move to another ticket",
        "Copy the link", "Why is this here?", "Show the source", "Download the original", "Print",
    ):  # fmt: skip
        assert words in html, words
    assert f'data-copy="http://testserver/tickets/{ticket.number}/#message-{pk}"' in html
    assert "later ones" not in html, "it is the last one"


def test_what_went_wrong_with_a_delivery_stands_in_the_card_and_its_story_comes_when_opened(
    desk: Client, ticket: Ticket, bob: Agent
) -> None:
    message = answer(ticket, Answer(to=(ANN,), text="Hi"), by=bob)
    Delivery.objects.update(state="failed", said="550 5.1.1 no such user", code=550)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "It did not arrive." in html
    assert "This address doesn&#39;t exist at the other server" in html
    assert "Put into the outbox." not in html
    assert "Put into the outbox." in page(desk, f"/messages/{message.pk}/deliveries/")


# -- head ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ("status", "Waiting for customer"), ("queue", "Support"), ("assignee", "Bob Baker"), ("priority", "Very high"),
        ("tags", "A new word becomes a new tag"),
    ],
)  # fmt: skip
def test_the_choices_of_a_property_come_when_its_menu_is_opened(
    desk: Client, ticket: Ticket, of: str, words: str
) -> None:
    address = f"/tickets/{ticket.number}/choices/?of={of}&amp;in=open"
    assert f'hx-get="{address}"' in page(desk, f"/tickets/{ticket.number}/?in=open")
    assert words in desk.get(address.replace("&amp;", "&"), **HTMX).content.decode()


def head(client: Client, ticket: Ticket) -> str:
    return page(client, f"/tickets/{ticket.number}/").partition('class="ticket-head"')[2].partition("</header>")[0]


def test_a_ticket_of_nobody_is_taken_and_one_of_a_colleague_taken_over(
    desk: Client, ticket: Ticket, bob: Agent, admin: Agent
) -> None:
    assert "Assign to me" in head(desk, ticket)
    change.assign(ticket, admin, by=admin)
    assert "Take over" in head(desk, ticket)
    desk.post(f"/tickets/{ticket.number}/assignee/", {"agent": bob.pk})
    assert "Take over" not in head(desk, ticket)
    assert "Assign to me" not in head(desk, ticket)


def test_neighbours_are_those_of_the_list(desk: Client, mailbox: Mailbox) -> None:
    numbers = [receive(mailbox, mail(message_id=f"n{n}@x.example", subject=f"Number {n}")).number for n in range(3)]
    html = page(desk, f"/tickets/{numbers[1]}/?in=open")
    assert re.search(rf'href="/tickets/{numbers[2]}/\?in=open" title="Previous ticket"', html)
    assert re.search(rf'href="/tickets/{numbers[0]}/\?in=open" title="Next ticket"', html)


# -- without a script ----------------------------------------------------------------------------


def test_everything_that_comes_later_is_a_plain_link_and_a_page(desk: Client, ticket: Ticket) -> None:
    html = page(desk, f"/tickets/{ticket.number}/?in=mine")
    links = {
        link.replace("&amp;", "&")
        for link in re.findall(r'<a[^>]*href="(/(?:tickets|messages|attachments)/[^"#]+)', html)
        if "/export." not in link
    }
    for wanted in ("compose=reply", "compose=note", "/choices/?of=status", "/menu/", "/side/"):
        assert any(wanted in link for link in links), wanted
    for link in links:
        assert "<html" in page(desk, link), link


def test_the_composer_stands_in_the_page_when_it_is_asked_for(desk: Client, ticket: Ticket) -> None:
    assert "compose-answer" not in page(desk, f"/tickets/{ticket.number}/")
    assert 'id="compose-answer"' in page(desk, f"/tickets/{ticket.number}/?compose=reply")
    fragment = desk.get(f"/tickets/{ticket.number}/composer/", **HTMX).content.decode()
    assert 'id="compose-answer"' in fragment
    assert "<html" not in fragment


# -- after sending ----------------------------------------------------------------------------


@pytest.fixture
def three(desk: Client, mailbox: Mailbox) -> list[Ticket]:
    """Newest first, as the list shows them."""
    raws = [mail(message_id=f"t{n}@x.example", subject=f"Number {n}") for n in range(3)]
    return [receive(mailbox, raw) for raw in raws][::-1]


@pytest.mark.parametrize(("after", "place"), [("stay", "{0}/?in=open"), ("next", "{1}/?in=open"), ("list", "")])
def test_after_sending_one_goes_where_one_wants_and_it_is_remembered(
    desk: Client, bob: Agent, three: list[Ticket], after: str, place: str
) -> None:
    here, following, _last = three
    form = {"to": ANN, "text": "Hello", "after": after}
    response = desk.post(f"/tickets/{here.number}/answers/?in=open", form)
    expected = f"/tickets/{place.format(here.number, following.number)}" if place else "/list/open/"
    assert response.headers["Location"] == expected
    bob.refresh_from_db()
    assert bob.after_sending == after
    html = page(desk, f"/tickets/{here.number}/?compose=reply")
    assert re.search(rf'name="after" value="{after}" checked', html)


def test_the_button_that_sends_says_what_becomes_of_the_ticket_and_others_decide_otherwise(
    desk: Client, ticket: Ticket
) -> None:
    html = page(desk, f"/tickets/{ticket.number}/?compose=reply")
    assert re.search(r'data-send[^>]*>.*?<span class="t">Send, wait for the customer</span>', html)
    assert re.search(r'<button name="then" value="closed">.*?Send and close', html)
    form = {"to": "nobody", "text": "Hello", "status": "customer", "then": "closed"}
    stopped = desk.post(f"/tickets/{ticket.number}/answers/", form).content.decode()
    assert re.search(r'data-send[^>]*>.*?<span class="t">Send and close</span>', stopped), (
        "it remembers what was pressed"
    )
    form["to"] = ANN
    desk.post(f"/tickets/{ticket.number}/answers/", form)
    ticket.refresh_from_db()
    assert ticket.status.key == "closed"


# -- pictures of other servers ----------------------------------------------------------------------------


def body(client: Client, message: Message, query: str = "", **headers: str) -> str:
    return client.get(f"/messages/{message.pk}/body/{query}", **headers).content.decode()  # type: ignore[arg-type]


def test_nothing_of_other_servers_is_in_a_mail_before_it_is_allowed(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    response = desk.get(f"/messages/{message.pk}/body/")
    html = response.content.decode()
    assert "https://" not in html
    assert "//pixel" not in html
    assert "1 picture from another server was not loaded." in html
    assert "2 tracking pixels of track.shop.example, pixel.shop.example stay out" in html
    assert "img-src 'self' data:;" in response.headers["Content-Security-Policy"]
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_once_is_this_once_and_pixels_never(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    html = body(desk, message, "?remote=1")
    assert 'src="https://cdn.shop.example/lamp.jpg"' in html
    assert "track.shop.example/o.gif" not in html
    assert "pixel.shop.example/p.gif" not in html
    assert "cdn.shop.example/lamp.jpg" not in body(desk, message)


def prove() -> None:
    """As if all mails that came were from who they say."""
    Message.objects.filter(kind="incoming").update(trust={"level": "verified", "why": []})


def test_always_counts_only_where_it_is_sure_who_wrote(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    assert f"/messages/{message.pk}/remote/" not in body(desk, message)
    desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"})
    assert not RemoteContent.objects.exists()
    prove()
    assert f"/messages/{message.pk}/remote/" in body(desk, message)
    desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"})
    assert "cdn.shop.example/lamp.jpg" in body(desk, message)
    forged = receive(mailbox, NEWSLETTER.replace(b"html@", b"second@")).messages.order_by("-pk")[0]
    assert "cdn.shop.example/lamp.jpg" not in body(desk, forged)


def test_always_is_for_this_sender_and_this_agent_until_it_is_taken_back(
    desk: Client, mailbox: Mailbox, admin: Agent, bob: Agent
) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    again = receive(mailbox, NEWSLETTER.replace(b"html@", b"second@")).messages.order_by("-pk")[0]
    prove()
    other = receive(
        mailbox, html_mail('<img src="https://cdn.other.example/x.jpg">', sender="x@other.example")
    ).messages
    assert desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"}).status_code == 302
    assert desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"}).status_code == 302
    assert RemoteContent.objects.get().email == ANN
    assert "cdn.shop.example/lamp.jpg" in body(desk, message)
    assert "cdn.shop.example/lamp.jpg" in body(desk, again)
    assert "cdn.other.example" not in body(desk, other.get())
    desk.force_login(admin)
    assert "cdn.shop.example/lamp.jpg" not in body(desk, message)
    desk.force_login(bob)
    assert desk.post(f"/messages/{message.pk}/remote/", {"allow": "0"}, **HTMX).status_code == 204
    assert "cdn.shop.example/lamp.jpg" not in body(desk, message)


def test_a_browser_never_shows_from_its_cache_what_is_allowed_no_longer(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    prove()
    desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"})
    shown = desk.get(f"/messages/{message.pk}/body/")
    assert "no-cache" in shown.headers["Cache-Control"]
    same = desk.get(f"/messages/{message.pk}/body/", HTTP_IF_NONE_MATCH=shown.headers["ETag"])
    assert same.status_code == 304
    assert same.headers["Content-Security-Policy"] == shown.headers["Content-Security-Policy"]
    desk.post(f"/messages/{message.pk}/remote/", {"allow": "0"})
    anew = desk.get(f"/messages/{message.pk}/body/", HTTP_IF_NONE_MATCH=shown.headers["ETag"])
    assert anew.status_code == 200
    assert "img-src 'self' data:;" in anew.headers["Content-Security-Policy"]


def test_a_sender_without_an_address_is_never_trusted(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    Message.objects.filter(pk=message.pk).update(author_email="")
    desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"})
    assert not RemoteContent.objects.exists()
    assert "cdn.shop.example" not in body(desk, message)


def test_nobody_allows_pictures_in_mails_that_he_may_not_read(
    desk: Client, mailbox: Mailbox, cas: Agent, support: Queue
) -> None:
    message = receive(mailbox, NEWSLETTER).messages.get()
    desk.force_login(cas)
    assert desk.post(f"/messages/{message.pk}/remote/", {"allow": "1"}).status_code == 404
    assert not RemoteContent.objects.exists()


def test_the_order_of_messages_at_the_same_moment_is_that_of_their_keys(
    desk: Client, ticket: Ticket, bob: Agent
) -> None:
    at = timezone.now()
    for number in range(30):
        Message.objects.create(ticket=ticket, kind=Message.Kind.NOTE, agent=bob, text=str(number), created_at=at)
    Ticket.objects.filter(pk=ticket.pk).update(message_count=31)
    html = page(desk, f"/tickets/{ticket.number}/")
    older = re.search(r'href="(/tickets/\d+/messages/[^"]+)"', html)
    assert older
    both = html + desk.get(older[1].replace("&amp;", "&"), **HTMX).content.decode()
    assert sorted(re.findall(r'id="message-(\d+)"', both)) == sorted(
        str(pk) for pk in ticket.messages.values_list("pk", flat=True)
    )

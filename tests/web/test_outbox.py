"""The composer's undo and send later, the outbox page, and who may do what there."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from postvak.models import (
    Agent,
    Channel,
    Delivery,
    DeliveryEvent,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Suppression,
    Ticket,
)
from postvak.send.deliver import send_due
from postvak.tickets.answer import Answer, answer
from postvak.web.desk.writing import presets
from tests.clock import Clock
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
ANN = "ann@customer.example"


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def ticket(desk: Client, mailbox: Mailbox) -> Ticket:
    return receive(mailbox, mail())


def known(html: str) -> str:
    return re.search(r'name="known" value="(\d+)"', html)[1]  # type: ignore[index]


def send(desk: Client, ticket: Ticket, **more: object) -> object:
    return desk.post(f"/tickets/{ticket.number}/answers/?in=open", {"to": ANN, "text": "Hello Ann", **more})


def fail(outgoing: OutgoingMail, state: str = "failed", said: str = "550 5.1.1 no such user") -> None:
    outgoing.deliveries.update(state=state, said=said, code=550)
    OutgoingMail.objects.filter(pk=outgoing.pk).update(next_attempt_at=None, attempts=1)


def outgoing_of(ticket: Ticket, by: Agent, to: str = ANN, **more: object) -> OutgoingMail:
    return answer(ticket, Answer(to=(to,), text="Hello", **more), by=by).outgoing  # type: ignore[arg-type]


# -- undo ----------------------------------------------------------------------------


def test_after_sending_the_toast_offers_undo_which_brings_text_and_files_back(
    desk: Client, ticket: Ticket, clock: Clock
) -> None:
    files = SimpleUploadedFile("label.pdf", b"%PDF-1.4 label", "application/pdf")
    assert send(desk, ticket, cc="amy@x.example", bcc="boss@x.example", status="closed", files=files).status_code == 302
    outgoing = OutgoingMail.objects.get()
    assert outgoing.next_attempt_at == clock.now + timedelta(seconds=10)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert f'action="/outgoing/{outgoing.pk}/undo/?in=open"' in html
    assert 'data-hide-after="10"' in html

    response = desk.post(f"/outgoing/{outgoing.pk}/undo/?in=open")
    assert response.headers["Location"].startswith(f"/tickets/{ticket.number}/?in=open&again={outgoing.message_id}")
    html = page(desk, response.headers["Location"].partition("#")[0])
    assert "Nobody got this mail." in html
    assert re.search(r"<textarea[^>]*>Hello Ann</textarea>", html)
    for field, value in (("to", ANN), ("cc", "amy@x.example"), ("bcc", "boss@x.example")):
        assert f'name="{field}" value="{value}"' in html
    assert '<input type="hidden" name="status" value="closed">' in html
    assert ">label.pdf</a>" in html
    (draft,) = re.findall(r'name="draft" value="(\d+)"', html)
    ticket.refresh_from_db()
    assert ticket.status.key == "new"

    assert send(desk, ticket, draft=draft).status_code == 302
    again = Message.objects.filter(kind="outgoing", taken_back_at=None).get()
    assert [(file.name, file.size) for file in again.attachments.all()] == [("label.pdf", 14)]


def test_undo_comes_too_late_when_the_mail_is_out(desk: Client, ticket: Ticket, clock: Clock) -> None:
    send(desk, ticket)
    clock.advance(seconds=10)
    send_due("test:1:x")
    desk.post(f"/outgoing/{OutgoingMail.objects.get().pk}/undo/")
    assert "It is too late" in page(desk, f"/tickets/{ticket.number}/")
    assert Delivery.objects.get().state == "accepted"


def test_without_undo_time_the_answer_is_due_at_once(desk: Client, bob: Agent, ticket: Ticket, clock: Clock) -> None:
    bob.undo_seconds = 0
    bob.save()
    send(desk, ticket)
    assert OutgoingMail.objects.get().next_attempt_at == clock.now
    assert "is on its way" in page(desk, f"/tickets/{ticket.number}/")


def test_only_files_of_mails_that_were_taken_back_on_this_ticket_can_be_kept(
    desk: Client, ticket: Ticket, mailbox: Mailbox, bob: Agent
) -> None:
    send(desk, ticket, files=SimpleUploadedFile("secret.txt", b"secret", "text/plain"))
    file = Message.objects.get(kind="outgoing").attachments.get()
    other = receive(mailbox, mail(message_id="o1@x.example", subject="Other", sender="x@other.example"))
    send(desk, other, kept=str(file.pk), to="x@other.example")
    assert not other.messages.get(kind="outgoing").attachments.exists()


# -- send later ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "own", "expected"),
    [
        ("tomorrow", "", "2026-03-29T08:00+02:00"),
        ("monday", "", "2026-03-30T08:00+02:00"),
        ("own", "2026-04-02T17:30", "2026-04-02T17:30+02:00"),
    ],
)
def test_presets_and_own_times_are_of_the_agents_clock_also_when_summer_begins(
    desk: Client, bob: Agent, ticket: Ticket, clock: Clock, later: str, own: str, expected: str
) -> None:
    bob.time_zone = "Europe/Berlin"
    bob.save()
    clock.now = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))  # a Saturday
    assert send(desk, ticket, later=later, own_time=own).status_code == 302
    outgoing = OutgoingMail.objects.get()
    assert outgoing.send_at == outgoing.next_attempt_at == datetime.fromisoformat(expected)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "Goes out" in html
    assert "Send now" in html
    assert "Answer goes out later" in page(desk, "/list/waiting/")


@pytest.mark.parametrize(("today", "monday"), [(23, 30), (24, 30), (29, 30)])
def test_monday_is_the_next_one_also_on_a_monday(clock: Clock, today: int, monday: int) -> None:
    clock.now = datetime(2026, 11, today, 12, tzinfo=UTC)
    assert presets()["monday"].day == monday
    assert presets()["tomorrow"].day == today + 1


@pytest.mark.parametrize("own", ["", "nonsense", "2026-02-31T10:00", "2020-01-01T10:00"])
def test_a_time_that_is_none_keeps_what_was_typed(desk: Client, ticket: Ticket, own: str) -> None:
    response = send(desk, ticket, later="own", own_time=own)
    assert response.status_code == 422
    assert "Hello Ann" in response.content.decode()
    assert not OutgoingMail.objects.exists()


# -- what stops once ----------------------------------------------------------------------------


def test_a_mail_that_came_meanwhile_is_shown_and_the_next_click_sends(
    desk: Client, ticket: Ticket, mailbox: Mailbox
) -> None:
    before = known(page(desk, f"/tickets/{ticket.number}/composer/"))
    raw = mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="It works <now>!")
    receive(mailbox, raw)
    wrong = send(desk, ticket, known=before, to="nonsense").content.decode()
    assert known(wrong) == before, "another mistake doesn't hide the new mail"
    response = send(desk, ticket, known=before)
    html = response.content.decode()
    assert response.status_code == 422
    assert "A new mail came while you were writing." in html
    assert "It works &lt;now&gt;!" in html
    assert "Send all the same" in html
    assert not OutgoingMail.objects.exists()
    assert send(desk, ticket, known=known(html)).status_code == 302


def test_an_address_that_mail_comes_back_from_warns_and_can_be_released(
    desk: Client, bob: Agent, ticket: Ticket, clock: Clock
) -> None:
    Suppression.objects.create(address=ANN, reason="bounced", since=clock.now, said="550 5.1.1 no such user")
    assert f"Mail to {ANN} has come back since" in page(desk, f"/tickets/{ticket.number}/composer/")
    response = send(desk, ticket)
    html = response.content.decode()
    assert response.status_code == 422
    assert "This address doesn&#39;t exist" in html
    assert f'name="despite" value="{ANN}"' in html
    assert send(desk, ticket, despite=ANN).status_code == 302
    desk.post(f"/tickets/{ticket.number}/released-addresses/", {"address": ANN})
    assert not Suppression.objects.exists()
    assert ticket.history.get(code="suppression_released").agent == bob


# -- the outbox page ----------------------------------------------------------------------------


def test_an_empty_outbox_says_so(desk: Client) -> None:
    assert "Nothing was sent yet" in page(desk, "/outbox/")
    assert "No mail fits" in page(desk, "/outbox/?state=failed&text=x")


def test_filters_find_mails_by_state_channel_text_time_and_agent(
    desk: Client, bob: Agent, admin: Agent, ticket: Ticket, clock: Clock
) -> None:
    fail(outgoing_of(ticket, bob, "failed@x.example"))
    outgoing_of(ticket, admin, "later@x.example", send_at=clock.now + timedelta(days=1))
    fail(outgoing_of(ticket, bob, "deferred@x.example"), "deferred", "451 4.7.1 greylisted")
    fail(outgoing_of(ticket, bob, "doubt@x.example"), "in_doubt", "")
    fail(outgoing_of(ticket, bob, "accepted@x.example"), "accepted", "250 ok")
    old = outgoing_of(ticket, bob, "queued@x.example")
    OutgoingMail.objects.filter(pk=old.pk).update(created_at=clock.now - timedelta(days=3))

    def shown(query: str) -> set[str]:
        return set(re.findall(r"<li><span>(\w+)@x.example", page(desk, f"/outbox/?{query}")))

    for state in ("failed", "later", "deferred", "accepted", "queued"):
        assert shown(f"state={state}") == {state}
    assert shown("state=attention") == {"failed", "doubt"}
    assert shown("text=DEFER") == {"deferred"}
    assert shown(f"text={ticket.number}&state=in_doubt") == {"doubt"}
    assert shown("time=day&mine=1") == {"failed", "deferred", "doubt", "accepted"}
    assert shown("channel=999") == set()
    assert len(shown("state=nonsense&time=nonsense&channel=x&before=x")) == 6


def test_a_row_explains_the_servers_words(desk: Client, bob: Agent, ticket: Ticket) -> None:
    fail(outgoing_of(ticket, bob))
    html = page(desk, "/outbox/")
    assert "550 5.1.1 no such user" in html
    assert "This address doesn&#39;t exist at the other server" in html
    assert "This address doesn&#39;t exist at the other server" in page(desk, f"/tickets/{ticket.number}/")


def test_the_navigation_counts_only_what_needs_a_person(desk: Client, bob: Agent, ticket: Ticket) -> None:
    def counted() -> str:
        found = re.search(r'title="Outbox".*?</a>', page(desk, "/"), re.DOTALL)
        assert found is not None
        return "".join(re.findall(r'count has">(\d+)<', found[0]))

    outgoing = outgoing_of(ticket, bob)
    assert counted() == ""
    fail(outgoing)
    assert counted() == "1"
    Message.objects.filter(pk=outgoing.message_id).update(author_kind="system")
    assert counted() == ""


def test_one_action_for_many_mails_each_logged_with_the_agent(desk: Client, bob: Agent, ticket: Ticket) -> None:
    mails = [outgoing_of(ticket, bob, f"{name}@x.example") for name in ("a", "b", "c")]
    for one in mails[:2]:
        fail(one)
    fail(mails[2], "accepted", "250 ok")
    keys = [str(one.pk) for one in mails]
    response = desk.post("/outbox/decisions/", {"mail": keys, "action": "retry", "state": "failed"})
    assert response.headers["Location"] == "/outbox/?state=failed"
    html = page(desk, "/outbox/")
    assert "2 mails are sent now." in html
    assert "Nothing could be done for 1 mail" in html
    assert [one.deliveries.get().state for one in mails] == ["queued", "queued", "accepted"]
    assert set(DeliveryEvent.objects.filter(kind="retry").values_list("agent", flat=True)) == {bob.pk}
    desk.post("/outbox/decisions/", {"mail": keys, "action": "stop"})
    assert [one.deliveries.get().state for one in mails] == ["cancelled", "cancelled", "accepted"]


def test_nobody_sees_or_changes_mails_of_other_queues(
    desk: Client, client: Client, cas: Agent, bob: Agent, admin: Agent, ticket: Ticket, channel: Channel
) -> None:
    outgoing = outgoing_of(ticket, bob)
    fail(outgoing, "deferred", "451 later")
    client.force_login(cas)
    assert ANN not in page(client, "/outbox/")
    client.post("/outbox/decisions/", {"mail": str(outgoing.pk), "action": "stop"})
    client.post(f"/outbox/channels/{channel.pk}/attempts/")
    assert not DeliveryEvent.objects.filter(kind__in=["retry", "cancelled"]).exists()
    client.force_login(admin)
    assert ANN in page(client, "/outbox/")
    client.post(f"/outbox/channels/{channel.pk}/attempts/")
    assert DeliveryEvent.objects.get(kind="retry").agent == admin


def test_a_recipient_is_corrected_from_the_page(desk: Client, bob: Agent, ticket: Ticket) -> None:
    outgoing = outgoing_of(ticket, bob)
    fail(outgoing)
    url, old = f"/outgoing/{outgoing.pk}/recipients/", outgoing.deliveries.get()
    back = "/outbox/?state=failed"
    response = desk.post(url, {"delivery": str(old.pk), "address": "new@x.example", "back": back})
    assert response.headers["Location"] == back
    assert dict(outgoing.deliveries.values_list("recipient", "state")) == {ANN: "cancelled", "new@x.example": "queued"}
    for elsewhere in ("//evil.example", "https://evil.example/outbox/", "/logout/"):
        response = desk.post(url, {"delivery": str(old.pk), "address": "x@x.example", "back": elsewhere})
        assert response.headers["Location"].startswith("/tickets/")
    assert desk.post(url, {"delivery": "999999", "address": "x@x.example"}).status_code == 404


def test_pages_follow_each_other_without_gap_and_cost_the_same(
    desk: Client, bob: Agent, support: Queue, ticket: Ticket, django_assert_max_num_queries: object
) -> None:
    first = outgoing_of(ticket, bob, "n000@x.example")
    blob, channel, now = first.blob, first.channel, first.created_at
    for number in range(1, 120):
        message = Message.objects.create(
            ticket=ticket, kind="outgoing", author_kind="agent", agent=bob, created_at=now, blob=blob
        )
        more = OutgoingMail.objects.create(message=message, channel=channel, blob=blob, created_at=now)
        Delivery.objects.create(outgoing=more, recipient=f"n{number:03d}@x.example", state="deferred", changed_at=now)
    seen: list[str] = []
    url = "/outbox/?state=deferred"
    page(desk, url)  # the first request of a session notes that it was used
    while url:
        with django_assert_max_num_queries(14):  # type: ignore[operator]
            html = page(desk, url)
        seen += re.findall(r"<li><span>(n\d+)@", html)
        older = re.search(r'rel="next" href="([^"]+)"', html)
        url = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"n{number:03d}" for number in range(119, 0, -1)]

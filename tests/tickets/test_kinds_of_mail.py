"""Answers, forwards, redirected and repeated mails, first mails: who gets what, and what the ticket is afterwards."""

import pytest

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.mail.parse import parse
from postvak.models import (
    Address,
    Agent,
    Attachment,
    Channel,
    Customer,
    CustomerAddress,
    History,
    Message,
    Organisation,
    OrganisationDomain,
    Queue,
    Ticket,
)
from postvak.models.draft import Draft
from postvak.send.deliver import send_due
from postvak.send.letter import newest_mail
from postvak.send.record import refresh_answer
from postvak.tickets.answer import Answer, CannotAnswer, answer
from postvak.tickets.first_mail import first_mail
from postvak.tickets.posting import Sending
from postvak.tickets.redirect import Redirect, redirect
from postvak.tickets.repeat import repeat
from postvak.tickets.second_look import NewDomain, Unfilled
from postvak.tickets.take_back import take_back
from postvak.web.desk.composer import newest_from_outside
from tests.mails import mail
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
ANN, AMY, CAS = "ann@customer.example", "amy@customer.example", "cas@partner.example"


@pytest.fixture
def ticket(receive: Receive, channel: Channel) -> Ticket:
    return receive(cc=AMY)


def raw(message: Message) -> bytes:
    return store.get(str(message.blob_id))


def everybody(message: Message) -> list[str]:
    return list(message.outgoing.deliveries.values_list("recipient", flat=True))


# -- answers ----------------------------------------------------------------------------


def test_the_html_of_the_editor_goes_out_clean_with_its_pictures_and_a_text_beside(ticket: Ticket, bob: Agent) -> None:
    lamp, gone = (
        File("lamp.png", "image/png", b"lamp", "a1@postvak"),
        File("gone.png", "image/png", b"gone", "a2@postvak"),
    )
    html = '<p onclick="x()">Press <b>this</b>: <img src="/drafts/1/files/1/" data-cid="a1@postvak"></p>'
    plan = File("plan.pdf", "application/pdf", b"%PDF")
    message = answer(ticket, Answer(to=(ANN,), html=html, files=(lamp, gone, plan)), by=bob)
    sent = parse(raw(message))
    assert '<p>Press <b>this</b>: <img src="cid:a1@postvak"></p>' in sent.html
    assert "onclick" not in sent.html
    assert sent.text.startswith("Press this:")
    assert [(one.name, one.is_inline) for one in sent.attachments] == [("lamp.png", True), ("plan.pdf", False)]
    assert (message.text, message.has_html) == ("Press this:", True)
    ticket.refresh_from_db()
    assert ticket.attachment_count == 1


def test_a_picture_that_is_nowhere_stops_the_mail(ticket: Ticket, bob: Agent) -> None:
    with pytest.raises(CannotAnswer, match="picture"):
        answer(ticket, Answer(to=(ANN,), html='<p>See <img data-cid="a9@postvak" src="/x/"></p>'), by=bob)


@pytest.mark.parametrize("own", ["support@example.org", "SUPPORT+ref@Example.org", "sales@example.org"])
def test_addresses_of_ours_are_left_out_whichever_they_are(ticket: Ticket, bob: Agent, sales: Queue, own: str) -> None:
    message = answer(ticket, Answer(to=(ANN, own), cc=(own,), bcc=(own, AMY), text="Hi"), by=bob)
    assert everybody(message) == [ANN, AMY]
    with pytest.raises(CannotAnswer, match="address of ours"):
        answer(ticket, Answer(to=(own,), text="Hi"), by=bob)


def test_an_older_mail_can_be_answered_and_is_the_one_that_is_quoted(
    receive: Receive, ticket: Ticket, bob: Agent
) -> None:
    old = ticket.messages.get()
    receive(subject=f"Re: [#{ticket.number}]", text="Another thing")
    sent = parse(raw(answer(ticket, Answer(to=(ANN,), text="Hi", about=old), by=bob)))
    assert sent.in_reply_to == (old.message_id,)
    assert "> Mail 1" in sent.text
    assert "Another thing" not in sent.text


def test_what_is_internal_is_never_quoted(ticket: Ticket, bob: Agent) -> None:
    inner = answer(ticket, Answer(to=(CAS,), text="Between us", kind="forward"), by=bob)
    sent = parse(raw(answer(ticket, Answer(to=(ANN,), text="Hi", about=inner), by=bob)))
    assert "Between us" not in sent.text + sent.html
    assert newest_mail(ticket) != inner


def test_an_agent_may_choose_the_sending_address(ticket: Ticket, bob: Agent, support: Queue) -> None:
    other = Address.objects.create(email="billing@example.org", display_name="Billing", queue=support)
    message = answer(ticket, Answer(to=(ANN,), text="Hi", address=other), by=bob)
    assert (message.author_email, message.outgoing.envelope_from.partition("@")[2]) == (other.email, "example.org")
    Address.objects.filter(pk=other.pk).update(is_valid=False)
    other.refresh_from_db()
    with pytest.raises(CannotAnswer, match="not valid"):
        answer(ticket, Answer(to=(ANN,), text="Hi", address=other), by=bob)


def test_a_new_outside_domain_stops_once_and_the_customers_company_does_not(ticket: Ticket, bob: Agent) -> None:
    acme = Organisation.objects.create(name="Acme")
    OrganisationDomain.objects.create(organisation=acme, domain="acme.example")
    Customer.objects.filter(pk=ticket.customer_id).update(organisation=acme)
    ticket = Ticket.objects.get(pk=ticket.pk)
    known = ticket.messages.get().pk
    answer(ticket, Answer(to=(ANN, "x@acme.example"), text="Hi", known=known), by=bob)
    with pytest.raises(NewDomain) as stopped:
        answer(ticket, Answer(to=(ANN,), bcc=(CAS,), text="Hi", known=known), by=bob)
    assert stopped.value.domains == ["partner.example"]
    again = Answer(to=(ANN,), bcc=(CAS,), text="Hi", known=known, despite=frozenset(stopped.value.despite))
    answer(ticket, again, by=bob)
    answer(ticket, Answer(to=(CAS,), text="Hi", known=known), by=bob)  # takes part now


@pytest.mark.parametrize(
    "change", [{"html": "<p>Dear {{ customer.first_name }}</p>"}, {"text": "x", "subject": "{{agent.name}}"}]
)
def test_a_placeholder_that_nothing_filled_stops_once(ticket: Ticket, bob: Agent, change: dict[str, str]) -> None:
    with pytest.raises(Unfilled, match=r"customer\.first_name|agent\.name"):
        answer(ticket, Answer(to=(ANN,), **change), by=bob)  # type: ignore[arg-type]
    answer(ticket, Answer(to=(ANN,), despite=frozenset({"placeholders"}), **change), by=bob)  # type: ignore[arg-type]


def test_tags_of_a_template_are_put_on_the_ticket(ticket: Ticket, bob: Agent) -> None:
    answer(ticket, Answer(to=(ANN,), text="Hi", tags=("returns",)), by=bob)
    assert [tag.name for tag in ticket.tags.all()] == ["returns"]


# -- forwards ----------------------------------------------------------------------------


def test_a_forward_has_the_mail_below_is_internal_and_leaves_the_customer_waiting(ticket: Ticket, bob: Agent) -> None:
    waiting = Ticket.objects.get(pk=ticket.pk).waiting_since
    message = answer(ticket, Answer(to=(CAS,), text="Can you help?", kind="forward", status_key=""), by=bob)
    sent = parse(raw(message))
    assert sent.subject == f"Fwd: The lamp flickers [#{ticket.number}]"
    assert "Can you help?" in sent.text
    assert "From: Ann Archer <ann@customer.example>" in sent.text
    assert "Mail 1" in sent.text
    assert "Mail 1" in sent.html
    assert (sent.in_reply_to, sent.references) == ((), ())
    assert (message.purpose, message.is_internal) == ("forward", True)
    ticket.refresh_from_db()
    assert (ticket.waiting_since, ticket.status.key, ticket.preview) == (waiting, "new", "Mail 1")
    assert History.objects.filter(code="forwarded", agent=bob).exists()


def test_a_forward_with_chosen_files_or_with_the_whole_mail(receive: Receive, channel: Channel, bob: Agent) -> None:
    boundary = 'multipart/mixed; boundary="b"'
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee files\r\n"
        '--b\r\nContent-Type: text/plain; name="a.txt"\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nfile a\r\n'
        '--b\r\nContent-Type: text/plain; name="b.txt"\r\nContent-Disposition: attachment; filename="b.txt"\r\n\r\nfile b\r\n--b--'
    )
    ticket = receive_raw(receive, boundary, body)
    about = ticket.messages.get()
    one = Attachment.objects.get(message=about, name="b.txt")
    some = answer(ticket, Answer(to=(CAS,), kind="forward", about=about, forwarded=(one,)), by=bob)
    assert [file.name for file in parse(raw(some)).attachments] == ["b.txt"]
    whole = answer(ticket, Answer(to=(CAS,), text="See", kind="forward", about=about, original="eml"), by=bob)
    assert raw(about) in raw(whole)
    assert "See files" not in parse(raw(whole)).text


def receive_raw(receive: Receive, content_type: str, body: str) -> Ticket:
    text = mail(text=body).decode().replace("Content-Type: text/plain; charset=utf-8", f"Content-Type: {content_type}")
    return receive(raw=text.encode())


def test_the_answer_of_a_third_party_comes_to_the_ticket(receive: Receive, ticket: Ticket, bob: Agent) -> None:
    message = answer(ticket, Answer(to=(CAS,), text="Can you help?", kind="forward"), by=bob)
    assert receive(sender=CAS, subject="AW: something", in_reply_to=f"<{message.message_id}>") == ticket


def test_what_a_third_party_says_is_neither_quoted_to_the_customer_nor_answered_by_itself(
    receive: Receive, ticket: Ticket, bob: Agent
) -> None:
    forward = answer(ticket, Answer(to=(CAS,), text="Can you help?", kind="forward"), by=bob)
    receive(sender=CAS, subject="AW", in_reply_to=f"<{forward.message_id}>", text="Tell nobody: it is the switch.")
    theirs = ticket.messages.get(author_email=CAS)
    receive(sender=CAS, subject="AW", references=f"<{forward.message_id}> <{theirs.message_id}>", text="Psst.")
    answer(ticket, Answer(to=(CAS,), text="Thanks", about=theirs), by=bob)
    first = ticket.messages.order_by("pk")[0]
    assert newest_mail(ticket) == first
    assert newest_from_outside(ticket) == first
    assert "nobody" not in parse(raw(answer(ticket, Answer(to=(ANN,), text="Press the switch."), by=bob))).text


def test_a_forward_that_failed_shows_on_the_ticket_and_one_that_arrived_hides_no_failed_answer(
    ticket: Ticket, bob: Agent
) -> None:
    answered = answer(ticket, Answer(to=(ANN,), text="Hi"), by=bob).outgoing
    forward = answer(ticket, Answer(to=(CAS,), text="Help", kind="forward"), by=bob).outgoing
    for bad, good in ((answered, forward), (forward, answered)):
        bad.deliveries.update(state="failed")
        good.deliveries.update(state="accepted")
        refresh_answer(ticket.pk)
        assert Ticket.objects.get(pk=ticket.pk).answer == "failed"
        bad.deliveries.update(state="accepted")
        refresh_answer(ticket.pk)
        assert Ticket.objects.get(pk=ticket.pk).answer == ""


def test_an_accepted_answer_clears_the_mark_beside_a_forward_that_failed_only_when_that_is_mended(
    ticket: Ticket, bob: Agent
) -> None:
    answer(ticket, Answer(to=(CAS,), text="Help", kind="forward"), by=bob).outgoing.deliveries.update(state="failed")
    answered = answer(ticket, Answer(to=(ANN,), text="Hi"), by=bob).outgoing
    while send_due("test:1:x"):
        pass
    assert answered.deliveries.get().state == "accepted"
    assert Ticket.objects.get(pk=ticket.pk).answer == "failed"


def test_a_forward_that_is_taken_back_changes_nothing_and_an_answer_after_it_stays(ticket: Ticket, bob: Agent) -> None:
    forward = answer(ticket, Answer(to=(CAS,), text="Help", kind="forward", status_key=""), by=bob)
    answered = answer(ticket, Answer(to=(ANN,), text="We look at it"), by=bob)
    take_back(forward.outgoing, by=bob)
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.waiting_since) == ("customer", None)
    take_back(answered.outgoing, by=bob)
    ticket.refresh_from_db()
    assert ticket.status.key == "new"
    assert ticket.waiting_since is not None


# -- redirected, sent again ----------------------------------------------------------------------------


def test_a_redirected_mail_is_the_original_and_its_answer_goes_to_its_author(ticket: Ticket, bob: Agent) -> None:
    about = ticket.messages.get()
    message = redirect(ticket, Redirect(about=about, to=[CAS], status_key="closed"), by=bob)
    assert raw(message).endswith(raw(about))
    assert raw(message).startswith(b"Resent-Date: ")
    assert (message.purpose, message.is_internal, everybody(message)) == ("redirect", True, [CAS])
    assert message.message_id in raw(message).decode()
    ticket.refresh_from_db()
    assert ticket.status.key == "closed"
    with pytest.raises(CannotAnswer, match="came in"):
        redirect(ticket, Redirect(about=message, to=[CAS]), by=bob)
    with pytest.raises(CannotAnswer, match="address of ours"):
        redirect(ticket, Redirect(about=about, to=["support@example.org"]), by=bob)


def test_a_mail_of_ours_goes_again_to_the_same_people_blind_ones_too(ticket: Ticket, bob: Agent) -> None:
    first = answer(ticket, Answer(to=(ANN,), cc=(AMY,), bcc=("boss@customer.example",), text="Hi"), by=bob)
    again = repeat(first, (), Sending(), by=bob)
    assert sorted(everybody(again)) == sorted(everybody(first))
    old, new = parse(raw(first)), parse(raw(again))
    assert new.message_id != old.message_id
    assert (new.references, new.text, new.to, new.cc) == (old.references, old.text, old.to, old.cc)
    assert b"boss@" not in raw(again)
    assert again.purpose == "again"
    other = repeat(first, [CAS], Sending(), by=bob)
    assert everybody(other) == [CAS]
    assert b"amy@" not in raw(other).partition(b"\r\n\r\n")[0]


def test_what_an_agent_took_back_or_a_customer_wrote_is_not_sent_again(ticket: Ticket, bob: Agent) -> None:
    first = answer(ticket, Answer(to=(ANN,), text="Hi"), by=bob)
    take_back(first.outgoing, by=bob)
    first.refresh_from_db()
    for message in (first, ticket.messages.order_by("pk")[0]):
        with pytest.raises(CannotAnswer):
            repeat(message, (), Sending(), by=bob)


# -- the first mail ----------------------------------------------------------------------------


def test_a_first_mail_opens_a_ticket_that_waits_for_its_customer(support: Queue, channel: Channel, bob: Agent) -> None:
    acme = Organisation.objects.create(name="Acme")
    OrganisationDomain.objects.create(organisation=acme, domain="partner.example")
    message = first_mail(support, Answer(to=(CAS,), cc=(AMY,), subject="Your order", html="<p>Hello</p>"), by=bob)
    ticket = message.ticket
    assert (ticket.status.key, ticket.queue, ticket.assignee, ticket.waiting_since) == ("customer", support, bob, None)
    customer = CustomerAddress.objects.get(email=CAS).customer
    assert (ticket.customer, customer.organisation, customer.name) == (customer, acme, "cas")
    assert [one.customer.addresses.get().email for one in ticket.participants.all()] == [AMY]
    assert parse(raw(message)).subject == f"Your order [#{ticket.number}]"
    ticket.refresh_from_db()
    assert (message.purpose, message.has_html, ticket.message_count) == ("first", True, 1)
    assert [line.code for line in ticket.history.all()] == ["first_mail", "status"]


def test_a_known_customer_is_found_and_his_answer_comes_to_the_ticket(
    receive: Receive, ticket: Ticket, support: Queue, bob: Agent
) -> None:
    message = first_mail(support, Answer(to=(ANN.upper(),), subject="News", text="Hello"), by=bob)
    assert message.ticket.customer == ticket.customer
    assert receive(in_reply_to=f"<{message.message_id}>", subject="Re: News") == message.ticket


@pytest.mark.parametrize(
    ("change", "field"),
    [({"to": ()}, "to"), ({"subject": " "}, "subject"), ({"text": ""}, "text"), ({"to": ("support@example.org",)}, "to"),
     ({"text": "{{ agent.name }}"}, "text"), ({"status_key": "odd"}, "status")],
)  # fmt: skip
def test_a_first_mail_that_lacks_something_leaves_no_trace(
    support: Queue, channel: Channel, bob: Agent, change: dict[str, object], field: str
) -> None:
    what = {"to": (CAS,), "subject": "Order", "text": "Hello", **change}
    with pytest.raises(CannotAnswer) as refused:
        first_mail(support, Answer(**what), by=bob)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert not Ticket.objects.exists()
    assert not Customer.objects.exists()


def test_the_draft_that_was_sent_is_gone_and_nobody_sends_it_twice(ticket: Ticket, bob: Agent) -> None:
    draft = Draft.objects.create(agent=bob, ticket=ticket, changed_at=ticket.created_at, text="Hi")
    what = Answer(to=(ANN,), text="Hi", draft=draft.pk)
    answer(ticket, what, by=bob)
    assert not Draft.objects.exists()
    with pytest.raises(CannotAnswer, match="another window"):
        answer(ticket, what, by=bob)
    assert ticket.messages.filter(kind="outgoing").count() == 1

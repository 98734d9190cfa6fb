"""Events of mail providers: believed only with their proof, written once, and a state goes where the mail really is."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from postvak.models import (
    Agent,
    Brand,
    Channel,
    Delivery,
    DeliveryEvent,
    Mailbox,
    OutgoingMail,
    Queue,
    Status,
    Suppression,
    Ticket,
)
from postvak.send.provider_session import mark_of
from postvak.send.providers import PASSWORD, provider_settings, set_provider_settings
from postvak.send.suppress import suppress_returned
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import set_status
from tests.mails import mail
from tests.send.answering import AMY, ANN, receive

pytestmark = pytest.mark.django_db

SECRET = "mailgun-signing-key"
Tell = Callable[..., int]


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    found = receive(mailbox, mail()).ticket
    assert found is not None
    return Ticket.objects.get(pk=found.pk)


def make(provider: str, **values: str) -> Channel:
    channel = Channel(name=provider, kind=Channel.Kind.PROVIDER, provider=provider, is_default=True)
    set_provider_settings(channel, values)
    channel.save()
    return channel


def sent(ticket: Ticket, bob: Agent, remote_id: str = "pm-1", *, cc: tuple[str, ...] = ()) -> OutgoingMail:
    """An answer that the provider has taken."""
    outgoing = answer(Ticket.objects.get(pk=ticket.pk), Answer(to=(ANN,), cc=cc, text="Hi"), by=bob).outgoing
    outgoing.deliveries.update(state="accepted", remote_id=remote_id)
    OutgoingMail.objects.filter(pk=outgoing.pk).update(next_attempt_at=None)
    Ticket.objects.filter(pk=ticket.pk).update(answer="", is_unread=False)
    return OutgoingMail.objects.get(pk=outgoing.pk)


def basic(channel: Channel, password: str = "") -> str:
    word = password or provider_settings(channel)[PASSWORD]
    return "Basic " + base64.b64encode(f"postvak:{word}".encode()).decode()


def post(client: Client, channel: Channel, body: object, **headers: str) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/hooks/{channel.pk}/", raw, content_type="application/json", headers=headers).status_code


def bounce(**more: object) -> dict[str, object]:
    return {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 42,
        "MessageID": "pm-1",
        "Email": ANN,
        "BouncedAt": "2026-10-22T09:00:00Z",
        "Details": "smtp;550 5.1.1 The email account does not exist",
        "Description": "The server was unable to deliver your message.",
    } | more


def delivered(**more: object) -> dict[str, object]:
    return {
        "RecordType": "Delivery",
        "MessageID": "pm-1",
        "Recipient": ANN,
        "DeliveredAt": "2026-10-22T08:00:00Z",
        "Details": "250 2.0.0 OK",
    } | more


@pytest.fixture
def postmark(db: None) -> Channel:
    return make("postmark", server_token="t")


@pytest.fixture
def tell(client: Client, postmark: Channel) -> Tell:
    """Postmark's events, with its password."""

    def tells(body: object) -> int:
        return post(client, postmark, body, Authorization=basic(postmark))

    return tells


def state(recipient: str = ANN) -> str:
    return Delivery.objects.get(recipient=recipient).state


def story() -> list[str]:
    return list(DeliveryEvent.objects.exclude(source_id="").values_list("kind", flat=True))


# -- who is believed ------------------------------------------------------------


def test_an_event_without_the_password_writes_nothing(
    client: Client, postmark: Channel, ticket: Ticket, bob: Agent
) -> None:
    sent(ticket, bob)
    assert post(client, postmark, bounce()) == 401
    assert post(client, postmark, bounce(), Authorization=basic(postmark, "guessed")) == 403
    assert post(client, postmark, bounce(), Authorization="Basic %%%") == 403
    assert post(client, postmark, bounce(), Authorization="Bearer x") == 403
    assert (state(), story()) == ("accepted", [])


def mailgun_event(secret: str = SECRET, *, event: str = "failed", **data: object) -> dict[str, Any]:
    stamp, token = "1792660000", "a" * 50
    signature = hmac.new(secret.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    what = {
        "event": event,
        "id": "e-1",
        "timestamp": 1792660000.5,
        "recipient": ANN,
        "severity": "permanent",
        "reason": "bounce",
        "message": {"headers": {"message-id": "mg.1@example.org"}},
        "delivery-status": {"code": 550, "message": "5.1.1 no such user", "description": ""},
        "user-variables": {},
    }
    return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": what | data}


def test_mailgun_signs_and_a_forged_signature_is_not_believed(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("mailgun", api_key="k", webhook_signing_key=SECRET)
    sent(ticket, bob, "<mg.1@example.org>")
    assert post(client, channel, mailgun_event("other key")) == 403
    assert post(client, channel, {"signature": 1}) == 403
    assert post(client, channel, b"\xff{") == 403
    assert story() == []
    assert post(client, channel, mailgun_event()) == 200
    assert post(client, channel, mailgun_event()) == 200
    assert (state(), story()) == ("bounced", ["bounced"])


def test_a_channel_without_a_signing_key_believes_nobody(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("mailgun", api_key="k")
    sent(ticket, bob, "<mg.1@example.org>")
    assert post(client, channel, mailgun_event("k")) == 403
    assert story() == []


def test_sendgrid_signs_with_a_key_pair(client: Client, ticket: Ticket, bob: Agent) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    channel = make("sendgrid", api_key="k", tracking_webhook_verification_key="".join(pem.decode().split("\n")[1:-2]))
    outgoing = sent(ticket, bob, "")
    events = [
        {"event": "delivered", "email": ANN, "timestamp": 1792660000, "sg_event_id": "1", "response": "250 OK"}
        | {"postvak": mark_of(outgoing), "anymail_id": "x", "smtp-id": "<y>"}
    ]
    raw, stamp = json.dumps(events).encode(), "1792660000"
    signature = base64.b64encode(private.sign(stamp.encode() + raw, ec.ECDSA(hashes.SHA256()))).decode()
    names = ("X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp")
    assert post(client, channel, raw) == 403
    assert post(client, channel, raw + b" ", **dict(zip(names, (signature, stamp), strict=True))) == 403
    assert story() == []
    assert post(client, channel, raw, **dict(zip(names, (signature, stamp), strict=True))) == 200
    assert state() == "delivered"


def test_a_wrong_key_that_an_administrator_typed_is_no_crash(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("postal", api_key="k", api_url="http://x/", webhook_key="nonsense")
    assert post(client, channel, {}, **{"X-Postal-Signature": "AAAA"}) == 403


def test_another_channel_another_kind_and_no_channel_are_all_refused(client: Client, postmark: Channel) -> None:
    Channel.objects.create(pk=501, name="Files", kind=Channel.Kind.FILE)
    scaleway = Channel.objects.create(pk=502, name="S", kind=Channel.Kind.PROVIDER, provider="scaleway")
    unknown = Channel.objects.create(pk=503, name="U", kind=Channel.Kind.PROVIDER, provider="carrier-pigeon")
    for pk in (501, scaleway.pk, unknown.pk, 999):
        assert client.post(f"/hooks/{pk}/", b"{}", content_type="application/json").status_code == 403
    assert client.get(f"/hooks/{postmark.pk}/").status_code == 405
    assert client.head(f"/hooks/{postmark.pk}/").status_code == 200


def test_events_of_a_channel_speak_of_its_own_mails_only(client: Client, ticket: Ticket, bob: Agent) -> None:
    postmark = make("postmark", server_token="t")
    sent(ticket, bob)
    Channel.objects.update(is_default=False)
    other = make("brevo", api_key="k")
    event = {"event": "hard_bounce", "email": ANN, "message-id": "pm-1", "ts_epoch": 1792660000000}
    assert post(client, other, event, Authorization=basic(other)) == 200
    assert (state(), story()) == ("accepted", [])
    assert post(client, postmark, bounce(), Authorization=basic(postmark)) == 200
    assert state() == "bounced"


def test_a_large_body_and_nonsense_are_refused(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    assert tell(b"[" + b" " * 6_000_000 + b"]") == 413
    assert tell(b"{}") == 200
    assert tell(b"[]") == 400
    assert tell(b"not json") == 400
    assert tell({"RecordType": "Bounce", "Type": ["odd"]}) == 400
    assert tell({"RecordType": "Bounce", "BouncedAt": 7}) == 400
    assert story() == []


# -- what becomes of the delivery ------------------------------------------------------------


def test_a_bounce_opens_the_ticket_and_fills_the_suppression_list(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    set_status(ticket, Status.objects.get(key="closed"), by=bob)
    assert tell(bounce()) == 200
    ticket.refresh_from_db()
    assert (state(), ticket.status.key, ticket.answer, ticket.is_unread) == ("bounced", "open", "failed", True)
    assert ticket.history.filter(code="delivery_failed", parameters__recipient=ANN).count() == 1
    event = DeliveryEvent.objects.exclude(source_id="").get()
    assert (event.kind, event.at) == ("bounced", datetime(2026, 10, 22, 9, tzinfo=UTC))
    assert (
        event.said == "smtp;550 5.1.1 The email account does not exist – The server was unable to deliver your message."
    )
    suppress_returned(timezone.now())
    assert Suppression.objects.get().address == ANN


def test_an_event_that_is_told_again_is_written_once(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    for _again in range(3):
        assert tell(bounce()) == 200
    assert story() == ["bounced"]
    assert Ticket.objects.get(pk=ticket.pk).history.filter(code="delivery_failed").count() == 1


def test_late_news_do_not_undo_what_is_known(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    assert tell(delivered()) == 200
    assert state() == "delivered"
    assert tell(bounce(Type="Transient", ID=43, BouncedAt="2026-10-22T08:30:00Z")) == 200
    assert (state(), story()[-1]) == ("delivered", "delayed")
    assert tell(bounce()) == 200
    assert state() == "bounced"
    assert tell(delivered(DeliveredAt="2026-10-22T08:59:00Z")) == 200
    assert state() == "bounced"
    assert tell(delivered(DeliveredAt="2026-10-22T09:30:00Z")) == 200
    assert state() == "delivered"
    assert Ticket.objects.get(pk=ticket.pk).answer == ""


def test_a_complaint_is_the_last_word_and_suppresses(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    complaint = {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": ANN, "MessageID": "pm-1", "ID": 9}
    assert tell(complaint | {"BouncedAt": "2026-10-22T10:00:00Z"}) == 200
    assert tell(delivered(DeliveredAt="2026-10-22T11:00:00Z")) == 200
    assert state() == "complained"
    suppress_returned(timezone.now())
    assert Suppression.objects.get().reason == "complained"


def test_what_was_stopped_stays_stopped(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    Delivery.objects.update(state="cancelled")
    assert tell(bounce()) == 200
    assert (state(), story()) == ("cancelled", ["bounced"])


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        ("SoftBounce", "smtp;452 4.2.2 mailbox full", "bounced"),
        ("SoftBounce", "550 5.1.1 user unknown", "bounced"),
        ("Blocked", "", "blocked"),
        ("HardBounce", "554 5.7.1 listed at zen.spamhaus.org", "blocked"),
        ("DMARCPolicy", "", "blocked"),
    ],
)
def test_what_is_soft_or_policy_does_not_suppress(
    tell: Tell, ticket: Ticket, bob: Agent, kind: str, details: str, expected: str
) -> None:
    sent(ticket, bob)
    assert tell(bounce(Type=kind, Details=details, Description="")) == 200
    suppress_returned(timezone.now())
    assert (state(), Suppression.objects.count()) == (expected, 0)
    assert Ticket.objects.get(pk=ticket.pk).answer == "failed"


def test_only_the_recipient_of_the_event_is_concerned(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob, cc=(AMY,))
    assert tell(bounce(Email=AMY.upper())) == 200
    assert (state(ANN), state(AMY)) == ("accepted", "bounced")
    assert tell(bounce(Email="", ID=2, BouncedAt="2026-10-22T09:00:01Z")) == 200
    assert tell(bounce(Email="stranger@customer.example", ID=3)) == 200
    assert (state(ANN), story()) == ("accepted", ["bounced"])


def test_our_mark_finds_a_mail_whose_answer_never_came(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    outgoing = sent(ticket, bob, "")
    outgoing.deliveries.update(state="in_doubt", resent=True)
    forged = {"postvak": f"{outgoing.pk}-0000000000000000"}
    assert tell(delivered(Metadata=forged)) == 200
    assert state() == "in_doubt"
    assert tell(delivered(Metadata={"postvak": mark_of(outgoing)})) == 200
    delivery = outgoing.deliveries.get()
    assert (delivery.state, delivery.remote_id) == ("delivered", "pm-1")


def test_a_doubtful_mail_that_the_provider_has_is_not_sent_again(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("brevo", api_key="k")
    outgoing = sent(ticket, bob, "")
    outgoing.deliveries.update(state="deferred", resent=True)
    OutgoingMail.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=10))
    event = {"event": "request", "email": ANN, "message-id": "<b1>", "ts_epoch": 1792660000000}
    event["X-Mailin-custom"] = json.dumps({"postvak": mark_of(outgoing)})
    assert post(client, channel, event, Authorization=basic(channel)) == 200
    assert state() == "accepted"


def test_opened_and_clicked_are_only_kept_where_the_brand_wants_them(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    opened = {"RecordType": "Open", "MessageID": "pm-1", "Recipient": ANN, "ReceivedAt": "2026-10-22T10:00:00Z"}
    clicked = opened | {"RecordType": "Click", "OriginalLink": "https://example.org/manual"}
    assert tell(opened) == 200
    assert story() == []
    Brand.objects.update(tracks_opening=True)
    assert tell(opened) == tell(clicked) == 200
    assert (state(), story()) == ("accepted", ["opened", "clicked"])
    assert DeliveryEvent.objects.get(kind="clicked").said == "https://example.org/manual"


def test_an_event_of_the_future_is_dated_now(tell: Tell, ticket: Ticket, bob: Agent) -> None:
    sent(ticket, bob)
    assert tell(delivered(DeliveredAt="2199-01-01T00:00:00Z")) == 200
    assert DeliveryEvent.objects.exclude(source_id="").get().at <= timezone.now()


def test_amazon_is_asked_for_its_password_and_its_bounce_is_read(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("amazon_ses", access_key="a", secret_key="b", region="eu-west-1")
    outgoing = sent(ticket, bob, "ses-1")
    told = {
        "eventType": "Bounce",
        "mail": {"messageId": "ses-1", "destination": [ANN], "tags": {"postvak": [mark_of(outgoing)]}},
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": ANN, "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
        },
    }
    body = {
        "Type": "Notification",
        "MessageId": "n-1",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:SES",
        "Timestamp": "2026-10-22T09:00:00.000Z",
        "Message": json.dumps(told),
    }
    names = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "n-1"}
    assert post(client, channel, body, **names) == 401
    assert post(client, channel, body, Authorization=basic(channel), **names) == 200
    assert state() == "bounced"

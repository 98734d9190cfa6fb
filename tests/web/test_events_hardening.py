"""Odd bodies at the hook: what can't be stored or understood costs one event, never the others behind it."""

import logging

import pytest
from django.test import Client

from postvak.models import Agent, Brand, Channel, Delivery, DeliveryEvent, Mailbox, Receipt, Ticket
from tests.send.answering import ANN
from tests.web.test_events import SECRET, Tell, basic, bounce, delivered, make, post, postmark, sent, tell, ticket
from tests.web.test_inbound_provider import basic as provider_password
from tests.web.test_inbound_provider import door, post_json

__all__ = ["door", "postmark", "tell", "ticket"]  # fixtures
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_characters_that_no_database_holds_stop_nothing(tell: Tell, ticket: Ticket, bob: Agent, odd: str) -> None:
    Brand.objects.update(tracks_opening=True)
    sent(ticket, bob)
    click = {
        "RecordType": "Click", "MessageID": "pm-1", "Recipient": ANN, "ReceivedAt": "2026-10-22T09:00:00Z",
        "OriginalLink": f"https://x.example/{odd}",
    }  # fmt: skip
    assert tell(click) == 200
    assert tell(bounce(MessageID=f"pm-{odd}", Metadata={"postvak": f"1-{odd}"})) == 200
    assert tell(bounce(Email=f"ann{odd}@customer.example")) == 200
    assert tell(bounce(Details=f"550 5.1.1 {odd}")) == 200
    assert Delivery.objects.get().state == "bounced"
    assert DeliveryEvent.objects.filter(kind="clicked").exists()


def test_an_event_that_makes_no_sense_does_not_stop_those_behind_it(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("sparkpost", api_key="k")
    sent(ticket, bob)
    odd, good = (
        {"msys": {"message_event": {"type": "bounce", "rcpt_to": ANN, "transmission_id": "pm-1"} | more}}
        for more in ({"timestamp": "-62135596800"}, {"timestamp": "1792660000", "raw_reason": "550 5.1.1 unknown"})
    )
    assert post(client, channel, [odd, good], Authorization=basic(channel)) == 200
    assert Delivery.objects.get().state == "bounced"


def test_a_time_that_no_clock_shows_is_nonsense(client: Client, ticket: Ticket, bob: Agent) -> None:
    channel = make("brevo", api_key="k")
    sent(ticket, bob)
    odd = {"event": "hard_bounce", "email": ANN, "message-id": "pm-1", "ts_epoch": 10**40}
    assert post(client, channel, odd, Authorization=basic(channel)) == 400


@pytest.mark.parametrize("provider", ["postmark", "amazon_ses", "mailgun", "brevo", "resend"])
def test_a_body_nested_without_end_is_refused(client: Client, provider: str) -> None:
    values = {"webhook_signing_key": SECRET} if provider == "mailgun" else {"access_key": "a", "secret_key": "s"}
    channel = make(provider, **values)
    client.raise_request_exception = False
    headers = {} if provider == "mailgun" else {"Authorization": basic(channel)}
    assert post(client, channel, b"[" * 200_000, **headers) in (400, 403)


def test_a_stranger_fills_no_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    channel = make("amazon_ses", access_key="a", secret_key="s")
    caplog.set_level(logging.WARNING, "postvak.send")
    body = b'{"Type": "x\\nERROR forged line", "a": "' + b"x" * 100_000 + b'"}'
    assert post(client, channel, body, Authorization="Basic bm86bm8=") == 403
    assert post(client, channel, b"x" * 100_000, Authorization="Basic bm86bm8=") == 403
    assert len(caplog.text) < 2000
    assert "\nERROR forged" not in caplog.text


def test_a_stranger_reports_nothing_for_the_channel(
    client: Client, postmark: Channel, ticket: Ticket, bob: Agent
) -> None:
    sent(ticket, bob)
    assert post(client, postmark, delivered()) == 401
    assert Delivery.objects.get().state == "accepted"


# -- mail that a provider passes on ------------------------------------------------------------


def test_an_envelope_that_no_database_holds_loses_no_mail(door: Mailbox) -> None:
    assert (
        post_json(
            "postal",
            {"message": "Subject: x\r\n\r\ny", "mail_from": "a\0b@x.example", "rcpt_to": "c\0\ud800@x.example"},
        )
        == 200
    )
    assert Receipt.objects.get().envelope_from == "ab@x.example"


def test_a_wrapping_nested_without_end_is_refused(door: Mailbox) -> None:
    raw = b"[" * 200_000
    headers = provider_password()
    reply = Client(raise_request_exception=False).post(
        "/api/v1/mail/postal", raw, content_type="application/json", headers=headers
    )
    assert reply.status_code == 422

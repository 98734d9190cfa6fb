"""Amazon SES, played by moto: the frozen bytes arrive there, and its refusals mean what they should."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from postvak.models import Channel, OutgoingMail
from postvak.send import outbox
from postvak.send.providers import set_provider_settings
from tests.send.answering import AMY, ANN, BOSS, Write, send_everything, states

pytestmark = pytest.mark.django_db
REGION = "eu-central-1"


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        channel = Channel(name="SES", kind=Channel.Kind.PROVIDER, provider="amazon_ses", is_default=True)
        set_provider_settings(channel, {"access_key": "AKIA1", "secret_key": "very-secret", "region": REGION})
        channel.save()
        yield channel


def verify(domain: str = "example.org") -> None:
    boto3.client("sesv2", REGION, aws_access_key_id="a", aws_secret_access_key="b").create_email_identity(
        EmailIdentity=domain
    )


def arrived() -> list[Any]:
    found: list[Any] = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    return found


def test_amazon_gets_the_frozen_bytes_and_the_envelope_beside_them(amazon: Channel, write: Write) -> None:
    verify()
    outgoing = write(ANN, cc=(AMY,), bcc=(BOSS,))
    frozen = outbox.raw_mail(OutgoingMail.objects.get(pk=outgoing.pk))
    send_everything()
    (sent,) = arrived()
    assert sent.raw_data.encode() == frozen
    assert sent.destinations[:3] == [ANN, AMY, BOSS]  # moto adds those of the headers
    assert BOSS.encode() not in frozen
    assert states(outgoing) == dict.fromkeys((ANN, AMY, BOSS), "accepted")
    assert set(outgoing.deliveries.values_list("remote_id", flat=True)) == {sent.id}


def test_an_address_that_amazon_does_not_know_is_the_fault_of_this_mail(amazon: Channel, write: Write) -> None:
    outgoing = write()
    send_everything()
    amazon.refresh_from_db()
    assert (states(outgoing), amazon.paused_until) == ({ANN: "failed"}, None)
    assert "MessageRejected" in outgoing.deliveries.get().said

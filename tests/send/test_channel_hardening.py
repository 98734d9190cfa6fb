"""Providers that behave badly, and settings that were typed badly: no mail twice, none lost, no secret given away."""

import ssl
from collections.abc import Callable, Iterator
from threading import Thread
from time import monotonic

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from urllib3.connection import HTTPConnection

from postvak.mail.dkim_record import Finding
from postvak.models import Agent, Channel, Mailbox, SigningKey, Ticket
from postvak.net.dns_records import Lookup, Texts
from postvak.send import provider_session, signing_keys
from postvak.send.outbox import raw_mail
from postvak.send.providers import set_provider_settings
from postvak.send.signing import CannotSign, header_lines, sign
from postvak.send.signing_keys import make_key
from postvak.tickets.redirect import Redirect, redirect
from tests.clock import Clock
from tests.send.answering import AMY, ANN, BOSS, Write, kinds, mark, receive, send_everything, states
from tests.send.test_providers import VALUES
from tests.servers import provider_api as play
from tests.servers.provider_api import ProviderApi, Reply

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
Through = Callable[..., Channel]


@pytest.fixture
def api() -> Iterator[ProviderApi]:
    with ProviderApi.running() as running:
        yield running


@pytest.fixture
def through(api: ProviderApi) -> Through:
    def makes(key: str, **more: str) -> Channel:
        channel = Channel(name=f"Via {key}", kind=Channel.Kind.PROVIDER, provider=key, is_default=True)
        set_provider_settings(channel, VALUES | {"api_url": api.url} | more)
        channel.save()
        api.answers = getattr(play, key, play.postmark)
        return channel

    return makes


def test_a_redirection_gets_neither_mail_nor_key(api: ProviderApi, through: Through, write: Write) -> None:
    """Whoever answers in the provider's place would name another server, and have the key."""
    with ProviderApi.running() as thief:
        channel = through("postmark")
        api.replies = [Reply(307, {}, location=thief.url), Reply(302, {}, location=thief.url)]
        outgoing = write(ANN)
        send_everything()
        assert thief.asked == []
    channel.refresh_from_db()
    assert states(outgoing) == {ANN: "deferred"}
    assert (channel.last_problem, len(api.asked)) == ("rejected", 1)


def test_an_address_that_ends_like_the_refused_one_is_not_refused(
    api: ProviderApi, through: Through, write: Write
) -> None:
    through("mailgun")
    longer = f"jo.{ANN}"
    api.replies = [Reply(400, {"message": f"to parameter is not a valid address: {longer}."})]
    outgoing = write(ANN, cc=(longer, AMY))
    send_everything()
    assert states(outgoing) == {ANN: "accepted", longer: "failed", AMY: "accepted"}


def test_what_is_known_stays_when_the_request_for_the_rest_fails(
    api: ProviderApi, through: Through, write: Write, clock: Clock
) -> None:
    """One is named as refused, the second request isn't let in: the refusal stays, the other waits."""
    through("mailgun")
    api.replies = [
        Reply(400, {"message": f"to parameter is not a valid address: {AMY}"}),
        Reply(401, {"message": "Forbidden"}),
    ]
    outgoing = write(ANN, cc=(AMY,))
    send_everything()
    assert states(outgoing) == {ANN: "deferred", AMY: "failed"}


def test_a_key_with_a_letter_that_no_header_can_have_is_the_channels_fault(
    api: ProviderApi, through: Through, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    """Copied with an invisible blank: nothing was sent, so nothing is in doubt."""
    channel = through("postmark", server_token="token-\u200bvery-secret")
    outgoing = write(ANN)
    send_everything()
    channel.refresh_from_db()
    assert states(outgoing) == {ANN: "deferred"}
    assert channel.last_problem == "login_refused"
    assert (api.asked, "very-secret" in channel.last_said + caplog.text) == ([], False)


@pytest.mark.parametrize("more", [{"region": "eu west 1"}, {"endpoint_url": "not an address"}])
def test_settings_that_the_library_refuses_pause_the_channel(
    through: Through, write: Write, more: dict[str, str]
) -> None:
    channel = through("amazon_ses", access_key="AK", **more)
    outgoing = write(ANN)
    send_everything()
    channel.refresh_from_db()
    assert states(outgoing) == {ANN: "deferred"}
    assert channel.last_problem == "rejected"


def test_many_hidden_recipients_do_not_outlive_the_lease(
    api: ProviderApi, through: Through, write: Write, clock: Clock, monkeypatch: pytest.MonkeyPatch, ticket: Ticket
) -> None:
    """One request for each: what doesn't fit into the time of a mail waits for the next attempt."""
    through("postmark")
    hidden = tuple(f"hidden{number}@customer.example" for number in range(4))
    outgoing = write(ANN, bcc=hidden)
    outgoing.deliveries.filter(recipient=ANN).update(state="accepted")
    seconds = iter(range(0, 10_000, provider_session.PATIENCE + 1))
    monkeypatch.setattr(provider_session, "monotonic", lambda: next(seconds))
    send_everything()
    found = states(outgoing)
    assert found[hidden[0]] == "accepted"
    assert [found[one] for one in hidden[1:]] == ["deferred"] * 3
    assert len(api.asked) == 1
    monkeypatch.setattr(provider_session, "monotonic", monotonic)
    clock.advance(minutes=2)
    send_everything()
    assert set(states(outgoing).values()) == {"accepted"}
    assert sorted(asked.json["To"] for asked in api.asked) == sorted(hidden)
    assert mark(ticket) == ""
    assert BOSS not in states(outgoing)


def test_a_tls_line_that_breaks_after_the_request_leaves_the_mail_in_doubt(
    api: ProviderApi, through: Through, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider may have it: it is sent once more at most, and that is shown."""
    through("postmark")

    def breaks(self: HTTPConnection) -> None:
        raise ssl.SSLError(1, "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed or bad record mac")

    monkeypatch.setattr(HTTPConnection, "getresponse", breaks)
    outgoing = write(ANN)
    send_everything()
    assert "in_doubt" in kinds(outgoing)
    assert outgoing.deliveries.get().resent


def test_a_server_without_tls_never_had_the_mail(api: ProviderApi, through: Through, write: Write) -> None:
    channel = through("postmark", api_url=api.url.replace("http:", "https:"))
    outgoing = write(ANN)
    send_everything()
    channel.refresh_from_db()
    assert ("in_doubt" in kinds(outgoing), states(outgoing)) == (False, {ANN: "deferred"})
    assert channel.last_problem == "tls_failed"


# -- signing ------------------------------------------------------------


@pytest.mark.parametrize(
    "odd", [b"X\xe9: 1\r\n", b"a line without a colon\r\n", b">From x\r\n"], ids=["letter", "colon", "mbox"]
)
def test_a_mail_of_ours_that_can_not_be_signed_does_not_go_out_unsigned(odd: bytes) -> None:
    """A redirected one may have any header: who reads it sees our address as its author all the same."""
    SigningKey.objects.filter(pk=make_key("example.org", timezone.now()).pk).update(is_on=True)
    with pytest.raises(CannotSign):
        sign(b"From: Support <support@example.org>\r\n" + odd + b"Subject: x\r\n\r\nText\r\n")
    foreign = b"From: Ann <ann@customer.example>\r\n" + odd + b"\r\nText\r\n"
    assert sign(foreign) == foreign


def test_bytes_without_a_header_crash_nobody() -> None:
    assert [header_lines(raw) for raw in (b"", b" a: b\r\nFrom: c\r\n\r\n")] == [[], []]
    SigningKey.objects.filter(pk=make_key("example.org", timezone.now()).pk).update(is_on=True)
    with pytest.raises(CannotSign):
        sign(b" lead: x\r\nFrom: a@example.org\r\n\r\n")


def test_a_record_in_dns_with_a_nul_is_kept_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL can't hold it; the daily check must not stop at it."""
    key = make_key("example.org", timezone.now())
    monkeypatch.setattr(signing_keys, "texts_at", lambda name: Texts(Lookup.found, ("v=DKIM1; p=\0",)))
    assert signing_keys.check_key(key, timezone.now()) is not Finding.ok
    assert SigningKey.objects.get(pk=key.pk).found == "v=DKIM1; p="


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_who_switch_a_key_on_at_once_both_have_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    first, second = (make_key("example.org", timezone.now()) for _ in range(2))
    monkeypatch.setattr(signing_keys, "check_key", lambda key, now: Finding.ok)
    failures: list[Exception] = []

    def overtake() -> None:
        try:
            signing_keys.switch_on(second, timezone.now())
        except DatabaseError as error:
            failures.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        signing_keys.switch_on(first, timezone.now())
        other = Thread(target=overtake)
        other.start()
        other.join(0.5)
    other.join(10)
    assert failures == []
    assert SigningKey.objects.get(is_on=True) == second


# -- what comes back ------------------------------------------------------------


def test_a_copy_of_a_redirected_mail_is_no_new_mail(
    ticket: Ticket, bob: Agent, mailbox: Mailbox, channel: Channel
) -> None:
    """From a folder of sent mail that is fetched, too; its author and its Message-ID are the customer's."""
    message = redirect(ticket, Redirect(about=ticket.messages.get(), to=["cas@customer.example"]), by=bob)
    raw = raw_mail(message.outgoing)
    assert receive(mailbox, raw).outcome == "duplicate"
    assert Ticket.objects.count() == 1

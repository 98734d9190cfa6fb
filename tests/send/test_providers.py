"""Mail through the APIs of mail providers: what arrives there is read back, and each answer means the right thing."""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from postvak.blobs import store
from postvak.mail.compose import Draft, File, compose
from postvak.mail.values import Address as Person
from postvak.models import Brand, Channel, Delivery, OutgoingMail, Ticket
from postvak.send import outbox, provider_session
from postvak.send.events import Reported, record
from postvak.send.provider_mail import CannotCarry, make_mail, requests_for
from postvak.send.providers import (
    PASSWORD,
    PROVIDERS,
    provider_settings,
    set_provider_settings,
    webhook_address,
)
from tests.clock import Clock
from tests.send.answering import AMY, ANN, BOSS, Write, kinds, mark, parsed, send_everything, states
from tests.servers import free_port
from tests.servers import provider_api as play
from tests.servers.provider_api import ProviderApi, Reply

pytestmark = [pytest.mark.django_db, pytest.mark.servers]

VALUES = {
    "api_key": "key-very-secret",
    "server_token": "token-very-secret",
    "sender_domain": "example.org",
    "secret_key": "secret-very-secret",
    "project_id": "p",
    "api_token": "token",
}
Through = Callable[..., Channel]
ORIGINAL = b"From: x@y.example\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\nX-Odd:   two  blanks\r\n\r\nas  it came \r\n"
PICTURE = File("lamp.png", "image/png", b"\x89PNG\r\n\x1a\n", content_id="lamp@x")


@pytest.fixture
def api() -> Iterator[ProviderApi]:
    with ProviderApi.running() as running:
        yield running


@pytest.fixture
def through(api: ProviderApi) -> Through:
    """The default channel: this provider, played on loopback."""

    def makes(key: str, **more: str) -> Channel:
        channel = Channel(name=f"Via {key}", kind=Channel.Kind.PROVIDER, provider=key, is_default=True)
        set_provider_settings(channel, VALUES | {"api_url": api.url} | more)
        channel.save()
        api.answers = getattr(play, key)
        return channel

    return makes


def rich(**more: object) -> bytes:
    """A mail with all that an answer of ours can have."""
    what: dict[str, object] = {
        "author": Person("Bücher & Söhne", "support@example.org"),
        "to": (Person("Ann Archer", ANN),),
        "cc": (Person("Ämy", AMY),),
        "subject": "Re: Die Lampe flackert – wirklich [#2026112210000017]",
        "text": "Grüße\n\n-- \nBob",
        "html": '<p>Grüße <img src="cid:lamp@x"></p>',
        "attachments": (PICTURE, File("plan ä.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")),
        "originals": (ORIGINAL,),
        "message_id": "own.1@example.org",
        "in_reply_to": "theirs.1@customer.example",
        "references": ("first@customer.example", "theirs.1@customer.example"),
        "headers": (("Auto-Submitted", "auto-replied"), ("X-Postvak-Loop", "abc")),
    }
    return compose(Draft(date=datetime(2026, 11, 22, 9, tzinfo=UTC), **(what | more)))  # type: ignore[arg-type]


def freeze_again(outgoing: OutgoingMail, raw: bytes) -> None:
    """Other bytes than those that the composer made."""
    (blob,) = store.prepare([raw])
    store.save([blob])
    OutgoingMail.objects.filter(pk=outgoing.pk).update(blob=blob)


# -- the table and its settings ------------------------------------------------------------


def test_every_provider_has_what_it_needs() -> None:
    for key, provider in PROVIDERS.items():
        assert provider.is_installed, key
        assert len(key) <= Channel._meta.get_field("provider").max_length
        assert provider.reports_events == bool(provider.webhook), key
        assert len({one.key for one in provider.settings}) == len(provider.settings)


def test_settings_are_sealed_and_the_password_for_events_is_made_once() -> None:
    channel = Channel(name="P", kind="provider", provider="postmark")
    set_provider_settings(channel, {"server_token": " tok-1 ", "api_url": ""})
    assert "tok-1" not in channel.sealed_settings
    password = provider_settings(channel)[PASSWORD]
    assert provider_settings(channel) == {"server_token": "tok-1", PASSWORD: password}
    set_provider_settings(channel, {"server_token": "tok-2"})
    assert provider_settings(channel) == {"server_token": "tok-2", PASSWORD: password}
    channel.pk = 7
    assert (
        webhook_address(channel, "https://desk.example.org/") == f"https://postvak:{password}@desk.example.org/hooks/7/"
    )


# -- what arrives ------------------------------------------------------------


def test_postmark_gets_every_part_and_no_hidden_recipient_in_a_header(
    api: ProviderApi, through: Through, write: Write
) -> None:
    through("postmark")
    outgoing = write(ANN, cc=(AMY,), bcc=(BOSS,))
    freeze_again(outgoing, rich())
    send_everything()
    (asked,) = api.asked
    sent = asked.json
    assert asked.headers["X-Postmark-Server-Token"] == "token-very-secret"
    assert (sent["To"], sent["Cc"], sent["Bcc"]) == (f"Ann Archer <{ANN}>", f"Ämy <{AMY}>", BOSS)
    assert (sent["From"], sent["Subject"]) == (
        "Bücher & Söhne <support@example.org>",
        "Re: Die Lampe flackert – wirklich [#2026112210000017]",
    )
    headers = {one["Name"]: one["Value"] for one in sent["Headers"]}
    assert headers == {
        "Message-ID": "<own.1@example.org>",
        "In-Reply-To": "<theirs.1@customer.example>",
        "References": "<first@customer.example> <theirs.1@customer.example>",
        "Auto-Submitted": "auto-replied",
        "X-Postvak-Loop": "abc",
        "X-PM-KeepID": "true",
    }
    assert (sent["TextBody"].strip(), sent["HtmlBody"].strip()) == (
        "Grüße\n\n-- \nBob",
        '<p>Grüße <img src="cid:lamp@x"></p>',
    )
    files = {one["Name"]: (one["ContentType"], base64.b64decode(one["Content"])) for one in sent["Attachments"]}
    assert files["lamp.png"] == ("image/png", PICTURE.content)
    assert files["plan ä.pdf"][1] == b"%PDF-1.7 \x00\xff"
    assert files["original.eml"] == ("message/rfc822", ORIGINAL)
    assert [one["ContentID"] for one in sent["Attachments"] if "ContentID" in one] == ["cid:lamp@x"]
    assert (sent["TrackOpens"], sent["TrackLinks"]) == (False, "None")
    assert sent["Metadata"] == {"postvak": provider_session.mark_of(outgoing)}
    assert states(outgoing) == dict.fromkeys((ANN, AMY, BOSS), "accepted")
    assert set(outgoing.deliveries.values_list("remote_id", flat=True)) == {"b7bc2f4a-e38e-4336-af7d"}


@pytest.mark.parametrize("key", ["mailgun", "postal"])
def test_providers_that_take_bytes_get_the_frozen_ones_and_the_envelope_beside_them(
    api: ProviderApi, through: Through, write: Write, key: str
) -> None:
    through(key)
    outgoing = write(ANN, cc=(AMY,), bcc=(BOSS,))
    freeze_again(outgoing, rich())
    frozen = outbox.raw_mail(OutgoingMail.objects.get(pk=outgoing.pk))
    send_everything()
    (asked,) = api.asked
    if key == "mailgun":
        assert asked.path == "/example.org/messages.mime"
        assert asked.form["message"] == [frozen]
        assert asked.form["to"] == [ANN.encode(), AMY.encode(), BOSS.encode()]
        assert asked.form["o:tracking-opens"] == [b"no"]
        assert asked.form["v:postvak"] == [provider_session.mark_of(outgoing).encode()]
    else:
        assert asked.path == "/api/v1/send/raw"
        assert base64.b64decode(asked.json["data"]) == frozen
        assert (asked.json["rcpt_to"], asked.json["mail_from"]) == ([ANN, AMY, BOSS], "support@example.org")
    assert BOSS.encode() not in frozen
    assert states(outgoing) == dict.fromkeys((ANN, AMY, BOSS), "accepted")


def test_a_provider_without_pictures_in_the_text_gets_them_as_files(
    api: ProviderApi, through: Through, write: Write
) -> None:
    through("brevo")
    freeze_again(write(), rich())
    send_everything()
    assert {one["name"] for one in api.asked[0].json["attachment"]} == {"lamp.png", "plan ä.pdf", "original.eml"}


def test_opened_mails_are_only_reported_where_the_brand_wants_it(
    api: ProviderApi, through: Through, write: Write, brand: Brand
) -> None:
    Brand.objects.update(tracks_opening=True)
    through("postmark")
    write()
    send_everything()
    assert (api.asked[0].json["TrackOpens"], api.asked[0].json["TrackLinks"]) == (True, "HtmlAndText")


def test_what_a_provider_would_change_is_not_sent(api: ProviderApi, through: Through, write: Write) -> None:
    through("postmark")
    outgoing = write()
    raw = (
        b"From: support@example.org\r\nTo: ann@customer.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nsigned\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--b--\r\n"
    )
    freeze_again(outgoing, raw)
    send_everything()
    assert api.asked == []
    assert states(outgoing) == {ANN: "failed"}
    assert "multipart/signed" in outgoing.deliveries.get().said


def test_a_mail_that_is_too_large_for_the_provider_is_not_even_tried(
    api: ProviderApi, through: Through, write: Write
) -> None:
    through("scaleway")
    outgoing = write()
    freeze_again(outgoing, rich(attachments=(File("big", "application/x-big", b"x" * 3_000_000),)))
    send_everything()
    assert (api.asked, states(outgoing)) == ([], {ANN: "failed"})


def test_nobody_is_named_to_others_who_was_hidden() -> None:
    raw, provider = rich(), PROVIDERS["postmark"]
    (all_at_once,) = requests_for(raw, [ANN, AMY, BOSS], provider)
    assert (all_at_once.to, all_at_once.cc, all_at_once.bcc) == ((ANN,), (AMY,), (BOSS,))
    (later,) = requests_for(raw, [AMY, BOSS], provider)
    assert (later.to, later.cc, later.bcc) == ((AMY,), (), (BOSS,))
    hidden = requests_for(raw, [BOSS, "other@customer.example"], provider)
    assert [one.all for one in hidden] == [(BOSS,), ("other@customer.example",)]
    (raw_takes_all,) = requests_for(raw, [BOSS, AMY], PROVIDERS["mailgun"])
    assert raw_takes_all.to == (BOSS, AMY)


def test_an_invitation_beside_the_text_can_not_be_carried() -> None:
    raw = (
        b"From: a@b.example\r\nTo: ann@customer.example\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n--b--\r\n"
    )
    provider = PROVIDERS["postmark"]
    with pytest.raises(CannotCarry, match="text/calendar"):
        make_mail(raw, requests_for(raw, [ANN], provider)[0], provider, envelope_from="")


# -- answers ------------------------------------------------------------


def test_a_log_in_that_is_refused_pauses_the_channel_and_shows_no_secret(
    api: ProviderApi, through: Through, write: Write
) -> None:
    channel = through("postmark")
    api.replies = [Reply(401, {"ErrorCode": 10, "Message": "Bad token token-very-secret"})]
    outgoing = write()
    send_everything()
    channel.refresh_from_db()
    assert (channel.last_problem, channel.last_said) == ("login_refused", "HTTP 401 Bad token •••")
    assert channel.paused_until is not None
    assert states(outgoing) == {ANN: "deferred"}
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(429, {"Message": "Too many requests"}), "deferred"),
        (Reply(503), "deferred"),
        (Reply(500, {"Message": "Oops"}), "deferred"),
        (Reply(422, {"ErrorCode": 300, "Message": "Zero recipients specified"}), "failed"),
        (Reply(403, {"message": "The from address does not match a verified Sender Identity."}), "failed"),
        (Reply(413), "failed"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_answer_decides_over_the_mail_and_not_over_the_channel(
    api: ProviderApi, through: Through, write: Write, reply: Reply, state: str
) -> None:
    channel = through("sendgrid")
    api.replies = [reply]
    outgoing = write()
    send_everything()
    channel.refresh_from_db()
    assert (states(outgoing), channel.paused_until) == ({ANN: state}, None)
    assert f"HTTP {reply.status}" in outgoing.deliveries.get().said


def test_an_account_without_credits_pauses_the_channel_and_loses_no_mail(
    api: ProviderApi, through: Through, write: Write
) -> None:
    channel = through("postmark")
    api.replies = [Reply(422, {"ErrorCode": 405, "Message": "You ran out of credits. Please buy more."})]
    outgoing = write()
    send_everything()
    channel.refresh_from_db()
    assert (channel.last_problem, states(outgoing)) == ("rejected", {ANN: "deferred"})


def test_nobody_at_home_pauses_the_channel(through: Through, write: Write) -> None:
    channel = through("mailgun", api_url=f"http://127.0.0.1:{free_port()}/v3")
    outgoing = write()
    send_everything()
    channel.refresh_from_db()
    assert (channel.last_problem, states(outgoing)) == ("refused", {ANN: "deferred"})


@pytest.mark.parametrize("reply", [Reply(hangs_up=True), Reply(waits=1.0), Reply(504), Reply(200, "what?")], ids=str)
def test_an_answer_that_never_came_leaves_the_mail_in_doubt_and_is_tried_once_more(
    api: ProviderApi, through: Through, write: Write, monkeypatch: pytest.MonkeyPatch, clock: Clock, reply: Reply
) -> None:
    monkeypatch.setattr(provider_session, "TIMEOUTS", (5, 0.3))
    through("mailgun")
    api.replies = [reply, reply]
    outgoing = write()
    send_everything()
    assert states(outgoing) == {ANN: "deferred"}
    assert "in_doubt" in kinds(outgoing)
    clock.advance(minutes=11)
    send_everything()
    assert states(outgoing) == {ANN: "in_doubt"}
    clock.advance(hours=5)
    send_everything()
    assert len(api.asked) == 2


def test_an_answer_that_the_library_trips_over_leaves_the_mail_in_doubt(
    api: ProviderApi, through: Through, write: Write
) -> None:
    through("postal")
    api.replies = [Reply(200, {"status": "success", "data": {}})]
    outgoing = write()
    send_everything()
    assert (len(api.asked), "in_doubt" in kinds(outgoing), states(outgoing)) == (1, True, {ANN: "deferred"})


def test_one_refused_recipient_does_not_stop_the_others(
    api: ProviderApi, through: Through, write: Write, ticket: Ticket
) -> None:
    through("mailgun")
    api.replies = [Reply(400, {"message": f"to parameter is not a valid address: {AMY}"})]
    outgoing = write(ANN, cc=(AMY,), bcc=(BOSS,))
    send_everything()
    assert states(outgoing) == {ANN: "accepted", AMY: "failed", BOSS: "accepted"}
    assert api.asked[1].form["to"] == [ANN.encode(), BOSS.encode()]
    assert mark(ticket) == "failed"


def test_postmark_refuses_a_recipient_in_an_answer_that_is_no_error(
    api: ProviderApi, through: Through, write: Write
) -> None:
    through("postmark")
    inactive = f"You tried to send to a recipient that has been marked as inactive. Found inactive addresses: {AMY}. Inactive recipients are ones that have generated a hard bounce or a spam complaint."
    api.replies = [Reply(422, {"ErrorCode": 406, "Message": inactive})]
    outgoing = write(ANN, cc=(AMY,))
    send_everything()
    assert states(outgoing) == {ANN: "accepted", AMY: "failed"}
    assert (len(api.asked), "Cc" in api.asked[1].json) == (2, False)


def test_a_retry_goes_to_those_who_lack_the_mail_and_to_nobody_else(
    api: ProviderApi, through: Through, write: Write, clock: Clock
) -> None:
    through("postal")
    outgoing = write(ANN, cc=(AMY,), bcc=(BOSS,))
    Delivery.objects.filter(recipient=ANN).update(state="accepted")
    send_everything()
    assert api.asked[0].json["rcpt_to"] == [AMY, BOSS]
    assert b"To: Ann Archer <ann@customer.example>" in base64.b64decode(api.asked[0].json["data"])
    assert states(outgoing) == dict.fromkeys((ANN, AMY, BOSS), "accepted")
    assert parsed(base64.b64decode(api.asked[0].json["data"]))["Message-ID"]


def test_news_that_come_before_the_answer_is_recorded_are_not_undone(
    api: ProviderApi, through: Through, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = through("postmark")
    outgoing = write()
    hand_over = provider_session.ProviderChannel.hand_over

    def overtaken(self: provider_session.ProviderChannel, mail: OutgoingMail, *rest: object) -> object:
        results = hand_over(self, mail, *rest)  # type: ignore[arg-type]
        came_back = Reported("bounced", ANN, "b7bc", provider_session.mark_of(mail), timezone.now(), "550 5.1.1", "e1")
        assert record(channel, came_back)
        return results

    monkeypatch.setattr(provider_session.ProviderChannel, "hand_over", overtaken)
    send_everything()
    assert states(outgoing) == {ANN: "bounced"}


def test_a_worker_that_dies_during_the_request_leaves_the_mail_in_doubt(
    api: ProviderApi, through: Through, write: Write, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    class Killed(BaseException):
        pass

    def dies(self: object, *rest: object) -> None:
        raise Killed

    through("postmark")
    outgoing = write()
    with monkeypatch.context() as patch:
        patch.setattr("anymail.backends.postmark.EmailBackend.parse_recipient_status", dies)
        with pytest.raises(Killed):
            send_everything()
    assert (states(outgoing), len(api.asked)) == ({ANN: "sending"}, 1)
    clock.advance(hours=2)
    send_everything()
    assert (len(api.asked), "in_doubt" in kinds(outgoing)) == (1, True)
    clock.advance(minutes=11)
    send_everything()
    assert (states(outgoing), len(api.asked)) == ({ANN: "accepted"}, 2)
    ids = {one["Value"] for asked in api.asked for one in asked.json["Headers"] if one["Name"] == "Message-ID"}
    assert len(ids) == 1

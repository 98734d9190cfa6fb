# ruff: noqa: F811 (fixtures of other tests)
"""The page of a sending channel: providers and their secrets, limits, return path, copies, the test mail."""

import pytest
from django.utils import timezone

from postvak.models import Channel, Mailbox, SentCopy
from postvak.send.providers import provider_settings
from tests.send.answering import send_everything
from tests.send.conftest import smtp, ticket, write  # noqa: F401 (fixtures)
from tests.send.test_copies import copy_everything, copying, service, user  # noqa: F401 (fixtures)
from tests.send.test_signing import by_dkimpy, key  # noqa: F401 (fixture)
from tests.servers import provider_api as play
from tests.servers.provider_api import ProviderApi, Reply
from tests.servers.smtpd import SmtpServer
from tests.web.test_admin_connections import channel_facts

pytestmark = pytest.mark.django_db
SECRET = "key-never-shown"


@pytest.fixture
def eva(client, admin):
    """Eva's browser."""
    client.force_login(admin)
    return client


def by_brevo(**changes: object) -> dict[str, object]:
    facts = {"kind": "provider", "provider": "brevo", "brevo-api_key": SECRET, **changes}
    return channel_facts(**facts)


@pytest.fixture
def brevo(eva) -> Channel:
    """A stored channel of the provider Brevo."""
    assert eva.post("/admin/channels/new/", by_brevo()).status_code == 302
    return Channel.objects.get()


# ---- providers ------------------------------------------------------------


def test_the_secret_of_a_provider_is_sealed_and_never_shown_and_stays_when_left_empty(eva, brevo: Channel) -> None:
    assert SECRET not in brevo.sealed_settings
    assert provider_settings(brevo)["api_key"] == SECRET
    url = f"/admin/channels/{brevo.pk}/"
    assert SECRET not in eva.get(url).text
    assert SECRET not in eva.post(url, by_brevo(name="")).text
    assert eva.post(url, by_brevo(**{"brevo-api_key": "", "name": "Renamed"})).status_code == 302
    brevo.refresh_from_db()
    assert (brevo.name, provider_settings(brevo)["api_key"]) == ("Renamed", SECRET)


def test_the_address_for_events_stays_the_same_when_the_channel_is_saved(eva, brevo: Channel) -> None:
    before = provider_settings(brevo)
    page = eva.get(f"/admin/channels/{brevo.pk}/").text
    assert f"@testserver/hooks/{brevo.pk}/" in page
    eva.post(f"/admin/channels/{brevo.pk}/", by_brevo(**{"brevo-api_key": "another"}))
    brevo.refresh_from_db()
    assert provider_settings(brevo) == before | {"api_key": "another"}


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "sparkpost", "sparkpost-api_key": ""},
        {"brevo-api_url": "https://elsewhere.example/", "brevo-api_key": ""},
    ],
)
def test_a_stored_secret_goes_to_no_other_server(eva, brevo: Channel, changes: dict[str, str]) -> None:
    facts = by_brevo(**{"brevo-api_key": ""}) | changes
    for url in (f"/admin/channels/{brevo.pk}/", f"/admin/channels/{brevo.pk}/mail/"):
        answer = eva.post(url, facts)
        assert "This is needed." in answer.text or "hands a stored secret to no other server" in answer.text
    brevo.refresh_from_db()
    assert (brevo.provider, provider_settings(brevo)["api_key"]) == ("brevo", SECRET)


def test_another_provider_forgets_the_settings_of_the_former_one(eva, brevo: Channel) -> None:
    facts = by_brevo(provider="mailgun", **{"mailgun-api_key": "new", "mailgun-sender_domain": "example.org"})
    assert eva.post(f"/admin/channels/{brevo.pk}/", facts).status_code == 302
    brevo.refresh_from_db()
    assert provider_settings(brevo) == {"api_key": "new", "sender_domain": "example.org"}
    eva.post(f"/admin/channels/{brevo.pk}/", channel_facts())
    brevo.refresh_from_db()
    assert (brevo.kind, brevo.provider, brevo.sealed_settings) == ("smtp", "", "")


def test_what_a_provider_needs_is_asked_for(eva) -> None:
    assert "Choose the provider." in eva.post("/admin/channels/new/", by_brevo(provider="")).text
    answer = eva.post("/admin/channels/new/", by_brevo(**{"brevo-api_key": " "}))
    assert answer.status_code == 422
    assert "This is needed." in answer.text
    assert not Channel.objects.exists()


def test_the_test_mail_goes_to_the_api_and_its_answer_is_shown_without_the_key(eva) -> None:
    with ProviderApi.running() as api:
        api.answers = play.brevo
        facts = by_brevo(**{"brevo-api_url": api.url, "name": ""})
        taken = eva.post("/admin/channels/mail/", facts).text
        api.replies = [Reply(401, {"code": "unauthorized", "message": f"Key not found: {SECRET}"})]
        refused = eva.post("/admin/channels/mail/", facts).text
    assert "The server took the mail" in taken
    assert "smtp-relay.mailin.fr" in taken
    assert api.asked[0].json["to"][0]["email"] == "eva@example.org"
    assert "Key not found: •••" in refused
    assert SECRET not in refused


# ---- SMTP ------------------------------------------------------------


def test_the_test_mail_shows_the_whole_dialogue_from_the_greeting_to_the_goodbye(eva, smtp_server) -> None:
    facts = channel_facts(port=smtp_server.port, ca_pem=smtp_server.ca_pem, return_path="bounces@example.org")
    text = eva.post("/admin/channels/mail/", facts).text
    for line in ("220 mx.test ready", "STARTTLS", "(TLSv1.", "mail FROM:", "DATA", "queued as TEST1", "quit", "221 "):
        assert line.lower() in text.lower(), line
    assert smtp_server.mails[0].envelope_from.startswith("bounces+pv-m0-")


def test_the_test_mail_is_signed_as_answers_are(eva, support, smtp_server, key) -> None:  # noqa: F811
    eva.post("/admin/channels/mail/", channel_facts(port=smtp_server.port, ca_pem=smtp_server.ca_pem))
    assert by_dkimpy(smtp_server.mails[0].raw, key)


def test_a_refused_test_mail_shows_the_dialogue_without_the_password(eva) -> None:
    with SmtpServer.running(users={"ann": SECRET}) as server:
        server.behaviour.sender = "550 5.7.1 not your address"
        facts = channel_facts(port=server.port, ca_pem=server.ca_pem, username="ann", password=SECRET)
        text = eva.post("/admin/channels/mail/", facts).text
    assert "AUTH PLAIN •••" in text
    assert "not your address" in text
    assert SECRET not in text


# ---- limits, return path, copies ------------------------------------------------------------


def test_limits_are_kept_in_the_words_of_the_page(eva) -> None:
    facts = channel_facts(connections=5, rate_per_minute=120, megabytes=25)
    eva.post("/admin/channels/new/", facts)
    channel = Channel.objects.get()
    assert (channel.connections, channel.rate_per_minute, channel.size_limit) == (5, 120, 25 * 1024 * 1024)
    assert 'value="25"' in eva.get(f"/admin/channels/{channel.pk}/").text
    eva.post(f"/admin/channels/{channel.pk}/", channel_facts(rate_per_minute="", megabytes=""))
    channel.refresh_from_db()
    assert (channel.rate_per_minute, channel.size_limit) == (None, None)


@pytest.mark.parametrize("wrong", [{"connections": 0}, {"connections": 21}, {"rate_per_minute": 0}, {"megabytes": 0}])
def test_limits_that_would_stop_everything_are_refused(eva, wrong: dict[str, int]) -> None:
    assert eva.post("/admin/channels/new/", channel_facts(**wrong)).status_code == 422


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Bounces@Example.org ", "bounces@example.org"), ("@bounce.example.org", "@bounce.example.org"), ("", "")],
)
def test_a_return_path_is_an_address_or_a_domain(eva, typed: str, kept: str) -> None:
    eva.post("/admin/channels/new/", channel_facts(return_path=typed))
    assert Channel.objects.get().return_path == kept


@pytest.mark.parametrize("wrong", ["bounces", "a+b@example.org", "@bounce", f"{'b' * 40}@example.org"])
def test_a_return_path_that_leaves_no_room_for_the_mark_is_refused_with_a_sentence(eva, wrong: str) -> None:
    answer = eva.post("/admin/channels/new/", channel_facts(return_path=wrong))
    assert answer.status_code == 422
    assert "Write an address such as bounces@example.org" in answer.text


def test_copies_go_into_imap_mailboxes_only(eva, mailbox) -> None:
    imap = Mailbox.objects.create(name="Service", host="imap.example.org")
    page = eva.get("/admin/channels/new/").text
    assert "Service" in page
    facts = channel_facts(copies_to=mailbox.pk, copies_folder="Sent")
    assert eva.post("/admin/channels/new/", facts).status_code == 422
    eva.post("/admin/channels/new/", facts | {"copies_to": imap.pk})
    channel = Channel.objects.get()
    assert (channel.copies_to, channel.copies_folder) == (imap, "Sent")


def test_copies_that_cannot_be_put_there_are_told_and_tried_again_by_a_button(
    eva,
    write,
    copying,
    service,
    dovecot,
    user,  # noqa: F811
) -> None:
    Mailbox.objects.filter(pk=service.pk).update(port=1)
    write()
    send_everything()
    copy_everything()
    url = f"/admin/channels/{copying.pk}/"
    page = eva.get(url).text
    assert "Copies not in their folder yet" in page
    assert "Connection refused" in page
    SentCopy.objects.update(next_attempt_at=None)
    assert "given up after three days" in eva.get(url).text
    Mailbox.objects.filter(pk=service.pk).update(port=dovecot.imaps)
    eva.post(url + "copies/")
    assert SentCopy.objects.get().next_attempt_at <= timezone.now()
    copy_everything()
    assert "Copies not in their folder yet" not in eva.get(url).text

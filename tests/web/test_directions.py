"""One button tests both directions of a mailbox: each line with its sentence and its server's own words."""

import html
from dataclasses import replace

import pytest

from postvak.models import Channel, Grant, Mailbox
from postvak.net.connection import Security
from postvak.net.providers import PROVIDERS, provider_with
from postvak.setup import directions
from tests.servers.dovecot import Dovecot
from tests.servers.smtpd import SmtpServer

SECRET = "p@ssw0rd-never-shown"


@pytest.fixture
def eva(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def box(dovecot: Dovecot) -> dict[str, object]:
    """What stands in the form: a mailbox that works."""
    dovecot.add_user("both", SECRET)
    endpoint = dovecot.imap_endpoint("both", SECRET)
    return {
        "name": "Service", "kind": "imap", "host": endpoint.host, "port": endpoint.port, "security": "tls",
        "verify_tls": "on", "ca_pem": endpoint.ca_pem, "username": "both", "password": SECRET, "folders": "INBOX",
        "start": "all", "after_storing": "leave", "interval": 60, "size_limit": 50, "silence_limit": 15,
        "validity": "valid",
    }  # fmt: skip


def check(eva, facts: dict[str, object]) -> str:
    answer = eva.post("/admin/mailboxes/check/", facts, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert not Mailbox.objects.filter(name="Service").exists()
    return html.unescape(answer.text)


def channel_of(server: SmtpServer, password: str = SECRET) -> Channel:
    channel = Channel(name="Out", host="localhost", port=server.port, username="both", ca_pem=server.ca_pem)
    channel.security = Channel.Encryption.STARTTLS
    channel.password = password
    channel.save()
    return channel


@pytest.mark.servers
def test_both_directions_work_and_each_server_is_quoted(eva, box):
    with SmtpServer.running(users={"both": SECRET}) as server:
        text = check(eva, {**box, "reply_via": channel_of(server).pk})
    assert text.index("Receiving works") < text.index("Sending works")
    assert "Dovecot for the tests is ready." in text
    assert "INBOX" in text
    assert "S: </b>235" in text


@pytest.mark.servers
def test_when_one_direction_fails_the_other_is_tested_all_the_same(eva, box):
    with SmtpServer.running(users={"both": SECRET}) as server:
        text = check(eva, {**box, "password": "wrong", "reply_via": channel_of(server).pk})
        assert "does not accept user and password" in text
        assert "[AUTHENTICATIONFAILED]" in text
        assert "Sending works" in text
        Channel.objects.all().delete()
        text = check(eva, {**box, "reply_via": channel_of(server, "wrong").pk})
    assert "Receiving works" in text
    assert "535 5.7.8" in text


@pytest.mark.servers
def test_without_a_channel_the_server_of_the_same_provider_is_tried(eva, box, monkeypatch):
    with SmtpServer.running(users={"both": SECRET}) as server:
        smtp = replace(PROVIDERS[0].smtp, host="localhost", port=server.port, security=Security.starttls)
        provider = replace(PROVIDERS[0], smtp=smtp)
        monkeypatch.setattr(directions, "provider_with", lambda host, address: provider)
        text = check(eva, box)
    assert "Receiving works" in text
    assert "The certificate of localhost is not trusted." in text  # the test's own; so the password stayed here


@pytest.mark.servers
def test_without_a_channel_and_a_known_provider_the_page_says_that_sending_was_not_tested(eva, box):
    text = check(eva, box)
    assert "Receiving works" in text
    assert "Not tested: no sending channel is chosen" in text


def test_a_connected_account_is_tried_with_its_own_channel_or_the_server_of_its_provider(db):
    grant = Grant.objects.create(name="Contoso", provider="microsoft", client_id="id")
    mailbox = Mailbox(kind="imap", host="outlook.office365.com", username="a@example.org", grant=grant)
    found = directions.way_out(mailbox)
    assert found is not None
    assert (found.pk, found.host, found.port, found.grant) == (None, "smtp.office365.com", 587, grant)
    own = Channel.objects.create(name="Own", host="smtp.office365.com", grant=grant)
    assert directions.way_out(mailbox) == own


def test_a_password_goes_to_the_provider_of_the_mailbox_and_to_nobody_else(db):
    mailbox = Mailbox(kind="imap", host="imap.strato.de", username="a@gmail.com", sealed_password="sealed")
    found = directions.way_out(mailbox)
    assert found is not None
    assert (found.host, found.port, found.security, found.sealed_password) == ("smtp.strato.de", 465, "tls", "sealed")
    assert directions.way_out(Mailbox(kind="imap", host="imap.example.org", username="a@gmail.com")) is None


def test_where_providers_share_a_server_the_address_decides():
    for address, name in (("a@hotmail.com", "Outlook.com"), ("a@x.onmicrosoft.com", "Microsoft 365")):
        found = provider_with("Outlook.Office365.com.", address)
        assert found is not None
        assert found.name == name
    assert provider_with("") is None

"""Connected accounts in the administration: register, sign in, come back, health, connect again, use."""

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Address, Agent, Channel, Grant, Mailbox, Queue
from postvak.net.exchangers import Exchangers
from postvak.web.admin import providers
from tests.servers import free_port, wait_until
from tests.servers.nameserver import asking, nameserver
from tests.servers.oauth import REVOKED, Provider

SECRET = "the client's secret"
pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider.running() as running:
        yield running


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def facts(**changes: object) -> dict[str, object]:
    given = {
        "name": "Contoso", "provider": "microsoft", "flow": "code", "tenant": "common", "client_id": "postvak-id",
        "client_secret": SECRET, "account": "", **changes,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


@pytest.fixture
def grant(eva: Client, provider: Provider) -> Grant:
    """Registered in the form; its addresses are those of the provider of the tests."""
    eva.post("/admin/grants/new/", facts())
    grant = Grant.objects.get()
    grant.endpoints = provider.endpoints
    grant.save()
    return grant


def leave(eva: Client, grant: Grant, **wish: object) -> str:
    """Press the button; where the browser is sent."""
    answer = eva.post(f"/admin/grants/{grant.pk}/connection/", wish)
    assert answer.status_code == 200
    return str(answer.headers["Refresh"]).removeprefix("0; url=")


def sign_in(eva: Client, provider: Provider, grant: Grant, **wish: object) -> str:
    """There and back; the page that is shown in the end."""
    back = provider.agree(leave(eva, grant, **wish))
    return eva.get(f"/admin/grants/callback/?{back}", follow=True).content.decode()


def test_the_form_keeps_the_secret_sealed_and_shows_the_redirect_address_to_copy(eva: Client, grant: Grant) -> None:
    page = eva.get(f"/admin/grants/{grant.pk}/").content.decode()
    assert grant.client_secret == SECRET
    assert SECRET not in html.unescape(page)
    assert 'data-copy="http://testserver/admin/grants/callback/"' in page
    assert "not connected yet" in eva.get("/admin/grants/").content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenant": "../evil"}, "A tenant is an id"),
        ({"flow": "client", "tenant": "common", "account": "a@x.org"}, "has to be that of your organisation"),
        ({"flow": "client", "tenant": "x.org", "account": ""}, "Enter whose mails are read"),
        ({"flow": "client", "tenant": "x.org", "account": "a@x.org", "client_secret": ""}, "a client secret is needed"),
        ({"flow": "client", "provider": "google", "tenant": "x.org", "account": "a@x.org"}, "let an agent sign in"),
    ],
)
def test_a_registration_that_cannot_work_is_refused(eva: Client, changes: dict[str, object], said: str) -> None:
    answer = eva.post("/admin/grants/new/", facts(**changes))
    assert (answer.status_code, Grant.objects.exists()) == (422, False)
    assert said in answer.content.decode()


def test_signing_in_connects_and_sets_up_everything_in_one_go(
    eva: Client, provider: Provider, grant: Grant, support: Queue
) -> None:
    page = sign_in(eva, provider, grant, sets_up="on", queue=support.pk)
    assert "ann@example.org" in page
    grant.refresh_from_db()
    assert (grant.account, grant.is_connected) == ("ann@example.org", True)
    mailbox = Mailbox.objects.get(grant=grant)
    assert (mailbox.queue, mailbox.username) == (support, "ann@example.org")
    assert Channel.objects.get(grant=grant).host == "smtp.office365.com"
    assert Address.objects.get(email="ann@example.org").queue == support
    page = eva.get(f"/admin/grants/{grant.pk}/").content.decode()
    assert "Access valid until" in page
    assert provider.refresh_tokens[-1] not in page


def test_the_code_is_asked_for_with_a_challenge_and_redeemed_with_its_verifier(
    eva: Client, provider: Provider, grant: Grant
) -> None:
    asked = parse_qs(urlsplit(leave(eva, grant)).query)
    assert asked["redirect_uri"] == ["http://testserver/admin/grants/callback/"]
    assert asked["code_challenge_method"] == ["S256"]
    assert "verifier" not in asked


def test_a_wrong_state_is_refused(eva: Client, provider: Provider, grant: Grant) -> None:
    back = provider.agree(leave(eva, grant))
    page = eva.get(f"/admin/grants/callback/?{re.sub('state=.*', 'state=forged', back)}", follow=True).content.decode()
    assert "not the one that was started here" in page
    assert not provider.asked
    assert not Grant.objects.get().is_connected


def test_a_replayed_answer_is_refused(eva: Client, provider: Provider, grant: Grant) -> None:
    back = provider.agree(leave(eva, grant))
    assert "is connected as" in eva.get(f"/admin/grants/callback/?{back}", follow=True).content.decode()
    assert "not the one that was started" in eva.get(f"/admin/grants/callback/?{back}", follow=True).content.decode()
    assert len(provider.asked) == 1


def test_the_answer_to_another_agents_sign_in_is_refused(eva: Client, provider: Provider, grant: Grant) -> None:
    back = provider.agree(leave(eva, grant))
    other = Client()
    other.force_login(Agent.objects.create_user("fay@example.org", "correct horse battery", name="Fay", is_admin=True))
    page = other.get(f"/admin/grants/callback/?{back}", follow=True).content.decode()
    assert "not the one that was started here" in page
    assert not provider.asked


def test_an_agent_who_is_no_administrator_may_not(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    for place in (
        "/admin/grants/",
        "/admin/grants/new/",
        "/admin/grants/callback/?code=1&state=2",
        "/admin/providers/",
    ):
        assert client.get(place).status_code == 403


def test_what_the_provider_refuses_is_shown_with_what_to_do(eva: Client, provider: Provider, grant: Grant) -> None:
    provider.client_secret = "another"
    page = html.unescape(sign_in(eva, provider, grant))
    assert "AADSTS7000215: Invalid client secret provided." in page
    assert "Make a new one where the application is registered" in page
    assert "No access to this account since" in page


def test_an_agent_who_says_no_at_the_provider_is_told_what_that_means(
    eva: Client, provider: Provider, grant: Grant
) -> None:
    state = parse_qs(urlsplit(leave(eva, grant)).query)["state"][0]
    words = "error=access_denied&error_description=AADSTS65004:+the+user+declined+<b>"
    page = eva.get(f"/admin/grants/callback/?state={state}&{words}", follow=True).content.decode()
    assert "An administrator of your organisation has to allow the application" in page
    assert "declined &lt;b&gt;" in page


def test_connect_again_works_although_nothing_stored_can_be_opened(
    eva: Client, provider: Provider, grant: Grant
) -> None:
    """The keys were lost, the tokens revoked: the page opens, and a new secret and sign-in heal it."""
    Grant.objects.update(
        sealed_client_secret="rubbish", sealed_access_token="rubbish", sealed_refresh_token="rubbish",
        failing_since=timezone.now() - timedelta(days=3), last_said=f"invalid_grant: {REVOKED}", connected_at=timezone.now(),
    )  # fmt: skip
    page = eva.get(f"/admin/grants/{grant.pk}/").content.decode()
    assert "Connect again" in page
    assert REVOKED in page
    assert "can't be opened" in html.unescape(sign_in(eva, provider, grant))
    assert eva.post(f"/admin/grants/{grant.pk}/", facts()).status_code == 302
    assert "is connected as ann@example.org" in sign_in(eva, provider, grant)
    grant.refresh_from_db()
    assert grant.failing_since is None


def test_connecting_again_makes_its_mailboxes_due_and_wakes_its_channels(
    eva: Client, provider: Provider, grant: Grant
) -> None:
    later = timezone.now() + timedelta(minutes=14)
    Mailbox.objects.create(name="M", host="outlook.office365.com", grant=grant, next_fetch_at=later)
    Channel.objects.create(name="C", host="smtp.office365.com", grant=grant, paused_until=later)
    sign_in(eva, provider, grant)
    assert Mailbox.objects.get(name="M").next_fetch_at is None
    assert Channel.objects.get(name="C").paused_until is None


def test_an_application_connects_without_an_agent(eva: Client, provider: Provider, grant: Grant) -> None:
    given = facts(flow="client", tenant="contoso.example", account="info@contoso.example", client_secret="")
    assert eva.post(f"/admin/grants/{grant.pk}/", given).status_code == 302
    page = eva.post(f"/admin/grants/{grant.pk}/connection/", follow=True).content.decode()
    assert "is connected as info@contoso.example" in page


def test_a_failing_grant_is_counted_in_the_navigation(eva: Client, grant: Grant) -> None:
    Grant.objects.update(failing_since=timezone.now(), last_said="invalid_grant")
    listing = eva.get("/admin/grants/").content.decode()
    assert "connect again" in listing
    assert 'class="count has"' in listing


# ---- mailboxes and channels that use it ------------------------------------------------


def box(**changes: object) -> dict[str, object]:
    return {
        "name": "Service", "kind": "imap", "host": "outlook.office365.com", "port": 993, "security": "tls",
        "verify_tls": "on", "username": "", "password": "", "folders": "INBOX", "start": "all", "silence_limit": 15,
        "after_storing": "leave", "interval": 60, "size_limit": 50, "validity": "valid", **changes,
    }  # fmt: skip


def test_a_mailbox_logs_in_with_a_connected_account_and_keeps_no_password(eva: Client, grant: Grant) -> None:
    Grant.objects.update(account="ann@example.org")
    assert eva.post("/admin/mailboxes/new/", box(grant=grant.pk, password="left over")).status_code == 302
    mailbox = Mailbox.objects.get(name="Service")
    assert (mailbox.grant, mailbox.username, mailbox.sealed_password) == (grant, "ann@example.org", "")
    assert eva.post(f"/admin/mailboxes/{mailbox.pk}/", box(grant="", password="new one")).status_code == 302
    mailbox.refresh_from_db()
    assert (mailbox.grant, mailbox.password) == (None, "new one")


def test_a_token_is_not_offered_to_a_foreign_server(eva: Client, grant: Grant) -> None:
    answer = eva.post("/admin/mailboxes/new/", box(grant=grant.pk, host="imap.evil.example"))
    assert answer.status_code == 422
    assert "This is no server of Microsoft 365." in answer.content.decode()


def test_without_any_connected_account_there_is_no_choice(eva: Client) -> None:
    assert 'name="grant"' not in eva.get("/admin/mailboxes/new/").content.decode()


def test_the_blanks_of_googles_app_password_are_not_kept(eva: Client) -> None:
    eva.post(
        "/admin/mailboxes/new/", box(host="imap.gmail.com", username="a@gmail.com", password="abcd efgh ijkl mnop")
    )
    assert Mailbox.objects.get(name="Service").password == "abcdefghijklmnop"


# ---- recognising providers -------------------------------------------------------------


def test_a_typed_address_offers_the_settings_of_its_provider(eva: Client) -> None:
    page = eva.get("/admin/providers/", {"address": "shop@gmx.de", "way": "in"}).content.decode()
    assert "Recognised: GMX" in page
    offers = [json.loads(html.unescape(found)) for found in re.findall(r'data-fill="([^"]*)"', page)]
    first = {"kind": "imap", "security": "tls", "host": "imap.gmx.net", "port": 993, "username": "shop@gmx.de"}
    assert offers[0] == first
    assert [offer["kind"] for offer in offers] == ["imap", "pop3"]
    out = eva.get("/admin/providers/", {"address": "shop@gmx.de", "way": "out"}).content.decode()
    assert "mail.gmx.net" in out


def test_an_address_of_ones_own_domain_is_recognised_by_its_mail_exchangers(
    eva: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    eva.get("/admin/providers/", {"address": "", "way": "out"})  # what the first page of all loads takes long
    with nameserver({"example.org": ["1 aspmx.l.google.com."]}, delay=1) as (resolver, _asked):
        monkeypatch.setattr(providers, "exchangers", Exchangers(resolver))
        page = eva.get("/admin/providers/", {"address": "info@example.org", "way": "out"}).content.decode()
        assert "Recognised" not in page
        (again,) = re.findall(r'hx-get="([^"]*)"', page)
        wait_until(
            lambda: "Recognised" in eva.get(html.unescape(again)).content.decode(), seconds=20, what="the answer"
        )
        page = eva.get(html.unescape(again)).content.decode()
    assert "Recognised: Gmail" in page
    assert "smtp.gmail.com" in page
    assert "hx-get" not in page


def test_the_page_stops_asking_a_silent_name_server(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with nameserver({}, delay=9) as (resolver, _asked):
        monkeypatch.setattr(providers, "exchangers", Exchangers(resolver))
        monkeypatch.setattr(providers, "PATIENCE", 0.0)
        question = "/admin/providers/?address=info%40example.org&way=in"
        for asked in range(providers.ROUNDS):
            page = eva.get(question).content.decode()
            (found,) = re.findall(r'hx-get="([^"]*)"', page)
            question = html.unescape(found)
            assert f"round={asked + 1}" in question
        assert "hx-get" not in eva.get(question).content.decode()


def test_an_unknown_or_half_typed_address_offers_nothing(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "exchangers", Exchangers(asking("127.0.0.1", free_port())))
    for address in ("", "gmail.com", "ann@example.org", "<script>"):
        assert "Recognised" not in eva.get("/admin/providers/", {"address": address}).content.decode()


def test_microsoft_leads_to_the_connected_accounts(eva: Client) -> None:
    page = eva.get("/admin/providers/", {"address": "a@outlook.com"}).content.decode()
    assert "It takes no passwords" in page
    assert 'href="/admin/grants/"' in page

"""Logging in with an account elsewhere: a real provider on loopback, and whom its word lets in."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from postvak.models import Agent, AuditEntry, Invitation, LoginProvider, Membership, Queue
from postvak.net.oidc import Claims, Trouble, discover
from postvak.web.account.vouching import Doubt, Person, person_in
from tests.servers.oauth import Provider

TENANT = "11111111-2222-3333-4444-555555555555"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with Provider.running() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider) -> Provider:
    server.reset()
    server.account = "bob@example.org"
    return server


@pytest.fixture
def way(db: None, provider: Provider) -> LoginProvider:
    row = LoginProvider(name="Office", issuer=provider.url, client_id=provider.client_id)
    row.client_secret = provider.client_secret
    row.save()
    return row


def come_back(client: Client, provider: Provider, way: LoginProvider, **changed: str):
    """Through the provider, whose person says yes."""
    leaving = client.get(f"/login/with/{way.pk}/?next=/held/")
    assert leaving["Location"].startswith(f"{provider.url}/authorize?")
    query = provider.agree(leaving["Location"])
    return client.get("/login/callback/?" + query.replace("state=", f"state={changed.get('state', '')}"))


def test_an_agent_is_known_by_his_confirmed_address(client, bob, provider, way):
    assert "Log in with Office" in client.get("/login/").text
    assert come_back(client, provider, way)["Location"] == "/held/"
    assert client.get("/preferences/").status_code == 200
    asked = provider.asked[0]
    assert asked["client_secret"] == provider.client_secret
    assert asked["code_verifier"]


def test_the_session_gets_a_new_key(client, bob, provider, way):
    client.get(f"/login/with/{way.pk}/")
    before = client.session.session_key
    come_back(client, provider, way)
    assert client.session.session_key != before


REFUSALS = {
    "not confirmed": ({"email_verified": False}, "has not confirmed"),
    "says nothing of it": ({"email_verified": None}, "has not confirmed"),
    "no address": ({"email": ""}, "tell us your e-mail address"),
    "for another application": ({"aud": "somebody-else"}, "bad_token"),
    "of another issuer": ({"iss": "https://evil.example"}, "bad_token"),
    "too old": ({"exp": 1}, "bad_token"),
    "for several applications": ({"aud": ["postvak-id", "somebody-else"]}, "bad_token"),
    "of another log-in": ({"nonce": "old"}, "bad_token"),
    "a stranger": ({"email": "zoe@example.com"}, "There is no account for zoe@example.com"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_everything_else_is_refused_with_its_reason_on_the_page_and_in_the_audit(client, bob, provider, way, case):
    provider.claims, sentence = REFUSALS[case]
    answer = come_back(client, provider, way)
    assert answer.status_code == 403
    assert sentence in answer.text.replace("&#39;", "'")
    entry = AuditEntry.objects.get(action="login_refused")
    assert sentence.split(" ")[0] in entry.changes["reason"][1]
    assert client.get("/preferences/").status_code == 302


def test_a_token_that_the_provider_did_not_sign_is_worth_nothing(client, bob, provider, way):
    provider.signer = ec.generate_private_key(ec.SECP256R1())
    assert "bad_token: Signature verification failed" in come_back(client, provider, way).text


def test_a_callback_that_was_not_started_here_is_refused(client, bob, provider, way):
    assert come_back(client, provider, way, state="x").status_code == 403
    assert Client().get("/login/callback/?code=1&state=").status_code == 403
    assert client.get("/login/callback/?state=%00&code=%00").status_code == 403


def test_what_the_provider_says_against_it_stands_on_the_page(client, bob, provider, way):
    client.get(f"/login/with/{way.pk}/")
    state = client.session["sign_in_elsewhere"]["state"]
    answer = client.get(
        "/login/callback/", {"state": state, "error": "access_denied", "error_description": "No\0 <b>luck"}
    )
    assert "access_denied: No &lt;b&gt;luck" in answer.text


def test_an_invalid_agent_stays_out(client, bob, provider, way):
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    assert "is not valid any more" in come_back(client, provider, way).text


def test_a_listed_domain_makes_an_agent_with_role_and_queues_once(client, provider, way, support: Queue):
    way.domains = "example.org\nexample.net"
    way.save()
    way.queues.add(support)
    provider.account = "New@Example.net"
    assert come_back(client, provider, way)["Location"] == "/held/"
    come_back(Client(), provider, way)
    agent = Agent.objects.get(email="new@example.net")
    assert (agent.name, agent.is_admin, agent.has_usable_password()) == ("Ann", False, False)
    assert Membership.objects.get(agent=agent).queue == support


def test_a_domain_is_not_its_ending(client, provider, way):
    way.domains = "example.org"
    way.save()
    provider.account = "eve@evil-example.org"
    assert come_back(client, provider, way).status_code == 403


def test_who_is_invited_needs_no_password(client, provider, way, admin, support):
    client.force_login(admin)
    client.post(
        "/admin/agents/invitations/new/", {"addresses": "bob@example.org", "language": "nl", "queues": support.pk}
    )
    client.logout()
    assert come_back(client, provider, way)["Location"] == "/held/"
    invitation = Invitation.objects.get()
    assert invitation.agent == Agent.objects.get(email="bob@example.org")
    assert list(invitation.agent.queues.all()) == [support]


M = {"tid": TENANT, "oid": "1", "preferred_username": "Bob@Example.org", "name": "Bob"}
FOREIGN = "99999999-2222-3333-4444-555555555555"
MICROSOFT = {
    "own tenant": (M, Person("bob@example.org", "Bob")),
    "an address that anybody may write is no name": (M | {"email": "boss@example.org"}, Person("bob@example.org", "Bob")),
    "a confirmed address": (M | {"email": "b@example.org", "xms_edov": True}, Person("b@example.org", "Bob")),
    "another tenant": (M | {"tid": FOREIGN}, Doubt("other_tenant", "bob@example.org")),
    "a guest": (M | {"idp": f"https://sts.windows.net/{FOREIGN}/"}, Doubt("guest", "bob@example.org")),
    "a guest by name": (M | {"preferred_username": "a_b.example#EXT#@x.onmicrosoft.com"}, Doubt("guest", "a_b.example#ext#@x.onmicrosoft.com")),
    "nobody": ({"tid": TENANT, "oid": "1"}, Doubt("no_address")),
}  # fmt: skip


@pytest.mark.parametrize("case", MICROSOFT)
def test_of_microsoft_only_people_of_the_own_tenant_count(case):
    values, expected = MICROSOFT[case]
    assert person_in(Claims(values), "microsoft", ISSUER) == expected


@pytest.mark.parametrize(("domain", "status"), [("example.org", 302), ("", 403), ("other.example", 403)])
def test_of_google_only_the_workspace_of_the_domain_makes_an_account(
    client, provider, way, domain, status, monkeypatch
):
    """A private account there keeps the address of somebody who left long ago."""
    monkeypatch.setattr("postvak.web.account.issuers.GOOGLE", provider.url)
    LoginProvider.objects.update(kind="google", domains="example.org")
    provider.claims = {"hd": domain} if domain else {}
    assert come_back(client, provider, way).status_code == status
    assert Agent.objects.filter(email="bob@example.org").exists() == (status == 302)


def test_an_agent_who_is_known_comes_in_by_any_account_that_google_confirmed(client, bob, provider, way, monkeypatch):
    monkeypatch.setattr("postvak.web.account.issuers.GOOGLE", provider.url)
    LoginProvider.objects.update(kind="google")
    assert come_back(client, provider, way).status_code == 302


# ---- the administration ------------------------------------------------------------------


def save(client: Client, **facts: str):
    usual = {"name": "Office", "kind": "oidc", "client_id": "x", "client_secret": "very secret", "is_valid": "on"}
    return client.post("/admin/login/providers/new/", usual | facts)


def test_saving_asks_the_provider_and_keeps_the_secret_sealed(client, admin, provider):
    client.force_login(admin)
    assert save(client, issuer=provider.url, domains="@Example.org, example.net").status_code == 302
    row = LoginProvider.objects.get()
    assert (row.client_secret, row.domains) == ("very secret", "example.net\nexample.org")
    assert "very secret" not in row.sealed_client_secret + str(list(AuditEntry.objects.values()))
    page = client.get(f"/admin/login/providers/{row.pk}/").text
    assert "very secret" not in page
    assert "http://testserver/login/callback/" in page
    client.post(f"/admin/login/providers/{row.pk}/deletion/")
    assert not LoginProvider.objects.exists()
    assert AuditEntry.objects.latest("pk").action == "deleted"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"issuer": "http://127.0.0.1:9"}, "Nobody answers there"),
        ({"issuer": "http://192.0.2.1"}, "begins with https://"),
        ({"issuer": "https://user@example.org"}, "begins with https://"),
        ({"kind": "microsoft", "tenant": "common"}, "of your own tenant"),
        ({"kind": "microsoft", "tenant": "../x"}, "of your own tenant"),
        ({"kind": "google", "domains": "gmail.com"}, "Everybody can get an address"),
        ({"kind": "google", "domains": "no domain!"}, "is no domain"),
        ({"issuer": "http://127.0.0.1:9/\0"}, "Null characters"),
    ],
)
def test_what_can_not_work_or_is_not_safe_is_not_saved(client, admin, facts, said):
    client.force_login(admin)
    answer = save(client, **facts)
    assert answer.status_code == 422
    assert said in answer.text
    assert not LoginProvider.objects.exists()


def test_a_provider_that_calls_itself_otherwise_is_named(client, admin, provider):
    provider.calls_itself = "https://login.example.org"
    client.force_login(admin)
    assert "calls itself https://login.example.org" in save(client, issuer=provider.url).text


def test_a_discovery_that_leads_into_plain_text_is_refused(provider, monkeypatch):
    monkeypatch.setattr(
        provider, "discovery", lambda: {**Provider.discovery(provider), "token_endpoint": "http://10.0.0.1/token"}
    )
    assert discover(provider.url) == Trouble("unsafe", "http://10.0.0.1/token")

"""OAuth 2 as a protocol: what we send, what we make of answers, and what never shows."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from postvak.net import oauth
from postvak.net.connection import Endpoint, Security, without_secrets
from postvak.net.https_form import NoAnswer, is_acceptable, post_form
from postvak.net.oauth import Refusal, Registration, Tokens
from postvak.net.oauth_providers import is_tenant, may_see_token, registration
from postvak.net.xoauth2 import encoded, explained
from tests.servers import free_port
from tests.servers.oauth import EXPIRED, Provider
from tests.servers.scripted import HANG_UP, scripted

BACK = "https://desk.example.org/admin/grants/callback/"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider.running() as running:
        yield running


def at(provider: Provider, **changes: str) -> Registration:
    given = {"client_id": provider.client_id, "client_secret": provider.client_secret, **changes}
    return registration("microsoft", tenant="common", for_app=False, overrides=provider.endpoints, **given)


def signed_in(provider: Provider) -> Tokens:
    start = oauth.sign_in(at(provider), BACK)
    back = parse_qs(provider.agree(start.url))
    tokens = oauth.exchange(at(provider), back["code"][0], start.verifier, BACK)
    assert isinstance(tokens, Tokens)
    return tokens


def test_the_sign_in_page_gets_state_challenge_and_scopes_of_one_resource() -> None:
    ours = registration("microsoft", tenant="8e1f", client_id="id", client_secret="s", for_app=False, overrides={})
    start = oauth.sign_in(ours, BACK, "ann@example.org")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(start.url).query).items()}
    assert start.url.startswith("https://login.microsoftonline.com/8e1f/oauth2/v2.0/authorize?")
    assert asked["state"] == start.state
    assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
    assert "offline_access" in asked["scope"].split()
    assert "https://outlook.office.com/IMAP.AccessAsUser.All" in asked["scope"].split()
    assert asked["login_hint"] == "ann@example.org"
    assert start.verifier not in start.url
    assert "client_secret" not in asked


def test_state_and_verifier_are_new_each_time() -> None:
    ours = registration("google", tenant="common", client_id="id", client_secret="", for_app=False, overrides={})
    starts = [oauth.sign_in(ours, BACK) for _ in range(3)]
    assert len({start.state for start in starts} | {start.verifier for start in starts}) == 6
    assert "access_type=offline" in starts[0].url


def test_a_code_becomes_tokens_and_the_provider_says_who_signed_in(provider: Provider) -> None:
    tokens = signed_in(provider)
    assert tokens.account == "ann@example.org"
    assert tokens.lifetime == timedelta(hours=1)
    assert tokens.access in provider.access_tokens
    assert tokens.refresh == provider.refresh_tokens[-1]


def test_a_code_is_worth_nothing_the_second_time_and_with_another_verifier(provider: Provider) -> None:
    start = oauth.sign_in(at(provider), BACK)
    code = parse_qs(provider.agree(start.url))["code"][0]
    assert isinstance(oauth.exchange(at(provider), code, "another", BACK), Refusal)
    again = oauth.exchange(at(provider), code, start.verifier, BACK)
    assert isinstance(again, Refusal)
    assert "already redeemed" in again.said


def test_a_refusal_has_the_providers_words_and_is_final(provider: Provider) -> None:
    answer = oauth.refresh(at(provider), "an old one")
    assert answer == Refusal("invalid_grant", f"invalid_grant: {EXPIRED}", is_temporary=False)


def test_trouble_at_the_provider_is_temporary(provider: Provider) -> None:
    provider.status = 503
    answer = oauth.client_credentials(at(provider))
    assert isinstance(answer, Refusal)
    assert answer.is_temporary
    nobody = Registration("", f"http://127.0.0.1:{free_port()}/token", "id")
    gone = oauth.refresh(nobody, "x")
    assert isinstance(gone, Refusal)
    assert (gone.code, gone.is_temporary) == ("unreachable", True)


@pytest.mark.parametrize("body", [b"<html>moved</html>", b"[1]", b'{"access_token": 5}', b""])
def test_an_answer_that_is_none_is_a_refusal(body: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body + HANG_UP
    with scripted(b"", lambda line: b"" if line else answer) as port:
        said = oauth.refresh(Registration("", f"http://127.0.0.1:{port}/", "id"), "x")
    assert isinstance(said, Refusal)


def test_a_redirect_is_not_followed(provider: Provider) -> None:
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {provider.url}/token\r\nContent-Length: 0\r\n\r\n".encode()
    with scripted(b"", lambda line: b"" if line else moved) as port:
        answer = oauth.refresh(Registration("", f"http://127.0.0.1:{port}/", "id"), "x")
    assert isinstance(answer, Refusal)
    assert not provider.asked


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://login.microsoftonline.com/common/oauth2/v2.0/token", True),
        ("https://login.example:8443/token", True),
        ("http://127.0.0.1:99/token", True),
        ("http://localhost/token", True),
        ("http://login.example/token", False),
        ("http://127.0.0.1.example/token", False),
        ("http://127.0.0.1@evil.example/token", False),
        ("https://user:pass@login.example/", False),
        ("ftp://login.example/", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://login.example:99999999/", False),
        ("", False),
    ],
)
def test_only_https_is_spoken_with_other_machines(url: str, good: bool) -> None:
    assert is_acceptable(url) is good
    if not good:
        assert isinstance(post_form(url, {}), NoAnswer)


@pytest.mark.parametrize("tenant", ["", "../x", "a/b", "a?b", "a#b", "evil.example/", "..", "a b", "{tenant}"])
def test_a_tenant_cannot_change_where_we_ask(tenant: str) -> None:
    assert not is_tenant(tenant)
    with pytest.raises(ValueError, match="tenant"):
        registration("microsoft", tenant=tenant, client_id="", client_secret="", for_app=False, overrides={})


@pytest.mark.parametrize(
    ("provider_name", "host", "may"),
    [
        ("microsoft", "outlook.office365.com", True),
        ("microsoft", "smtp.office365.com.", True),
        ("microsoft", "office365.com.evil.example", False),
        ("microsoft", "eviloffice365.com", False),
        ("microsoft", "imap.gmail.com", False),
        ("google", "imap.gmail.com", True),
        ("google", "gmail.com.evil.example", False),
    ],
)
def test_a_token_is_for_the_providers_own_servers(provider_name: str, host: str, may: bool) -> None:
    assert may_see_token(provider_name, host, {}) is may


def test_secrets_are_in_no_repr_and_in_no_refusal(provider: Provider) -> None:
    tokens = signed_in(provider)
    start = oauth.sign_in(at(provider), BACK)
    shown = repr((tokens, at(provider), start, Endpoint("h", 1, Security.tls, token=tokens.access)))
    for secret in (tokens.access, tokens.refresh, provider.client_secret, start.verifier, start.state):
        assert secret not in shown
    provider.refusal = ("invalid_grant", f"bad token {tokens.refresh}")
    answer = oauth.refresh(at(provider), tokens.refresh)
    assert isinstance(answer, Refusal)
    assert tokens.refresh not in answer.said


def test_a_token_is_dotted_out_of_a_servers_words() -> None:
    endpoint = Endpoint("h", 1, Security.tls, username="ann", token="t0ken")
    said = without_secrets(f"you said {encoded(endpoint)} and t0ken", endpoint)
    assert said == "you said ••• and •••"


def test_the_json_of_a_refused_token_becomes_readable() -> None:
    assert explained(b'{"status":"401","schemes":"bearer"}') == "status 401, schemes bearer"
    assert explained(b"anything else") == "anything else"

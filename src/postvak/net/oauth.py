"""OAuth 2 (RFC 6749) with PKCE (RFC 7636): sending an agent to the provider, and our requests for tokens.

What a provider refuses is a value with its own words. Tokens, codes and secrets are in no repr and no refusal.
Not here: where tokens are kept and when they are renewed (connect/), and who the providers are (oauth_providers.py).
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from postvak.net.https_form import Answer, NoAnswer, post_form

DEFAULT_LIFETIME = timedelta(hours=1)  # when the provider names none (RFC 6749 section 5.1 only recommends it)
LONGEST_SAID = 1000
FOR_NOW = {"temporarily_unavailable", "server_error", "slow_down"}


@dataclass(frozen=True, slots=True)
class Registration:
    """Our application at a provider: where to ask, who we are, what we ask for."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    asks_also: Mapping[str, str] = field(default_factory=dict)  # further parameters of the sign-in page


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where to send the browser; `state` and `verifier` are kept for the moment when it comes back."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """`refresh` is "" if the provider gave none; `account` if it didn't say who signed in."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    lifetime: timedelta
    account: str = ""
    id_token: str = field(default="", repr=False)  # of OpenID Connect, not checked here (net.oidc)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No tokens: `code` as in RFC 6749 section 5.2, or `unreachable` or `nonsense`; `said` in the provider's words."""

    code: str
    said: str
    is_temporary: bool = False


def sign_in(registration: Registration, redirect_address: str, account: str = "") -> SignIn:
    """The page of the provider where an agent says yes (RFC 6749 section 4.1.1)."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    digest = hashlib.sha256(verifier.encode()).digest()
    fields = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": redirect_address,
        "scope": " ".join(registration.scopes),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **registration.asks_also,
    }
    if account:
        fields["login_hint"] = account
    joint = "&" if "?" in registration.authorize_url else "?"
    return SignIn(f"{registration.authorize_url}{joint}{urlencode(fields)}", state, verifier)


def exchange(registration: Registration, code: str, verifier: str, redirect_address: str) -> Tokens | Refusal:
    """Tokens for the code that the browser brought back (RFC 6749 section 4.1.3)."""
    fields = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_address}
    return _ask(registration, "authorization_code", fields)


def refresh(registration: Registration, refresh_token: str) -> Tokens | Refusal:
    """New tokens (RFC 6749 section 6). The old refresh token may be worth nothing as soon as this was asked."""
    return _ask(registration, "refresh_token", {"refresh_token": refresh_token})


def client_credentials(registration: Registration) -> Tokens | Refusal:
    """An access token for the application itself (RFC 6749 section 4.4)."""
    return _ask(registration, "client_credentials", {"scope": " ".join(registration.scopes)})


def _ask(registration: Registration, grant_type: str, fields: Mapping[str, str]) -> Tokens | Refusal:
    """Client id and secret go in the body: both Microsoft and Google take them there."""
    known = {"grant_type": grant_type, "client_id": registration.client_id, **fields}
    if registration.client_secret:
        known["client_secret"] = registration.client_secret
    answer = post_form(registration.token_url, known)
    if isinstance(answer, NoAnswer):
        return Refusal("unreachable", answer.said, is_temporary=True)
    tokens = _tokens(answer)
    secret = [known[name] for name in ("client_secret", "code", "code_verifier", "refresh_token") if name in known]
    return tokens or _refusal(answer, secret)


def _tokens(answer: Answer) -> Tokens | None:
    access = answer.values.get("access_token")
    if answer.status != 200 or not isinstance(access, str) or not access:
        return None
    given = answer.values.get("refresh_token")
    refresh, signed = given if isinstance(given, str) else "", answer.values.get("id_token")
    return Tokens(access, refresh, _lifetime(answer), _account(answer), signed if isinstance(signed, str) else "")


def _lifetime(answer: Answer) -> timedelta:
    """Some providers write the seconds as text."""
    seconds = str(answer.values.get("expires_in", ""))
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 9 else DEFAULT_LIFETIME


def _account(answer: Answer) -> str:
    """Who signed in, from the ID token. It came from the provider itself over TLS, so its signature need not be
    checked (OpenID Connect Core 3.1.3.7, point 6), and nothing is allowed or denied by it."""
    payload = str(answer.values.get("id_token", "")).partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(claims, dict):
        return ""
    named = (str(claims.get(name, "")) for name in ("email", "preferred_username", "upn"))
    return next((name[:320] for name in named if "@" in name), "")


def _refusal(answer: Answer, secret: list[str]) -> Refusal:
    code = str(answer.values.get("error", "")) or "nonsense"
    text = " ".join(str(answer.values.get("error_description", "")).split())
    if code == "nonsense":
        text = f"HTTP {answer.status}, without a token or an error that we understand"
    for word in secret:
        text = text.replace(word, "•••")
    for_now = answer.status >= 500 or answer.status == 429 or code in FOR_NOW
    return Refusal(code[:100], f"{code[:100]}: {text}"[:LONGEST_SAID].removesuffix(": "), for_now)

"""OpenID Connect (Core 1.0, Discovery 1.0): what a provider says of itself, and whom its signed ID token names.

The way there and the exchange of the code are OAuth 2 (oauth.py). What is wrong is a value: a code with the words of the other side. Not
here: whether somebody so named may come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from postvak.net.https_form import NoAnswer, get_json, is_acceptable

ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
]  # signed by a key pair
LEEWAY = 120  # seconds that clocks may differ by
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """From its discovery document. `issuer`: as its tokens say it."""

    issuer: str
    authorize: str
    token: str
    keys: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """`code`: unreachable, no_document, other_issuer, unsafe, no_keys, bad_token. `said`: in the words of the other side or the library."""

    code: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked ID token says."""

    values: Mapping[str, Any] = field(repr=False)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def is_true(self, name: str) -> bool:
        """Some providers write it as text."""
        return self.values.get(name) in (True, "true", "True", 1, "1")


def discover(issuer: str, *, names_itself: bool = True) -> Provider | Trouble:
    """Ask the provider at `issuer`. Its document must name the same issuer (Discovery 4.3); `names_itself`: false for Microsoft, whose tenants
    may be asked for by a domain and answer with a number."""
    if not is_acceptable(issuer):
        return Trouble("unsafe", issuer)
    answer = get_json(issuer.rstrip("/") + WELL_KNOWN)
    if isinstance(answer, NoAnswer):
        return Trouble("unreachable", answer.said)
    found = {
        name: str(answer.values.get(name) or "")
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    }
    if answer.status != 200 or not all(found.values()):
        words = str(answer.values.get("error_description") or answer.values.get("error") or "")
        return Trouble("no_document", f"HTTP {answer.status} {words}".strip()[:500])
    if names_itself and found["issuer"].rstrip("/") != issuer.rstrip("/"):
        return Trouble("other_issuer", found["issuer"][:500])
    provider = Provider(found["issuer"], found["authorization_endpoint"], found["token_endpoint"], found["jwks_uri"])
    unsafe = [url for url in (provider.authorize, provider.token, provider.keys) if not is_acceptable(url)]
    return Trouble("unsafe", unsafe[0][:500]) if unsafe else provider


def check_id_token(token: str, provider: Provider, *, client_id: str, nonce: str) -> Claims | Trouble:
    """Signature, issuer, audience, times and nonce (Core 3.1.3.7)."""
    key = key_for(token, provider)
    if isinstance(key, Trouble):
        return key
    try:
        values = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=provider.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        return Trouble("bad_token", str(error)[:500])
    if not nonce or values.get("nonce") != nonce:
        return Trouble("bad_token", "the nonce is another one")
    several = isinstance(values["aud"], list) and len(values["aud"]) > 1
    if values.get("azp", "" if several else client_id) != client_id:
        return Trouble("bad_token", "it was made for another application")
    return Claims(values)


def key_for(token: str, provider: Provider) -> "jwt.PyJWK | Trouble":
    """The public key that it says it was signed with."""
    answer = get_json(provider.keys)
    if isinstance(answer, NoAnswer):
        return Trouble("unreachable", answer.said)
    try:
        keys = jwt.PyJWKSet.from_dict(dict(answer.values)).keys
        wanted = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        return Trouble("no_keys", str(error)[:500])
    fitting = [key for key in keys if key.public_key_use in (None, "sig") and wanted in (None, key.key_id)]
    return fitting[0] if fitting else Trouble("no_keys", "no key of the provider has the name that the token says")

"""A small OAuth 2 provider on loopback: sign-in, tokens with PKCE, rotating refresh tokens, client credentials,
and introspection for Dovecot and the SMTP server; OpenID Connect with discovery, keys and signed ID tokens. Refusals look like
Microsoft's."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

Fields = dict[str, str]
EXPIRED = "AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1 Correlation ID: 2"
REVOKED = "AADSTS50173: The provided grant has expired due to it being revoked."


class Refused(Exception):
    """(error, description, HTTP status)"""


@dataclass
class Provider:
    """`asked` is every request for tokens. A test changes the other attributes at any time.

    rotates: each refresh token works once.  grace: the one before the last still works.
    omits_refresh: answers without a refresh token.  refusal: (error, description) for every request.
    status: HTTP status of every answer, for a provider in trouble.  gate: answers wait for it, with their tokens
    already issued; `issued` is set by then.  claims: what ID tokens say besides issuer, audience, times and nonce; `signer`: a key
    that isn't in the list of keys.  calls_itself: the issuer of the discovery document.
    """

    port: int = 0
    account: str = "ann@example.org"
    client_id: str = "postvak-id"
    client_secret: str = "the client's secret"
    rotates: bool = True
    grace: bool = False
    omits_refresh: bool = False
    refusal: tuple[str, str] | None = None
    status: int = 0
    lifetime: int = 3600
    gate: threading.Event = field(default_factory=threading.Event)
    issued: threading.Event = field(default_factory=threading.Event)
    asked: list[Fields] = field(default_factory=list)
    codes: dict[str, Fields] = field(default_factory=dict)
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: dict[str, str] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)
    signer: ec.EllipticCurvePrivateKey | None = None
    calls_itself: str = ""

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Provider"]:
        provider = cls()
        provider.gate.set()

        class Door(_Door):
            owner = provider

        server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        server.daemon_threads = True
        provider.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            provider.gate.set()
            server.shutdown()
            server.server_close()
            thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoints(self) -> Fields:
        """For Grant.endpoints."""
        return {"authorize": f"{self.url}/authorize", "token": f"{self.url}/token", "hosts": "localhost"}

    def reset(self) -> None:
        """As new, at the same port."""
        fresh = Provider(self.port)
        fresh.gate.set()
        self.__dict__.update(fresh.__dict__)

    def expire_access_tokens(self) -> None:
        self.access_tokens.clear()

    def agree(self, sign_in_url: str) -> str:
        """What a person's browser brings back after saying yes: the query of the redirect address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(sign_in_url).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked
        return urlencode({"code": code, "state": asked["state"]})

    # -- answers ------------------------------------------------------------

    def token(self, asked: Fields) -> Fields:
        self.asked.append(asked)
        if self.status:
            raise Refused("temporarily_unavailable", "come back later", self.status)
        if self.refusal:
            raise Refused(*self.refusal, 400)
        if asked["client_id"] != self.client_id or asked.get("client_secret", self.client_secret) != self.client_secret:
            raise Refused("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
        ways = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_secret,
        }
        answer = ways[asked["grant_type"]](asked)
        self.issued.set()
        self.gate.wait(10)
        return answer

    def _by_code(self, asked: Fields) -> Fields:
        begun = self.codes.pop(asked["code"], None)
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge or begun["redirect_uri"] != asked["redirect_uri"]:
            raise Refused("invalid_grant", "AADSTS54005: OAuth2 Authorization code was already redeemed", 400)
        if "nonce" in begun:
            return self._issue(id_token=self.signed(begun["nonce"]))
        return self._issue(id_token=_unsigned({"email": self.account}))

    def signed(self, nonce: str) -> str:
        """An ID token."""
        now = int(time.time())
        usual = {"iss": self.calls_itself or self.url, "aud": self.client_id, "sub": "1", "iat": now, "exp": now + 300}
        values = {**usual, "nonce": nonce, "email": self.account, "email_verified": True, "name": "Ann", **self.claims}
        return jwt.encode(values, self.signer or key(), algorithm="ES256", headers={"kid": "first"})

    def discovery(self) -> dict[str, object]:
        ends = {
            f"{name}_endpoint": f"{self.url}/{path}"
            for name, path in (("authorization", "authorize"), ("token", "token"))
        }
        return {"issuer": self.calls_itself or self.url, **ends, "jwks_uri": f"{self.url}/keys"}

    def _by_refresh_token(self, asked: Fields) -> Fields:
        good = self.refresh_tokens[-2:] if self.grace or not self.rotates else self.refresh_tokens[-1:]
        if asked["refresh_token"] not in good:
            raise Refused("invalid_grant", EXPIRED, 400)
        return self._issue()

    def _by_secret(self, asked: Fields) -> Fields:
        answer = self._issue()
        answer.pop("refresh_token", None)
        return answer

    def _issue(self, **more: str) -> Fields:
        access, renewal = f"access-{secrets.token_urlsafe(900)}", f"refresh-{secrets.token_urlsafe(40)}"
        self.access_tokens[access] = self.account
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": str(self.lifetime), **more}
        if not self.omits_refresh:
            if self.rotates or not self.refresh_tokens:
                self.refresh_tokens.append(renewal)
            answer["refresh_token"] = self.refresh_tokens[-1]
        return answer

    def introspect(self, token: str) -> dict[str, object]:
        account = self.access_tokens.get(token)
        return {"active": account is not None, "email": account or ""}


class _Door(BaseHTTPRequestHandler):
    owner: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        try:
            self._answer(
                200, self.owner.token(asked) if self.path == "/token" else self.owner.introspect(asked["token"])
            )
        except Refused as refused:
            error, text, status = refused.args
            self._answer(status, {"error": error, "error_description": text})

    def do_GET(self) -> None:
        """The sign-in page: this person always says yes at once."""
        if self.path.endswith("/.well-known/openid-configuration"):
            return self._answer(200, self.owner.discovery())
        if self.path == "/keys":
            public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key().public_key()))
            return self._answer(200, {"keys": [{**public, "kid": "first", "use": "sig"}]})
        asked = parse_qs(urlsplit(self.path).query)
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri'][0]}?{self.owner.agree(self.path)}")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _answer(self, status: int, values: Any) -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        """A client that was killed meanwhile is what a test is about."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Not into the output of the tests."""


@cache
def key() -> ec.EllipticCurvePrivateKey:
    """Of the provider."""
    return ec.generate_private_key(ec.SECP256R1())


def _unsigned(claims: dict[str, str]) -> str:
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, claims)
    )
    return ".".join((*parts, ""))

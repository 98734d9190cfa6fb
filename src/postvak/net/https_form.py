"""One POST of a form, or one GET, over HTTPS, and the JSON that comes back: all that OAuth 2 and OpenID Connect need of HTTP.

Never follows a redirect, reads at most `LONGEST_ANSWER` bytes, uses no proxy; private addresses only in the networks that the
installation names (net.reach). Plain http is spoken with this very machine only (a provider for tests). Not here: what the fields mean.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from postvak.net.reach import asking, own_networks

SECONDS = 20.0  # for everything together
LONGEST_ANSWER = 256 * 1024
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`values` is empty when the answer was no JSON object."""

    status: int
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The address isn't one that we speak with, or nobody answered there; `said` says which."""

    said: str


def is_acceptable(url: str) -> bool:
    """https without user and password in it; http only for this very machine."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def post_form(url: str, fields: Mapping[str, str]) -> Answer | NoAnswer:
    """The answer, whatever its status."""
    return _ask("POST", url, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})


def get_json(url: str) -> Answer | NoAnswer:
    """The answer, whatever its status."""
    return _ask("GET", url, None, {})


def _ask(method: str, url: str, body: str | None, headers: Mapping[str, str]) -> Answer | NoAnswer:
    if not is_acceptable(url):
        return NoAnswer("the address of the provider has to begin with https://")
    parts = urlsplit(url)
    path = (parts.path or "/") + _query(parts.query)
    try:
        with asking(parts.scheme, parts.hostname or "", parts.port, SECONDS, own=own_networks()) as connection:
            connection.request(method, path, body, {**headers, "Accept": "application/json"})
            response = connection.getresponse()
            return Answer(response.status, _json(response.read(LONGEST_ANSWER)))
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        # ValueError: a blank or a NUL in the address. AttributeError: cut while it reads.
        return NoAnswer(f"{parts.hostname}: {_words(error)}")


def _query(query: str) -> str:
    return f"?{query}" if query else ""


def _json(body: bytes) -> Mapping[str, object]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__

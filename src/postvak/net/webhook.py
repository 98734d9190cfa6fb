"""One POST of JSON to an address that an administrator chose: a chat's or a pager's incoming hook, or a program of theirs.

Plain http is fine here; private addresses only in the networks that the installation names (net.reach): not everybody who may enter an
address here may look around in the network of the machine. Never follows a redirect, uses no proxy, takes `SECONDS` at most.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from postvak.net.reach import asking, own_networks

SECONDS = 10.0  # for everything together
LONGEST_ANSWER = 64 * 1024
SHOWN = 1000  # letters of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: of HTTP, None when there was no answer; `said`: what came back, or why nothing did, in English."""

    status: int | None
    said: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def is_acceptable(url: str) -> bool:
    """http or https, without user and password in it."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and parts.username is None


def post_json(url: str, values: Mapping[str, object], *, seconds: float = SECONDS) -> str:
    """What went wrong, in English; "" when the address took it (status 200 to 299)."""
    if not is_acceptable(url):
        return "the address has to begin with http:// or https://"
    answer = post(url, json.dumps(values, ensure_ascii=False).encode(), seconds=seconds)
    host = urlsplit(url).hostname
    if answer.status is None:
        return f"{host}: {answer.said}"
    return "" if answer.is_taken else f"{host} answered {answer.status}"


def post(
    url: str, body: bytes, headers: Mapping[str, str] | None = None, *, seconds: float = SECONDS, shown: int = SHOWN
) -> Answer:
    """`body` is JSON in UTF-8; `url` has to be acceptable. `shown`: letters of the answer that are wanted."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = {"Content-Type": "application/json", "User-Agent": "Postvak"}
    try:
        with asking(parts.scheme, parts.hostname or "", parts.port, seconds, own=own_networks()) as connection:
            connection.request("POST", path, body, {**usual, **(headers or {})})
            response = connection.getresponse()
            text = response.read(LONGEST_ANSWER).decode("utf-8", "replace").replace("\0", "")
            return Answer(response.status, text[:shown])
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:  # the last: cut while it reads
        return Answer(None, str(error) or type(error).__name__)

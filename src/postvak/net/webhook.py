"""One POST of JSON to an address that an administrator chose, such as a chat's or a pager's incoming hook.

Plain http and private addresses are fine here: only administrators enter the address, and nothing of the answer is shown
but its status. Never follows a redirect, uses no proxy, takes `SECONDS` at most.
"""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

SECONDS = 10.0  # for everything together
LONGEST_ANSWER = 64 * 1024


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
    parts = urlsplit(url)
    connection = connection_to(parts.scheme, parts.hostname or "", parts.port, seconds)
    guard = threading.Timer(seconds, cut, [connection])  # the time limit of a socket is for each read alone
    guard.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        body = json.dumps(values, ensure_ascii=False).encode()
        connection.request("POST", path, body, {"Content-Type": "application/json", "User-Agent": "Postvak"})
        response = connection.getresponse()
        response.read(LONGEST_ANSWER)
        return "" if 200 <= response.status < 300 else f"{parts.hostname} answered {response.status}"
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:  # the last: cut while it reads
        return f"{parts.hostname}: {error or type(error).__name__}"
    finally:
        guard.cancel()
        connection.close()


def connection_to(scheme: str, host: str, port: int | None, seconds: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=seconds)


def cut(connection: http.client.HTTPConnection) -> None:
    """Wake who waits for an answer that trickles in."""
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)

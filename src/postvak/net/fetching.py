"""One GET from an address that strangers may have written: in a certificate, a key, a mail.

Only http and https on their own ports, and only to public addresses (net.reach). Follows no redirect, takes `SECONDS` and `most` bytes.
"""

import http.client
from urllib.parse import SplitResult, urlsplit

from postvak.net.reach import PORTS, OffLimits, asking

SECONDS = 20.0  # for everything together


class CannotFetch(Exception):
    """The text says why, in English."""


def fetch(url: str, *, most: int, seconds: float = SECONDS) -> bytes:
    """What the address answers. Raises CannotFetch."""
    parts = checked(url)
    host = parts.hostname or ""
    try:
        with asking(parts.scheme, host, parts.port, seconds) as connection:
            return answered(connection, parts, most)
    except OffLimits as error:
        raise CannotFetch(f"{host} is not an address of the public internet") from error
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:  # the last: cut while it reads
        raise CannotFetch(f"{host}: {str(error) or type(error).__name__}") from error


def checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise CannotFetch("this is no address") from error
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None:
        raise CannotFetch("the address has to begin with http:// or https://")
    if port not in (None, PORTS[parts.scheme]):
        raise CannotFetch(f"{parts.hostname}: only the usual port is asked")
    return parts


def answered(connection: http.client.HTTPConnection, parts: SplitResult, most: int) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", path, headers={"User-Agent": "Postvak", "Accept": "*/*"})
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise CannotFetch(f"{parts.hostname} answered {response.status}")
    content = response.read(most + 1)
    if len(content) > most:
        raise CannotFetch(f"{parts.hostname}: larger than {most} bytes")
    return content

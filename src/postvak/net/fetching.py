"""One GET from an address that strangers may have written: in a certificate, a key, a mail.

Only http and https on their own ports, and only to public addresses: what runs on this machine or in its network is never asked (SSRF).
The name is looked up once, and that address is connected to. Follows no redirect, uses no proxy, takes `SECONDS` and `most` bytes.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

SECONDS = 20.0  # for everything together
PORTS = {"http": 80, "https": 443}


class CannotFetch(Exception):
    """The text says why, in English."""


def fetch(url: str, *, most: int, seconds: float = SECONDS) -> bytes:
    """What the address answers. Raises CannotFetch."""
    parts = checked(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.sock = connected(parts.scheme, host, port, seconds)
        guard = threading.Timer(seconds, cut, [connection.sock])  # the time limit of a socket is for each read alone
        guard.start()
        try:
            return answered(connection, parts, most)
        finally:
            guard.cancel()
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        raise CannotFetch(f"{host}: {str(error) or type(error).__name__}") from error
    finally:
        connection.close()


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


def connected(scheme: str, host: str, port: int, seconds: float) -> socket.socket:
    """To an address that is looked up and judged here, so that a second answer of DNS changes nothing."""
    plain = socket.create_connection((public_address(host, port), port), seconds)
    if scheme == "http":
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def public_address(host: str, port: int) -> str:
    """One that leaves this network; one bad one among several spoils all."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(one) for one in found):
        raise CannotFetch(f"{host} is not an address of the public internet")
    return found[0]


def is_public(address: str) -> bool:
    known = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(known, "ipv4_mapped", None)
    judged = mapped or known
    return judged.is_global and not judged.is_multicast


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


def cut(connection: socket.socket) -> None:
    """Wake who waits for an answer that trickles in."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

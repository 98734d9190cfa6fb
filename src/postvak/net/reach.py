"""HTTP connections to addresses that somebody typed or wrote into a mail: only to the public internet (SSRF).

What runs on this machine or in its network is asked only where the installation says so (POSTVAK_OWN_NETWORKS), and never for an
address that a stranger wrote. The name is looked up once and that address is connected to, so that a second answer of DNS changes
nothing. No proxy, no redirects. Not here: mail servers and object storage, which may stand anywhere.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

PORTS = {"http": 80, "https": 443}
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
# Never public, and not known as such to every Python: protocols' own, NAT64 of one's own, site-local, IPv4-compatible, 6to4.
NOT_PUBLIC = tuple(map(ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10", "::/96", "2002::/16")))
Networks = Sequence[IPv4Network | IPv6Network]


class OffLimits(OSError):
    """The name leads to where nobody is asked; the text says so, in English."""


def own_networks() -> Networks:
    """Those of POSTVAK_OWN_NETWORKS, for addresses that administrators enter."""
    found: Networks = settings.CONFIGURATION.own_networks
    return found


@contextmanager
def asking(
    scheme: str, host: str, port: int | None, seconds: float, *, own: Networks = ()
) -> Iterator[http.client.HTTPConnection]:
    """A connection for one request, cut after `seconds` even when bytes trickle in. `port`: None for the usual one; `own`:
    networks that are allowed beside the public internet. Raises OSError (OffLimits among them) and ValueError; who reads while it is
    cut may get an AttributeError as well."""
    plain = dialled(host, port or PORTS[scheme], seconds, own)
    connection = over(scheme, plain, host, port, seconds)
    spoken = connection.sock
    guard = threading.Timer(seconds, cut, [spoken])  # the time limit of a socket is for each read alone
    guard.start()
    try:
        if isinstance(spoken, ssl.SSLSocket):
            spoken.do_handshake()
        yield connection
    finally:
        guard.cancel()
        connection.close()


def over(scheme: str, plain: socket.socket, host: str, port: int | None, seconds: float) -> http.client.HTTPConnection:
    """HTTP over this connection; with https its certificate is checked for `host` when the handshake is made."""
    try:
        if scheme == "http":
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
            connection.sock = plain
        else:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
            connection.sock = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except (OSError, ValueError):
        plain.close()
        raise
    connection.auto_open = 0  # it never looks for a way of its own
    return connection


def dialled(host: str, port: int, seconds: float, own: Networks) -> socket.socket:
    """To the first address that answers. Raises OSError."""
    *others, last = allowed_addresses(host, port, own)
    for address in others:
        with suppress(OSError):  # the next may answer: not every machine speaks IPv6
            return socket.create_connection((address, port), seconds)
    return socket.create_connection((last, port), seconds)


def allowed_addresses(host: str, port: int, own: Networks) -> list[str]:
    """Those that the name has now, at least one; one bad one among several spoils all. Raises OffLimits, socket.gaierror."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(one) or is_own(one, own) for one in found):
        raise OffLimits("no address of the public internet, nor of a network in POSTVAK_OWN_NETWORKS")
    return found


def is_public(address: str) -> bool:
    """Does it leave this network? What gateways read out of an IPv6 address counts."""
    known = plain_address(address)
    if any(known in network for network in NOT_PUBLIC):
        return False
    return known.is_global and not known.is_multicast


def is_own(address: str, own: Networks) -> bool:
    known = plain_address(address)
    return any(known in network for network in own)


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """Without a zone; of an IPv4 address in the dress of an IPv6 one the IPv4 address."""
    known = ip_address(address.partition("%")[0])
    if isinstance(known, IPv6Address) and known in NAT64:
        return IPv4Address(int(known) & 0xFFFFFFFF)
    return getattr(known, "ipv4_mapped", None) or known


def cut(connection: socket.socket) -> None:
    """Wake who waits for an answer that trickles in."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

"""Opens the ports of the listener, at start and by the first process: what is wrong is said before anything runs."""

import contextlib
import errno
import socket
from collections.abc import Sequence
from pathlib import Path

from postvak.configuration import ConfigurationError, ListenAddress, Listening
from postvak.receive.listener.reception import read_certificate

BACKLOG = 200


def open_ports(listening: Listening) -> list[tuple[ListenAddress, socket.socket]]:
    """Listening sockets, after a look at the certificate. Raises ConfigurationError with one sentence."""
    read_certificate(listening)
    return open_sockets(listening.addresses)


def open_sockets(addresses: Sequence[ListenAddress]) -> list[tuple[ListenAddress, socket.socket]]:
    opened: list[tuple[ListenAddress, socket.socket]] = []
    try:
        for address in addresses:
            opened.append((address, open_unix(address) if address.path else open_tcp(address)))
    except OSError as error:
        for _address, listening in opened:
            listening.close()
        raise ConfigurationError(refusal(address, error)) from error
    return opened


def refusal(address: ListenAddress, error: OSError) -> str:
    said = error.strerror or str(error)
    setting = f"POSTVAK_LISTEN_{address.protocol.upper()}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{address} is taken by another program ({said}). Stop it, choose another address in {setting}, or, if it "
            "is another worker of this installation, start this one with --only and without listen."
        )
    return f"{address} can't be used for incoming mail ({said}). Choose another address in {setting}."


def open_tcp(address: ListenAddress) -> socket.socket:
    family, kind, protocol, _name, place = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def open_unix(address: ListenAddress) -> socket.socket:
    """For this user and its group. What a process that was killed left behind is replaced."""
    path = Path(address.path)
    if path.is_socket() and not is_answered(path):
        path.unlink()
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.bind(address.path)
        path.chmod(0o660)
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(ConnectionRefusedError):
        probe.connect(str(path))
        return True
    return False

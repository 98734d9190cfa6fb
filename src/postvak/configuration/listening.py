"""Where mail may be handed in: POSTVAK_LISTEN_SMTP, _LMTP, _CERT, _KEY, _LIMITS and _BACKLOG."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from postvak.configuration.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where mail may be handed in: `protocol` is "smtp" or "lmtp"; host and port, or the path of a Unix socket."""

    protocol: str
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"unix:{self.path}" if self.path else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listening:
    """The listener for forwarded mail. Without addresses there is none, without certificate no STARTTLS."""

    addresses: tuple[ListenAddress, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    connections_per_ip: int = 20
    mails_per_minute: int = 1000  # from one IP address
    backlog: int = 100_000  # mails that may wait to be processed before no more are taken; 0: any number


def read_listening(environment: Mapping[str, str]) -> Listening:
    """Addresses with commas between them: `127.0.0.1:2525`, `[::1]:2525`, `unix:/run/postvak/lmtp`."""
    addresses = [
        read_listen_address(protocol, text.strip())
        for protocol in ("smtp", "lmtp")
        for text in environment.get(f"POSTVAK_LISTEN_{protocol.upper()}", "").split(",")
        if text.strip()
    ]
    certificate, key = (environment.get(f"POSTVAK_LISTEN_{name}", "") for name in ("CERT", "KEY"))
    if bool(certificate) != bool(key):
        raise ConfigurationError("POSTVAK_LISTEN_CERT and POSTVAK_LISTEN_KEY belong together: set both or none.")
    connections, mails = read_limits(environment.get("POSTVAK_LISTEN_LIMITS", "20/1000"))
    return Listening(
        tuple(addresses),
        Path(certificate) if certificate else None,
        Path(key) if key else None,
        connections,
        mails,
        read_backlog(environment.get("POSTVAK_LISTEN_BACKLOG", "100000")),
    )


def read_listen_address(protocol: str, text: str) -> ListenAddress:
    if text.startswith("unix:/"):
        return ListenAddress(protocol, path=text.removeprefix("unix:"))
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigurationError(
            f"POSTVAK_LISTEN_{protocol.upper()} can't be read: '{text}'. "
            "Write it like 127.0.0.1:2525 or unix:/run/postvak/mail, several with a comma between them."
        )
    return ListenAddress(protocol, host.strip("[]"), int(port))


def read_limits(text: str) -> tuple[int, int]:
    connections, _, mails = text.partition("/")
    if not connections.isdecimal() or not mails.isdecimal():
        raise ConfigurationError(
            f"POSTVAK_LISTEN_LIMITS can't be read: '{text}'. Write the connections that one IP address may have at "
            "once and the mails that it may send in a minute, like 20/1000."
        )
    return int(connections), int(mails)


def read_backlog(text: str) -> int:
    if not text.isdecimal():
        raise ConfigurationError(
            f"POSTVAK_LISTEN_BACKLOG can't be read: '{text}'. Write how many mails may wait to be processed before no more are "
            "taken for now, like 100000; 0 stands for any number."
        )
    return int(text)

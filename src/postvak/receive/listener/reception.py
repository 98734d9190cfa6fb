"""What all connections of a listener share: who is connected, who gets mail, how much is too much, the certificate."""

import logging
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error

from postvak.configuration import ConfigurationError, Listening
from postvak.receive.listener.crowd import Crowd
from postvak.receive.listener.directory import Directory, Lookup
from postvak.receive.listener.limits import Limits
from postvak.receive.listener.pressure import Pressure
from postvak.receive.listener.writer import Writer
from postvak.receive.refusing import Reason

log = logging.getLogger("postvak.listen")


class Certificate:
    """Read again when its file changes: certificates are renewed while we run."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate, self.key = certificate, key
        self.changed_at = certificate.stat().st_mtime_ns
        self.context = self.read()

    def read(self) -> ssl.SSLContext:
        """Raises OSError, ssl.SSLError."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def current(self) -> ssl.SSLContext:
        """The newest one that can be read."""
        try:
            changed_at = self.certificate.stat().st_mtime_ns
            if changed_at != self.changed_at:
                self.context, self.changed_at = self.read(), changed_at
        except (OSError, ssl.SSLError) as error:
            log.error("the new certificate %s can't be used (%s); the old one stays", self.certificate, error)
        return self.context


class Reception:
    """Lives in the event loop of one listener. `is_stopping`: nobody new is let in. `worker`: whose it is."""

    def __init__(self, listening: Listening, writer: Writer, worker: str = "") -> None:
        self.writer, self.crowd = writer, Crowd(worker)
        self.limits = Limits(listening.connections_per_ip, listening.mails_per_minute)
        self.lookup = Lookup()
        self.pressure = Pressure(self.limits, writer, listening.backlog, worker)
        self.hostname = urlsplit(settings.CONFIGURATION.url).hostname or socket.getfqdn()
        self.certificate = read_certificate(listening)
        self.sessions: set[Any] = set()
        self.is_stopping = False

    def admit(self, session: object, ip: str) -> bool:
        if self.is_stopping:
            return False
        if not self.limits.enter(ip):
            if self.limits.is_crowded():
                self.pressure.note(Reason.CROWD)
            return False
        self.sessions.add(session)
        return True

    def dismiss(self, session: object, ip: str) -> None:
        if session in self.sessions:
            self.sessions.remove(session)
            self.limits.leave(ip)

    def tls_context(self) -> ssl.SSLContext | None:
        return self.certificate.current() if self.certificate else None

    async def directory(self) -> Directory:
        """Who gets mail now. Raises what the database says."""
        return await self.lookup.directory()

    async def known_directory(self) -> Directory:
        """The same; the last one while the database doesn't answer. Good enough for what isn't about recipients."""
        try:
            return await self.lookup.directory()
        except Error as error:
            log.warning("the forwarding addresses can't be read now: %s", error)
            return self.lookup.current


def read_certificate(listening: Listening) -> Certificate | None:
    """Raises ConfigurationError."""
    if listening.certificate is None or listening.key is None:
        return None
    try:
        return Certificate(listening.certificate, listening.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate {listening.certificate} with the key {listening.key} can't be used ({error}). "
            "POSTVAK_LISTEN_CERT and POSTVAK_LISTEN_KEY name files in PEM form that this user may read."
        ) from error

"""Until when the certificate of a mail server is valid, looked at without trusting it: `postvak doctor` warns beforehand."""

import imaplib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography import x509

from postvak.net.connection import Endpoint, Security

SECONDS = 10.0


def certificate_end(endpoint: Endpoint, protocol: str) -> datetime | None:
    """`protocol`: "imap", "pop3" or "smtp". None: there is no TLS, or it can't be looked at (the log-in says why)."""
    if endpoint.security is Security.none:
        return None
    try:
        raw = shown_at_once(endpoint) if endpoint.security is Security.tls else UPGRADES[protocol](endpoint)
        return x509.load_der_x509_certificate(raw).not_valid_after_utc if raw else None
    except (OSError, ValueError, EOFError, imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException):
        return None


def curious() -> ssl.SSLContext:
    """Nothing is said over such a connection: it only shows the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shown_at_once(endpoint: Endpoint) -> bytes | None:
    with (
        socket.create_connection((endpoint.host, endpoint.port), SECONDS) as plain,
        curious().wrap_socket(plain, server_hostname=endpoint.host) as connection,
    ):
        return connection.getpeercert(binary_form=True)


def of_imap(endpoint: Endpoint) -> bytes | None:
    session = imaplib.IMAP4(endpoint.host, endpoint.port, SECONDS)
    try:
        session.starttls(curious())
        return shown_by(session.sock)
    finally:
        session.shutdown()


def of_pop3(endpoint: Endpoint) -> bytes | None:
    session = poplib.POP3(endpoint.host, endpoint.port, SECONDS)
    try:
        session.stls(curious())
        return shown_by(session.sock)
    finally:
        session.close()


def of_smtp(endpoint: Endpoint) -> bytes | None:
    session = smtplib.SMTP(endpoint.host, endpoint.port, timeout=SECONDS)
    try:
        session.starttls(context=curious())
        return shown_by(session.sock)
    finally:
        session.close()


def shown_by(connection: object) -> bytes | None:
    return connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None


UPGRADES: Mapping[str, Callable[[Endpoint], bytes | None]] = {"imap": of_imap, "pop3": of_pop3, "smtp": of_smtp}

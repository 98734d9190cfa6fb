"""Opening an SMTP connection (RFC 5321): greeting, EHLO, STARTTLS, login – with everything written down.

Mails are sent by postvak.send.smtp over the `Wire` that `open_wire` returns.
"""

import base64
import hmac
import smtplib
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO

from postvak.net import xoauth2
from postvak.net.connection import (
    ConnectionProblem,
    Endpoint,
    Problem,
    Security,
    as_text,
    cipher_of,
    problem_at,
    problems,
    tls_context,
    without_secrets,
    words,
)
from postvak.net.time_limit import LOG_IN, Limit, dial, time_limit

GOODBYE_SECONDS = 3.0
CHUNK = 65_536  # bytes per sendall(), whose time limit is for the whole call
_CLOSING = 421
_TRY_ANOTHER = (500, 504, 534)  # mechanism unknown or too weak (RFC 4954 section 6)


class Wire(smtplib.SMTP):
    """smtplib's connection that encrypts as the endpoint says and records the dialogue without secrets."""

    def __init__(self, endpoint: Endpoint, lines: list[str], limit: Limit) -> None:
        self._endpoint = endpoint
        self._limit = limit
        self._lines = lines
        self._spoken_as = ""
        super().__init__(endpoint.host, endpoint.port, "localhost", timeout=endpoint.connect_timeout)
        self.command_encoding = "utf-8"

    def connect(self, host: str = "localhost", port: int = 0, source_address: object = None) -> tuple[int, bytes]:
        """Dial, encrypt if TLS starts at once, and read the greeting."""
        self.sock, self.file = dial(self._endpoint, self._limit), None
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the final dot waits 40 ms for its ACK
        greeting = self.getreply()
        self.note_encryption()
        return greeting

    def say_all(self, commands: Sequence[str]) -> None:
        """Several commands at once (RFC 2920); the replies are read by getreply(), one for each."""
        for command in commands:
            if "\r" in command or "\n" in command:
                raise ValueError("a command is one line")
            self._note(f"C: {command}")
        self.send("".join(f"{command}\r\n" for command in commands))

    def putcmd(self, cmd: str, args: str = "") -> None:
        self._note("C: " + (self._spoken_as or f"{cmd} {args}".rstrip()))
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = WholeLines(self.sock.makefile("rb"))
        code, text = super().getreply()
        lines = as_text(text).split("\n")
        for line in lines[:-1]:
            self._note(f"S: {code}-{line}")
        self._note(f"S: {code} {lines[-1]}")
        return code, text

    def hushed(self, line: str, spoken_as: str) -> tuple[int, bytes]:
        """A command whose words stay out of the dialogue."""
        self._spoken_as = spoken_as
        try:
            return self.docmd(line)
        finally:
            self._spoken_as = ""

    def transmit(self, content: bytes) -> None:
        """Send the dot-stuffed mail and the final dot; if this raises, the final dot did not arrive."""
        self._note(f"C: ({len(content)} bytes of mail, then the final dot)")
        view, whole = memoryview(content), len(content) // CHUNK * CHUNK
        for start in range(0, whole, CHUNK):
            self.send(view[start : start + CHUNK])
        self.send(bytes(view[whole:]) + b".\r\n")

    def note_encryption(self) -> None:
        """As a line of the dialogue that nobody said: protocol and cipher, from now on."""
        if cipher := cipher_of(self.sock):
            self._note(f"({cipher})")

    def limit(self, seconds: float) -> None:
        """How long to wait for what comes next."""
        if self.sock is not None:
            self.sock.settimeout(seconds)

    @property
    def size_limit(self) -> int:
        """What the server announced (RFC 1870), in bytes; 0 if nothing."""
        announced = self.esmtp_features.get("size", "").strip()
        return int(announced) if announced.isdecimal() else 0

    def say_goodbye(self) -> None:
        """QUIT without waiting long, and close; raises nothing."""
        with suppress(OSError, smtplib.SMTPException), time_limit(self._endpoint, GOODBYE_SECONDS, self.sock):
            self.limit(GOODBYE_SECONDS)
            self.quit()
        self.close()

    def _note(self, line: str) -> None:
        self._lines.append(without_secrets(line, self._endpoint))


class WholeLines:
    """What smtplib reads replies from: a line that breaks off is no reply, whatever its first bytes look like."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        if line and len(line) < limit and not line.endswith(b"\n"):
            raise ConnectionResetError("the reply broke off")
        return line

    def close(self) -> None:
        self._file.close()


def open_wire(endpoint: Endpoint, local_hostname: str, lines: list[str]) -> Wire:
    """A connection ready for MAIL.  A `ConnectionProblem` has what was said in `details["dialogue"]`."""
    try:
        with time_limit(endpoint, LOG_IN) as limit:
            wire = _greeted(endpoint, lines, limit)
            try:
                with problems(endpoint):
                    _prepare(wire, endpoint, local_hostname)
            except BaseException:
                wire.close()
                raise
    except ConnectionProblem as problem:
        problem.details["dialogue"] = "\n".join(lines)
        raise
    return wire


def _greeted(endpoint: Endpoint, lines: list[str], limit: Limit) -> Wire:
    with problems(endpoint):
        try:
            return Wire(endpoint, lines, limit)
        except smtplib.SMTPConnectError as error:
            if error.smtp_code != _CLOSING:
                raise
            raise problem_at(endpoint, Problem.unavailable, words(error), code=str(_CLOSING)) from error


def _prepare(wire: Wire, endpoint: Endpoint, local_hostname: str) -> None:
    wire.limit(endpoint.read_timeout)
    wire.local_hostname = local_hostname or _own_name(wire)
    wire.ehlo_or_helo_if_needed()
    if endpoint.security is Security.starttls:
        if not wire.has_extn("starttls"):
            raise problem_at(endpoint, Problem.no_starttls, as_text(wire.ehlo_resp or b""))
        wire.starttls(context=tls_context(endpoint))
        wire.note_encryption()
        wire.ehlo_or_helo_if_needed()
    if endpoint.username:
        _log_in(wire, endpoint)


def _own_name(wire: Wire) -> str:
    """The machine's full name, else its address (RFC 5321 section 4.1.3); asks no name server."""
    name = socket.gethostname()
    if "." in name or wire.sock is None:
        return name
    address = str(wire.sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


# -- logging in (RFC 4954) ------------------------------------------------------------


def _log_in(wire: Wire, endpoint: Endpoint) -> None:
    """The first mechanism that both know."""
    offered = wire.esmtp_features.get("auth", "").upper().split()
    common = [mechanism for mechanism in _order(endpoint) if mechanism in offered]
    if not common:
        ways = " ".join(dict.fromkeys(offered)) or "none"
        said = f"no way of logging in that we know; the server offers: {ways}"
        raise problem_at(endpoint, Problem.login_refused, said)
    for mechanism in common:
        code, text = _MECHANISMS[mechanism](wire, endpoint)
        if code == 235:
            return
        if code not in _TRY_ANOTHER:
            break
    raise problem_at(endpoint, _problem_of_login(code), f"{code} {as_text(text)}", code=str(code))


def _problem_of_login(code: int) -> Problem:
    if not 400 <= code < 600:
        return Problem.protocol
    return Problem.rejected if code < 500 else Problem.login_refused


def _order(endpoint: Endpoint) -> tuple[str, ...]:
    """With a token only XOAUTH2; else over TLS the simple ones, in plain text rather CRAM-MD5."""
    if endpoint.token:
        return (xoauth2.MECHANISM,)
    encrypted = endpoint.security is not Security.none
    return ("PLAIN", "LOGIN", "CRAM-MD5") if encrypted else ("CRAM-MD5", "PLAIN", "LOGIN")


def _xoauth2(wire: Wire, endpoint: Endpoint) -> tuple[int, bytes]:
    code, text = wire.hushed(f"AUTH XOAUTH2 {xoauth2.encoded(endpoint)}", "AUTH XOAUTH2 •••")
    if code != 334:
        return code, text
    challenge = xoauth2.decoded(text)
    code, text = wire.hushed("", "")
    return code, xoauth2.joined(as_text(text), challenge).encode()


def _plain(wire: Wire, endpoint: Endpoint) -> tuple[int, bytes]:
    """RFC 4616, in UTF-8."""
    token = f"\0{endpoint.username}\0{endpoint.password}"
    return wire.hushed(f"AUTH PLAIN {_base64(token)}", "AUTH PLAIN •••")


def _login(wire: Wire, endpoint: Endpoint) -> tuple[int, bytes]:
    code, text = wire.docmd("AUTH", "LOGIN")
    for answer in (endpoint.username, endpoint.password):
        if code == 334:
            code, text = wire.hushed(_base64(answer), "•••")
    return code, text


def _cram_md5(wire: Wire, endpoint: Endpoint) -> tuple[int, bytes]:
    """RFC 2195."""
    code, text = wire.docmd("AUTH", "CRAM-MD5")
    if code != 334:
        return code, text
    digest = hmac.new(endpoint.password.encode(), base64.b64decode(text), "md5").hexdigest()
    return wire.hushed(_base64(f"{endpoint.username} {digest}"), "•••")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_MECHANISMS: dict[str, Callable[[Wire, Endpoint], tuple[int, bytes]]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    xoauth2.MECHANISM: _xoauth2,
}

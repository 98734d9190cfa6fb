"""A scripted SMTP server (aiosmtpd in a thread): takes mail, or refuses it exactly as a test wants."""

import asyncio
import base64
import hmac
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, syntax

from postvak.net.connection import Endpoint, Security
from tests.servers import short_folder
from tests.servers.tls import Certificates, make_certificates


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that the server took: SMTP envelope, the bytes (dots unstuffed), and how it came."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    mail_options: tuple[str, ...] = ()
    username: str = ""


@dataclass
class Behaviour:
    """What the server does instead of saying 250.  Empty means: behave.

    recipients: address -> reply to its RCPT, such as "550 5.1.1 no such user".
    sender / data_command / data: reply to MAIL, to DATA (instead of 354), to the final dot.
    drop: hang up at "mail", "rcpt" (the second one), "data_command", "content" (after its 354), "before_reply" (the mail is stored, the
    final reply never sent) or "after_reply".
    delay: seconds before the mail is taken.  late: seconds between that and the final reply.
    greylists: the first RCPT of each address is refused for now.
    mails_per_connection: the next MAIL after so many gets a 421 and the end.
    """

    recipients: Mapping[str, str] = field(default_factory=dict)
    sender: str = ""
    data_command: str = ""
    data: str = ""
    drop: str = ""
    delay: float = 0.0
    late: float = 0.0
    greylists: bool = False
    mails_per_connection: int = 0


class SmtpServer:
    """Ports `port` (plain, STARTTLS) and `tls_port`; `mails` is all that was taken, in order.

    `behaviour` may be replaced at any time; `users` (name -> password) turns AUTH on, `tokens` (access token ->
    name) XOAUTH2.  `connections`: so many were made; `most_open`: so many at the same time; `closed`: with QUIT or
    without, they are over.  `pipelining`: it is offered (it always works).
    """

    def __init__(self, certificates: Certificates, users: Mapping[str, str], starttls: bool) -> None:
        self.ca_pem = certificates.ca_pem
        self.users = dict(users)
        self.tokens: Mapping[str, str] | None = None
        self.behaviour = Behaviour()
        self.port = self.tls_port = 0
        self.connections = self.most_open = self.open = 0
        self.pipelining = True
        self.known: set[str] = set()
        self._certificates = certificates
        self._starttls = starttls
        self._mails: list[Received] = []
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()

    @classmethod
    @contextmanager
    def running(
        cls,
        tmp: Path | None = None,
        *,
        users: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        starttls: bool = True,
        names: tuple[str, ...] = ("localhost", "127.0.0.1"),
        self_signed: bool = False,
        options: Mapping[str, Any] | None = None,
        host: str = "127.0.0.1",
    ) -> Iterator["SmtpServer"]:
        """Start, yield, stop.

        `names` and `self_signed` are about the certificate; `options` go to aiosmtpd's SMTP (enable_SMTPUTF8,
        data_size_limit …).
        """
        with short_folder(tmp, "pvs-") as folder:
            certificates = make_certificates(folder, names=names, self_signed=self_signed)
            server = cls(certificates, users or {}, starttls)
            server.tokens = tokens
            thread = threading.Thread(target=server._loop.run_forever, daemon=True)
            thread.start()
            listeners = asyncio.run_coroutine_threadsafe(server._listen(host, dict(options or {})), server._loop)
            stop = listeners.result(10)
            try:
                yield server
            finally:
                asyncio.run_coroutine_threadsafe(stop(), server._loop).result(10)
                server._loop.call_soon_threadsafe(server._loop.stop)
                thread.join(10)
                server._loop.close()

    async def _listen(self, host: str, options: dict[str, Any]) -> Any:
        def protocol(*, encrypted: bool) -> "_Session":
            self.connections += 1
            return _Session(self, self._certificates, options, starttls=self._starttls and not encrypted)

        plain = await self._loop.create_server(lambda: protocol(encrypted=False), host, 0)
        context = self._certificates.server_context()
        tls = await self._loop.create_server(lambda: protocol(encrypted=True), host, 0, ssl=context)
        self.port, self.tls_port = (listener.sockets[0].getsockname()[1] for listener in (plain, tls))

        async def stop() -> None:
            plain.close()
            tls.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        return stop

    # -- for the tests ------------------------------------------------------------

    @property
    def mails(self) -> list[Received]:
        with self._changed:
            return list(self._mails)

    def wait_for(self, n: int, timeout: float = 10.0) -> list[Received]:
        """The mails as soon as there are n of them; TimeoutError after that many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._mails) >= n, timeout):
                raise TimeoutError(f"{len(self._mails)} of {n} mails arrived within {timeout:g} s")
            return list(self._mails)

    def reset(self) -> None:
        """Forget the mails and behave."""
        with self._changed:
            self._mails.clear()
            self.behaviour = Behaviour()

    def keep(self, mail: Received) -> None:
        with self._changed:
            self._mails.append(mail)
            self._changed.notify_all()

    def endpoint(
        self,
        security: Security = Security.starttls,
        username: str = "",
        password: str = "",
        read_timeout: float = 60.0,
    ) -> Endpoint:
        """This server with its own CA."""
        port = self.tls_port if security is Security.tls else self.port
        return Endpoint(
            "localhost", port, security, ca_pem=self.ca_pem, username=username, password=password,
            read_timeout=read_timeout,
        )  # fmt: skip


class _Session(SMTP):
    """One connection; follows `server.behaviour` at each step."""

    line_length_limit = 1_000_000  # aiosmtpd's own 1,001 refuses what real mail contains

    def __init__(
        self, server: SmtpServer, certificates: Certificates, options: dict[str, Any], *, starttls: bool
    ) -> None:
        self._scripted = server
        self.hang_up_after_reply = False
        self.taken, self.is_counted = 0, False
        settings: dict[str, Any] = {"enable_SMTPUTF8": True, "hostname": "mx.test", "ident": "ready"}
        settings |= options
        if starttls:
            settings["tls_context"] = certificates.server_context()
        if server.users or server.tokens is not None:
            settings |= {"authenticator": self._check, "auth_require_tls": False}
        else:
            settings["auth_exclude_mechanism"] = ["PLAIN", "LOGIN", "CRAM-MD5"]
        super().__init__(_Hooks(server), loop=asyncio.get_running_loop(), **settings)
        if server.tokens is None:
            self._auth_methods.pop("XOAUTH2", None)
        self.command_size_limits["AUTH"] = 12_288  # RFC 4954 section 4; aiosmtpd stops at 512
        self._auth_required = bool(server.users) or server.tokens is not None  # as an argument it warns each time

    def _check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        name, password = data.login.decode(), data.password.decode()
        return AuthResult(success=self._scripted.users.get(name) == password, handled=False, auth_data=name)

    async def auth_XOAUTH2(self, _server: Any, args: list[str]) -> AuthResult:
        """As Google describes it: a refusal is JSON in a 334, answered by an empty line, then 535."""
        said = base64.b64decode(args[1]) if len(args) > 1 else await self.challenge_auth("")
        parts = dict(part.split("=", 1) for part in bytes(said).decode().split("\1") if part)
        token = parts["auth"].removeprefix("Bearer ")
        if (self._scripted.tokens or {}).get(token) == parts["user"]:
            return AuthResult(success=True, auth_data=parts["user"])
        await self.challenge_auth('{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}')
        await self.push("535 5.7.8 Username and Password not accepted")
        return AuthResult(success=False, handled=True)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.is_counted:  # after STARTTLS it is made once more
            return
        self.is_counted = True
        self._scripted.open += 1
        self._scripted.most_open = max(self._scripted.most_open, self._scripted.open)

    def connection_lost(self, error: Any) -> None:
        super().connection_lost(error)
        if self.is_counted:
            self.is_counted = False
            self._scripted.open -= 1

    async def push(self, status: Any) -> None:
        await super().push(status)
        if self.hang_up_after_reply and self.transport is not None:
            self.transport.close()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        if self._scripted.behaviour.drop == "data_command" and self.transport is not None:
            self.transport.close()
            return
        if self._scripted.behaviour.data_command:
            await self.push(self._scripted.behaviour.data_command)
            return
        if self._scripted.behaviour.drop == "content" and self.transport is not None:
            await self.push("354 go on")
            self.transport.close()
            return
        await super().smtp_DATA(arg)

    async def auth_CRAM__MD5(self, _server: Any, _args: list[str]) -> AuthResult:
        challenge = f"<{time.time_ns()}@mx.test>"
        answer = await self.challenge_auth(challenge)
        if not isinstance(answer, bytes):
            return AuthResult(success=False)
        name, _, digest = answer.decode().rpartition(" ")
        password = self._scripted.users.get(name)
        if password is None:
            return AuthResult(success=False, handled=False)
        wanted = hmac.new(password.encode(), challenge.encode(), "md5").hexdigest()
        return AuthResult(success=hmac.compare_digest(wanted, digest), handled=False, auth_data=name)


class _Hooks:
    """aiosmtpd's handler."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def handle_EHLO(self, smtp: Any, session: Any, _envelope: Any, name: str, responses: list[str]) -> list[str]:
        session.host_name = name
        return [*responses[:-1], *["250-PIPELINING"] * self._server.pipelining, responses[-1]]

    async def handle_MAIL(self, smtp: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        behaviour = self._server.behaviour
        if behaviour.drop == "mail":
            smtp.transport.abort()
        if behaviour.mails_per_connection and smtp.taken >= behaviour.mails_per_connection:
            smtp.hang_up_after_reply = True
            return "421 4.7.0 too many mails on this connection"
        if behaviour.sender:
            return behaviour.sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 sender ok"

    async def handle_RCPT(self, smtp: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        behaviour = self._server.behaviour
        if behaviour.drop == "rcpt" and envelope.rcpt_tos:
            smtp.transport.abort()
        if behaviour.greylists and address not in self._server.known:
            self._server.known.add(address)
            return "451 4.7.1 greylisted, try again later"
        if address in behaviour.recipients:
            reply = behaviour.recipients[address]
            if not reply.startswith("2"):
                return reply
        envelope.rcpt_tos.append(address)
        return behaviour.recipients.get(address, "250 2.1.5 recipient ok")

    async def handle_DATA(self, smtp: Any, session: Any, envelope: Any) -> str:
        behaviour = self._server.behaviour
        await asyncio.sleep(behaviour.delay)
        if behaviour.data and not behaviour.data.startswith("2"):
            return self._ending(smtp, behaviour.data)
        number = len(self._server.mails) + 1
        self._server.keep(_received(envelope, session))
        smtp.taken += 1
        await asyncio.sleep(behaviour.late)
        return self._ending(smtp, behaviour.data or f"250 2.0.0 Ok: queued as TEST{number}")

    def _ending(self, smtp: Any, reply: str) -> str:
        drop = self._server.behaviour.drop
        if drop == "before_reply":
            smtp.transport.abort()
        if drop == "after_reply":
            smtp.hang_up_after_reply = True
        return reply


def _received(envelope: Any, session: Any) -> Received:
    username = session.auth_data if isinstance(session.auth_data, str) else ""
    options = tuple(str(option) for option in envelope.mail_options)
    sender = "" if envelope.mail_from == "<>" else envelope.mail_from
    return Received(sender, tuple(envelope.rcpt_tos), envelope.content, options, username)

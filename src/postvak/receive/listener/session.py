"""One connection: SMTP (RFC 5321) or LMTP (RFC 2033) on top of aiosmtpd.

aiosmtpd brings the connection, the command loop and STARTTLS. The commands that decide something are ours: it
knows neither a reply per recipient nor long lines, and refuses parameters that some servers send. No AUTH, no
XCLIENT, no PROXY; there is nothing to relay.
"""

import asyncio
import logging
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, TLSSetupException
from django.utils import timezone

from postvak.models import Mailbox
from postvak.receive.accept import Arrived
from postvak.receive.listener import replies
from postvak.receive.listener.data import read_mail
from postvak.receive.listener.limits import Room
from postvak.receive.listener.notes import Notes
from postvak.receive.listener.reception import Reception
from postvak.receive.listener.syntax import Path, read_path
from postvak.receive.refusing import Reason

log = logging.getLogger("postvak.listen")

RECIPIENTS = 100  # per mail; RFC 5321 section 4.5.3.1.8 asks for at least as many
STRANGERS = 20  # unknown recipients per connection: then somebody tries out addresses
COMMAND_LIMIT = 4096  # bytes; RFC 5321 asks for 512 and more for each extension
IDLE_SECONDS = 300.0  # RFC 5321 section 4.5.3.2.7; in DATA for each piece of at most 64 KB
LONGEST_DATA = 3600.0  # seconds for one mail
UNSPEAKABLE = re.compile(r"\r(?!\n)|(?<!\r)\n|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")  # all control characters but CRLF
COMMANDS = {"NOOP": 100, "VRFY": 20, "HELP": 20, "EXPN": 20, "AUTH": 5, "EHLO": 100, "*": 100_000}  # per connection


class Incoming(Envelope):
    """A mail between MAIL and the end of DATA. `sender` is None before MAIL, "" for the null sender."""

    def __init__(self) -> None:
        super().__init__()
        self.sender: str | None = None
        self.recipients: list[tuple[str, Mailbox]] = []


class Session(SMTP):
    """SMTP: one reply for the mail, whatever the number of recipients."""

    protocol = "SMTP"
    hello = "EHLO"
    line_length_limit = 64 * 1024  # what the reader buffers; longer lines are read in pieces
    command_size_limit = COMMAND_LIMIT
    command_size_limits: dict[str, int] = defaultdict(lambda: COMMAND_LIMIT)
    envelope: Incoming
    notes: Notes
    session: Any
    transport: Any

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.ip = ""
        self.is_counted = self.is_refused = self.is_busy = False
        self.strangers = 0
        super().__init__(
            Unexpected(),
            enable_SMTPUTF8=True,
            hostname=reception.hostname,
            ident=f"{'ESMTP' if self.protocol == 'SMTP' else 'LMTP'} Postvak",
            tls_context=reception.tls_context(),
            timeout=IDLE_SECONDS,
            command_call_limit=COMMANDS,
            loop=asyncio.get_running_loop(),
        )

    def _create_envelope(self) -> Incoming:
        return Incoming()

    # -- the connection ------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Also called by aiosmtpd when TLS has begun."""
        if not self.is_counted:
            self.ip = ip_of(transport.get_extra_info("peername"))
            if not self.reception.admit(self, self.ip):
                self.is_refused = True
                transport.write(replies.TOO_MANY_CONNECTIONS.encode() + b"\r\n")
                transport.close()
                return
            self.is_counted = True
            self.notes = Notes(self.protocol, self.ip, self.reception.crowd)
        self.notes.encrypted(transport.get_extra_info("cipher"))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.is_refused:
            return
        self.reception.dismiss(self, self.ip)
        self.notes.over()
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return False if self.is_refused else super().eof_received()

    def say_goodbye(self) -> None:
        """We are stopping. A mail that is being received is finished first."""
        if not self.is_busy and self.transport is not None:
            self.transport.write(replies.STOPPING.encode() + b"\r\n")
            self.transport.close()

    async def push(self, status: Any) -> None:
        """aiosmtpd repeats unknown commands as they came: control characters would be lines of ours to who reads them so."""
        said = UNSPEAKABLE.sub("?", str(status))
        self.notes.replied(said)
        await super().push(said)

    async def hang_up(self, reply: str) -> None:
        await self.push(reply)
        if self.transport is not None:
            self.transport.close()

    # -- commands ------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str) -> None:
        await self.greet(hostname)

    async def greet(self, hostname: str) -> None:
        """RFC 5321 section 4.1.1.1, RFC 2920, 1870, 6152, 6531, 3207, 2034."""
        if not hostname:
            await self.push(f"501 5.5.4 Write {self.hello} and the name of your server.")
            return
        self.envelope = Incoming()
        self.session.host_name, self.session.extended_smtp = hostname, True
        self.notes.greeted(hostname)
        largest = (await self.reception.known_directory()).largest
        offers = ["PIPELINING", f"SIZE {largest}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.tls_context and not self._tls_protocol:
            offers.append("STARTTLS")
        lines = [self.hostname, *offers]
        await self.push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def smtp_MAIL(self, argument: str | None) -> None:
        path = read_path(argument, "FROM:")
        reply = self.problem_of_mail(path) or await self.problem_of_size(path)
        if path is not None and not reply:
            self.envelope.sender = path.address
            self.notes.began(path.address)
        await self.push(reply or "250 2.1.0 Go on.")

    def problem_of_mail(self, path: Path | None) -> str:
        """Parameters that we don't know (RET, ENVID, AUTH …) don't change the mail: they are ignored."""
        if not self.session.host_name:
            return f"503 5.5.1 Send {self.hello} first."
        if self.envelope.sender is not None:
            return "503 5.5.1 There is a sender already."
        if path is None:
            return "501 5.5.4 Write MAIL FROM:<address>."
        if path.parameters.get("BODY", "8BITMIME").upper() not in {"7BIT", "8BITMIME"}:
            return "501 5.5.4 BODY is 7BIT or 8BITMIME."
        if not self.reception.limits.may_send(self.ip):
            return replies.TOO_MANY_MAILS
        return self.reception.pressure.reply()

    async def problem_of_size(self, path: Path | None) -> str:
        """RFC 1870: what is announced as too large isn't sent at all."""
        size = path.parameters.get("SIZE", "0") if path else "0"
        largest = (await self.reception.known_directory()).largest
        if not size.isdecimal() or len(size) > 20:
            return "501 5.5.4 SIZE is a number of bytes."
        return replies.too_large(largest) if int(size) > largest else ""

    async def smtp_RCPT(self, argument: str | None) -> None:
        if self.envelope.sender is None:
            await self.push("503 5.5.1 Send MAIL first.")
            return
        path = read_path(argument, "TO:")
        if path is None or not path.address:
            await self.push("501 5.5.4 Write RCPT TO:<address>.")
            return
        if len(self.envelope.recipients) >= RECIPIENTS:
            await self.push(replies.TOO_MANY_RECIPIENTS)
            return
        mailbox = (await self.reception.directory()).mailbox_of(path.address)
        if mailbox is None:
            await self.refuse(path.address)
            return
        if mailbox.is_paused:
            await self.push(replies.paused(path.address))
            return
        self.envelope.recipients.append((path.address, mailbox))
        await self.push("250 2.1.5 Go on.")

    async def refuse(self, address: str) -> None:
        self.strangers += 1
        if self.strangers > STRANGERS:
            await self.hang_up(replies.TOO_MANY_STRANGERS)
        else:
            await self.push(replies.stranger(address))

    async def smtp_DATA(self, argument: str | None) -> None:
        if argument:
            await self.push("501 5.5.4 DATA has no argument.")
            return
        if not self.envelope.recipients:
            await self.push("503 5.5.1 There is no recipient.")
            return
        self.is_busy = True
        try:
            outcome = await self.receive()
            self.envelope = Incoming()
            await self.push("\r\n".join(outcome))
        finally:
            self.is_busy = False
        if self.reception.is_stopping:
            await self.hang_up(replies.STOPPING)

    async def receive(self) -> list[str]:
        """Read and store the mail; the replies after its end."""
        room = Room(self.reception.limits, (await self.reception.known_directory()).largest)
        until = self.loop.time() + LONGEST_DATA

        def take(count: int) -> bool:
            self._reset_timeout(max(0.01, min(IDLE_SECONDS, until - self.loop.time())))
            return room.take(count)

        try:
            raw = await self.read(take)
            if raw is None:
                return self.refuse_content(room)
            return await self.store(raw)
        finally:
            room.give_back()

    async def read(self, take: Callable[[int], bool]) -> bytes | None:
        self.reception.writer.receiving += 1
        try:
            await self.push("354 Send the mail; a line with only a dot ends it.")
            self.notes.data()
            return await read_mail(self._reader, take)
        finally:
            self.reception.writer.receiving -= 1

    def refuse_content(self, room: Room) -> list[str]:
        if room.reply == replies.NO_ROOM:
            self.reception.pressure.note(Reason.ROOM)
        return self.same_for_all(room.reply)

    async def store(self, raw: bytes) -> list[str]:
        """One receipt per mailbox, in the order of RCPT: the first of them gets the ticket."""
        number = new_number()
        addresses: dict[int, list[str]] = defaultdict(list)
        mailboxes = {mailbox.pk: mailbox for _address, mailbox in self.envelope.recipients}
        for address, mailbox in self.envelope.recipients:
            addresses[mailbox.pk].append(address)
        source, now, sender = f"{self.protocol}/{number}", timezone.now(), (self.envelope.sender or "")[:320]
        helo = "".join(letter for letter in str(self.session.host_name or "") if "!" <= letter <= "~")
        arrivals = [
            (mailbox, Arrived(source, raw, now, sender, tuple(addresses[pk]), self.ip, helo))
            for pk, mailbox in mailboxes.items()
        ]
        stored = await self.reception.writer.store(arrivals)
        if not all(stored):
            self.reception.pressure.note(Reason.FAILED)
        answers = self.answers(dict(zip(mailboxes, stored, strict=True)), number)
        self.notes.stored(arrivals, stored, "\n".join(answers))
        return answers

    def answers(self, stored: dict[int, bool], number: str) -> list[str]:
        """Only when all of it is stored: what the sender tries again becomes a duplicate."""
        return [replies.stored(number) if all(stored.values()) else replies.OWN_FAILURE]

    def same_for_all(self, reply: str) -> list[str]:
        return [reply]

    async def smtp_VRFY(self, argument: str) -> None:
        await self.push("252 2.1.5 Send a mail and see.")

    async def smtp_HELP(self, argument: str) -> None:
        await self.push("214 2.0.0 This server takes mail for its helpdesk and for nobody else.")

    async def smtp_AUTH(self, argument: str) -> None:
        await self.push("502 5.5.1 There is nothing to log in for: no mail is relayed here.")


class LmtpSession(Session):
    """LMTP: LHLO instead of EHLO, and after the mail a reply for each recipient that was taken."""

    protocol = "LMTP"
    hello = "LHLO"

    async def smtp_LHLO(self, hostname: str) -> None:
        await self.greet(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:
        await self.push("500 5.5.1 This is LMTP: write LHLO.")

    async def smtp_HELO(self, hostname: str) -> None:
        await self.push("500 5.5.1 This is LMTP: write LHLO.")

    def answers(self, stored: dict[int, bool], number: str) -> list[str]:
        return [
            replies.stored_for(address, number) if stored[mailbox.pk] else replies.OWN_FAILURE
            for address, mailbox in self.envelope.recipients
        ]

    def same_for_all(self, reply: str) -> list[str]:
        return [reply] * len(self.envelope.recipients)


class Unexpected:
    """aiosmtpd asks here what to answer to an exception: what went wrong is ours, so the sender tries again."""

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, TLSSetupException):  # the client's, and aiosmtpd hangs up
            return replies.OWN_FAILURE
        log.error("unexpected error in a conversation; the sender will try again", exc_info=error)
        return replies.OWN_FAILURE


def ip_of(peer: object) -> str:
    """Without the zone of a link-local address; "" for a Unix socket."""
    return str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""


def new_number() -> str:
    """What the 250 reply names: ascending with time, unique among any number of processes."""
    return f"{int(time.time() * 1000):011x}{secrets.token_hex(5)}"

"""The mail server of a demonstration: takes by SMTP what Postvak sends, on loopback only, and keeps it for web.demo to show."""

import asyncio
import logging
import secrets
import signal
import socket
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from postvak.models import Channel

HOST = "127.0.0.1"
LARGEST = 60 * 1024 * 1024
log = logging.getLogger("postvak.demo")


class Keeper:
    """aiosmtpd's handler. One file for each mail, its name sorts by time; on top stands who gets it (Delivered-To)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        people = "".join(f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos).encode()
        name = f"{time.time_ns():020}-{secrets.token_hex(4)}.eml"
        draft = self.folder / f".{name}"
        draft.write_bytes(people + content)
        draft.rename(self.folder / name)
        return f"250 2.0.0 kept as {name}"


def open_port() -> socket.socket:
    """A free one; the channel of the demonstration sends there from now on."""
    port = socket.create_server((HOST, 0))
    number = port.getsockname()[1]
    Channel.objects.filter(kind=Channel.Kind.SMTP, host=HOST).update(
        port=number, failures=0, paused_until=None, last_error_at=None
    )
    return port


def run(port: socket.socket, folder: Path) -> None:
    """Until SIGTERM."""
    asyncio.run(serve(port, folder))


async def serve(port: socket.socket, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    keeper = Keeper(folder)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="demo.postvak.example", data_size_limit=LARGEST, enable_SMTPUTF8=True), sock=port
    )
    await over.wait()
    server.close()

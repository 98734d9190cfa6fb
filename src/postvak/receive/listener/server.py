"""The listener: an event loop with the open ports, and the writer's thread, until it is told to stop."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

from postvak.configuration import ListenAddress, Listening
from postvak.log.talk import written_beside
from postvak.receive.listener.reception import Reception
from postvak.receive.listener.session import LmtpSession, Session
from postvak.receive.listener.writer import Writer

log = logging.getLogger("postvak.listen")

FINISH_WITHIN = 10.0  # seconds for mails that are being received when we stop
Ports = Sequence[tuple[ListenAddress, socket.socket]]


def listen(
    listening: Listening, ports: Ports, stopping: threading.Event, on_stored: Callable[[], None], worker: str = ""
) -> None:
    """Take mail on `ports` until `stopping`; then finish what is in hand. The caller keeps and closes the ports."""
    with written_beside(), Writer(on_stored) as writer:
        asyncio.run(serve(Reception(listening, writer, worker), ports, stopping))


async def serve(reception: Reception, ports: Ports, stopping: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report)
    servers = [await start(reception, address, port.dup()) for address, port in ports]
    watching = loop.create_task(reception.pressure.watch(reception.lookup))
    await loop.run_in_executor(None, stopping.wait)
    watching.cancel()
    reception.is_stopping = True
    for server in servers:
        server.close()
    await finish(reception)
    reception.crowd.close_all()
    reception.lookup.close()


async def start(reception: Reception, address: ListenAddress, port: socket.socket) -> asyncio.Server:
    protocol = LmtpSession if address.protocol == "lmtp" else Session
    loop = asyncio.get_running_loop()
    if address.path:
        return await loop.create_unix_server(lambda: protocol(reception), sock=port)
    return await loop.create_server(lambda: protocol(reception), sock=port)


async def finish(reception: Reception) -> None:
    """Who is idle is sent away; who is sending a mail may finish it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + FINISH_WITHIN
    for session in list(reception.sessions):
        session.say_goodbye()
    while reception.sessions and loop.time() < deadline:
        await asyncio.sleep(0.02)
    for session in list(reception.sessions):
        session.transport.abort()


def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A client that hangs up or can't do TLS is nothing to report."""
    if not isinstance(context.get("exception"), ConnectionError | ssl.SSLError):
        loop.default_exception_handler(context)

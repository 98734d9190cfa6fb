"""The web server: granian. Pages by Django on WSGI (sync views under ASGI cost 4–8 ms CPU more), live streams beside them."""

import asyncio
import os
from typing import Any, cast

from django.core.wsgi import get_wsgi_application
from django.db import connections
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from postvak.models.replica import REPLICA
from postvak.supervisor import die_with
from postvak.web.gateway import Application, Gateway, Receive, Scope, Send
from postvak.web.live.door import PATH, Door
from postvak.web.live.hub import MOST_STREAMS, Hub

THREADS = 4
MOST_PAGES = 1024  # requests that wait for their turn; further ones aren't even accepted

POOL = {  # of psycopg: threads share connections, each is tried before it is lent; seconds
    "min_size": 1,
    "max_size": THREADS + 1,  # and the streams
    "timeout": 10.0,
    "reconnect_timeout": 5.0,
}
REPLICA_PATIENCE = 3.0  # seconds that a page waits for a connection to the replica: the database itself answers as well

application = get_wsgi_application()


class Web:
    """What granian calls in its worker (ASGI). `leaving`: a pipe that is closed when the server is told to stop; streams
    must end then, because granian waits for every answer that is open."""

    def __init__(self, leaving: int) -> None:
        self.leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["path"] == PATH and scope["method"] == "GET":
            await self.door.let_in(scope, receive, send)
        else:
            await self.gateway.answer(scope, receive, send)

    async def live(self, receive: Receive, send: Send) -> None:
        """From start to stop. What belongs to the loop is made here."""
        await receive()
        self.gateway, hub = Gateway(cast(Application, application), THREADS), Hub()
        self.door = Door(hub)
        asyncio.get_running_loop().add_reader(self.leaving, self.leave, hub)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        hub.close()
        self.gateway.close()
        await send({"type": "lifespan.shutdown.complete"})

    def leave(self, hub: Hub) -> None:
        asyncio.get_running_loop().remove_reader(self.leaving)
        hub.close()


def pool_connections() -> None:
    """On PostgreSQL, in the process that answers and in no other: a pool has threads, which no fork brings along, and the loops of a
    worker would keep what they borrowed while they wait."""
    for alias, database in connections.settings.items():
        if database["ENGINE"].endswith("postgresql"):
            database["CONN_MAX_AGE"] = 0  # given back after each request
            database["OPTIONS"] |= {"pool": POOL | ({"timeout": REPLICA_PATIENCE} if alias == REPLICA else {})}


class StreamingServer(Server):  # type: ignore[misc,valid-type]
    """Says that it stops, before it asks its worker to."""

    stop_pipe = -1

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        if self.stop_pipe >= 0:
            os.close(self.stop_pipe)
            self.stop_pipe = -1
        super().signal_handler_interrupt(*args, **kwargs)


def serve(host: str, port: int) -> None:
    """Answer requests until SIGTERM."""
    parent = os.getpid()
    leaving, stop_pipe = os.pipe()

    def load(target: str) -> Web:
        die_with(parent)
        os.close(stop_pipe)  # the parent alone holds it open
        pool_connections()
        return Web(leaving)

    server = StreamingServer(
        "postvak.web.server:Web",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        backlog=MOST_PAGES,
        backpressure=MOST_PAGES + MOST_STREAMS,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=8,
    )
    server.stop_pipe = stop_pipe
    server.serve(target_loader=load)

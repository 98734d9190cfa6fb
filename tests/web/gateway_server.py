"""A small WSGI application behind the gateway, as the pages are: `python -m tests.web.gateway_server PORT`."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from granian.constants import Interfaces
from granian.server import Server

from postvak.web.gateway import Gateway, Receive, Scope, Send

PIECE = b"x" * 65536
STATE = {"closed": 0, "broken_uploads": 0, "made": 0}


class Download:
    """64 kB pieces, counted; closed by the server."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self.left:
            raise StopIteration
        self.left -= 1
        STATE["made"] += 1
        return PIECE

    def close(self) -> None:
        STATE["closed"] += 1


def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/download":
        start("200 OK", [("content-length", str(int(query) * len(PIECE)))])
        return Download(int(query))
    if path == "/fault":
        raise ValueError("a fault of ours")
    start("413 Too large" if path == "/refused" else "200 OK", [("set-cookie", "a=1"), ("set-cookie", "b=2")])
    if path == "/refused":
        return [b"too large"]
    if path == "/sleep":
        time.sleep(float(query))
    if path == "/state":
        return [json.dumps(STATE).encode()]
    try:
        size, first = 0, environ["wsgi.input"].readline()
        while piece := environ["wsgi.input"].read(100_000):
            size += len(piece)
    except OSError:
        STATE["broken_uploads"] += 1
        raise
    shown = {key: value for key, value in environ.items() if isinstance(value, str)}
    return [json.dumps(shown | {"first": first.decode(), "size": size + len(first)}).encode()]


class Web:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.gateway.answer(scope, receive, send)
            return
        await receive()
        self.gateway = Gateway(application, 2)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.gateway.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    server = Server("-", port=int(sys.argv[1]), interface=Interfaces.ASGI, websockets=False, workers_kill_timeout=3)
    server.serve(target_loader=lambda _target: Web())

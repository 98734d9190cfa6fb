"""GET /live/: a stream of events for a browser that is logged in. No page of Django: it takes no thread while it is open.

`?after=` (or Last-Event-ID) is the id of the last event that the browser got. 401: not logged in; 503: no room.
"""

import asyncio
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from django.conf import settings

from postvak.web.gateway import Receive, Scope, Send, part, until_gone
from postvak.web.live.hub import Full, Hub, Stream

PATH = "/live/"
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx: pass it on as it comes
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
}
LONGEST_COOKIE = 8192


class Door:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        session = session_in(headers.get(b"cookie", b"").decode("latin-1"))
        try:
            stream = await self.hub.admit(session, last_seen(scope, headers)) if session else None
        except Full:
            await refuse(send, 503, {"retry-after": "60"})
            return
        if stream is None:
            await refuse(send, 401, {"cache-control": "no-store"})
            return
        leaving = asyncio.create_task(until_gone(receive))
        leaving.add_done_callback(lambda _task: stream.end())
        try:
            await send_all(stream, send)
        finally:
            self.hub.remove(stream)
            leaving.cancel()


async def send_all(stream: Stream, send: Send) -> None:
    """Until the stream ends or the browser leaves."""
    await send(start(200, HEADERS))
    while data := await stream.next():
        await send(part(data))
    await send({"type": "http.response.body", "body": b""})


async def refuse(send: Send, status: int, headers: Mapping[str, str]) -> None:
    await send(start(status, headers))
    await send({"type": "http.response.body", "body": b""})


def start(status: int, headers: Mapping[str, str]) -> dict[str, object]:
    written = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": written}


def session_in(cookies: str) -> str:
    """The key of the session, "" without one."""
    try:
        found = SimpleCookie(cookies[:LONGEST_COOKIE]).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found is not None and found.value.isalnum() else ""


def last_seen(scope: Scope, headers: Mapping[bytes, bytes]) -> int | None:
    typed = parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]
    typed = typed or headers.get(b"last-event-id", b"").decode("latin-1")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else None

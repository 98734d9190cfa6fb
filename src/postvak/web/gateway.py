"""Pages by WSGI behind an ASGI server: the event loop takes the request and lends it to one of a few threads, which answers it.

Measured against granian's own WSGI: 0.1 to 0.2 ms CPU more per request (docs/decisions/012-live-updates.md). What it buys: an
answer that lasts for hours (web.live) needs no thread. Short bodies are read before a thread is lent, and short answers
sent after it is given back; long ones go through the loop piece by piece, as fast as the other side takes them.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]
WaitFor = Callable[[Coroutine[Any, Any, Any]], Any]

SMALL = 64 * 1024  # bytes of a body that is read in one piece
PIECE = 256 * 1024
EVERYWHERE = {
    "SCRIPT_NAME": "",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": False,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


class Gateway:
    """Answers by `application` in `threads` threads; more requests wait for one."""

    def __init__(self, application: Application, threads: int) -> None:
        self.application = application
        self.loop = asyncio.get_running_loop()
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    def close(self) -> None:
        self.threads.shutdown(cancel_futures=True)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        body = await self.body_of(environ, receive)
        if body is None:
            await send({"type": "http.response.start", "status": 400, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        environ["wsgi.input"] = body
        done = self.loop.create_future()
        self.threads.submit(self.work, environ, receive, send, done)
        for message in await done:
            await send(message)

    async def body_of(self, environ: dict[str, Any], receive: Receive) -> io.BufferedIOBase | None:
        """A small body is read before a thread is lent: who sends slowly keeps none. None: it broke off."""
        announced = environ.get("CONTENT_LENGTH", "")
        length = int(announced) if announced.isdecimal() else None
        if length is None and "HTTP_TRANSFER_ENCODING" not in environ:
            return io.BytesIO()
        if length is None or length > SMALL:
            return io.BufferedReader(LongBody(receive, length, self.wait_for), PIECE)
        whole, _is_over = await read_on(receive, length)
        return io.BytesIO(whole) if len(whole) == length else None

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What only the loop can do, asked for by a thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def work(
        self, environ: dict[str, Any], receive: Receive, send: Send, done: "asyncio.Future[list[Message]]"
    ) -> None:
        """In a thread."""
        left: list[Message] = []
        error = None
        try:
            left = self.run(environ, receive, send)
        except BaseException as problem:  # noqa: BLE001 - the server answers 500 and logs it; the thread goes on
            error = problem
        self.loop.call_soon_threadsafe(settle, done, left, error)

    def run(self, environ: dict[str, Any], receive: Receive, send: Send) -> list[Message]:
        """What is left to send when the thread has done its part."""
        head = Head()
        result = self.application(environ, head)
        try:
            pieces = iter(result)
            first = b"".join(up_to(pieces, PIECE))
            further = b"".join(up_to(pieces, PIECE)) if len(first) >= PIECE else b""
            if not further:
                return [head.message, {"type": "http.response.body", "body": first}]
            self.wait_for(send_all(send, head.message, part(first), part(further)))
            self.pass_on(pieces, receive, send)
            return [{"type": "http.response.body", "body": b""}]
        finally:
            if hasattr(result, "close"):
                result.close()

    def pass_on(self, pieces: Iterator[bytes], receive: Receive, send: Send) -> None:
        """As fast as the other side takes them; until it leaves."""
        gone = asyncio.run_coroutine_threadsafe(until_gone(receive), self.loop)
        while not gone.done() and (piece := b"".join(up_to(pieces, PIECE))):
            self.wait_for(send_all(send, part(piece)))
        gone.cancel()


class Head:
    """start_response of WSGI: keeps status and headers."""

    message: Message

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        written = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.message = {"type": "http.response.start", "status": int(status[:3]), "headers": written}


class LongBody(io.RawIOBase):
    """An upload, read as it comes; in a thread. One that breaks off is an error: half a mail must not pass for a whole one.
    `length`: as announced; None: it comes in chunks."""

    def __init__(self, receive: Receive, length: int | None, wait_for: WaitFor) -> None:
        self.receive = receive
        self.wait_for = wait_for
        self.to_come = length
        self.is_over = False
        self.left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.left and not self.is_over:
            self.left = memoryview(self.read_on(len(buffer)))
        size = min(len(buffer), len(self.left))
        buffer[:size] = self.left[:size]
        self.left = self.left[size:]
        return size

    def read_on(self, size: int) -> bytes:
        read, self.is_over = self.wait_for(read_on(self.receive, size))
        if self.to_come is not None:
            self.to_come -= len(read)
            if self.is_over and self.to_come > 0:
                raise OSError("the sender has left")
            self.is_over = self.to_come <= 0
        return bytes(read)


async def read_on(receive: Receive, size: int) -> tuple[bytes, bool]:
    """At least `size` bytes, less only at the end; and whether that was the end. Few ways through the loop."""
    found: list[bytes] = []
    is_over = False
    while size > 0 and not is_over:
        message = await receive()
        found.append(message.get("body", b""))
        size -= len(found[-1])
        is_over = not message.get("more_body")
    return b"".join(found), is_over


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def send_all(send: Send, *messages: Message) -> None:
    for message in messages:
        await send(message)


def part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


def up_to(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (piece := next(pieces, None)) is not None:
        yield piece
        size -= len(piece)


def settle(done: "asyncio.Future[list[Message]]", left: list[Message], error: BaseException | None) -> None:
    """In the loop; whoever waited may have gone."""
    if done.done():
        return
    if error is None:
        done.set_result(left)
    else:
        done.set_exception(error)


def environ_of(scope: Scope) -> dict[str, Any]:
    """PEP 3333: bytes are written as latin-1. Names with an underscore are left out: they would pass for those with a
    hyphen, which a proxy in front of us sets."""
    environ = {
        **EVERYWHERE,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.url_scheme": scope["scheme"],
    }
    for header, value in scope["headers"]:
        key = name_of(header)
        if key and key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
        elif key:
            environ[key] = value.decode("latin-1")
    return environ


@lru_cache(500)
def name_of(header: bytes) -> str:
    if b"_" in header:
        return ""
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"

"""All streams of this process, in the event loop. One thread asks the database for all of them; none of them waits for it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from postvak.web.live.events import Letter, event
from postvak.web.live.sessions import agents_of
from postvak.web.live.watcher import Admission, Watcher

log = logging.getLogger("postvak.live")

EVERY = 0.25  # seconds between two looks while somebody listens
BEAT = 25.0  # proxies cut what is silent for a minute; a browser that hears nothing for longer begins anew
CHECK = 40.0  # a stream outlives its log-in by at most this
PAUSE_AFTER_ERROR = 2.0
MOST_STREAMS = 2000
MOST_EACH = 12  # streams of one agent; the oldest ends
MOST_WAITING = 200  # events that a browser leaves unread before it is given up
Result = TypeVar("Result")


class Stream:
    """What one browser is to get. `ended`: after what waits, nothing comes any more."""

    __slots__ = ("agent", "ended", "news", "session", "waiting")

    def __init__(self, session: str, admission: Admission) -> None:
        self.session, self.agent = session, admission.agent
        self.waiting = [admission.first]
        self.news = asyncio.Event()
        self.news.set()
        self.ended = False

    def put(self, data: bytes) -> None:
        self.waiting.append(data)
        self.ended |= len(self.waiting) > MOST_WAITING
        self.news.set()

    def end(self) -> None:
        self.ended = True
        self.news.set()

    async def next(self) -> bytes:
        """What there is to send, as soon as there is something; nothing at the end."""
        await self.news.wait()
        self.news.clear()
        if self.ended:
            return b""
        data, self.waiting = b"".join(self.waiting), []
        return data


class Hub:
    def __init__(self) -> None:
        self.watcher = Watcher()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        self.loop = asyncio.get_running_loop()
        self.streams: dict[int, list[Stream]] = {}
        self.number = 0
        self.beat_at = self.check_at = 0.0
        self.running: asyncio.Task[None] | None = None
        self.is_watching = self.is_closed = False

    # -- streams ---------------------------------------------------------------------------

    async def admit(self, session: str, after: int | None) -> Stream | None:
        """None: not logged in. Raises Full."""
        if self.is_closed or self.number >= MOST_STREAMS:
            raise Full
        if not self.is_watching:
            self.is_watching = True
            await self.ask(self.watcher.start)
        admission = await self.ask(self.watcher.admit, session, after)
        if admission is None:
            return None
        stream = Stream(session, admission)
        others = self.streams.setdefault(stream.agent, [])
        others.append(stream)
        self.number += 1
        for old in others[:-MOST_EACH]:
            old.end()
        if self.running is None:
            self.is_watching = True
            self.beat_at, self.check_at = time.monotonic() + BEAT, time.monotonic() + CHECK
            self.running = self.loop.create_task(self.run())
        return stream

    def remove(self, stream: Stream) -> None:
        stream.end()
        others = self.streams.get(stream.agent, [])
        if stream in others:
            others.remove(stream)
            self.number -= 1
        if not others:
            self.streams.pop(stream.agent, None)

    def everybody(self) -> list[Stream]:
        return [stream for streams in self.streams.values() for stream in streams]

    def close(self) -> None:
        """No more streams: those that are open end."""
        if self.is_closed:
            return
        self.is_closed = True
        for stream in self.everybody():
            stream.end()
        self.thread.submit(self.watcher.close)
        self.thread.shutdown(wait=False)

    # -- rounds ---------------------------------------------------------------------------

    async def run(self) -> None:
        """While somebody listens."""
        while self.streams and not self.is_closed:
            try:
                await self.round(time.monotonic())
            except Exception:  # nothing is lost: the rows are there still, and pages ask now and then
                log.exception("unexpected error; looking again in %s s", PAUSE_AFTER_ERROR)
                await self.ask(self.watcher.close)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            await asyncio.sleep(EVERY)
        self.running, self.is_watching = None, False

    async def round(self, now: float) -> None:
        self.deliver(await self.ask(self.watcher.look, frozenset(self.streams)))
        if now >= self.check_at:
            self.check_at = now + CHECK
            await self.check()
        if now >= self.beat_at:
            self.beat_at = now + BEAT
            beat = event("beat", {}, self.watcher.changes.top)
            for stream in self.everybody():
                stream.put(beat)

    def deliver(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            for agent in self.streams if letter.agents is None else letter.agents:
                for stream in self.streams.get(agent, ()):
                    stream.put(letter.data)

    async def check(self) -> None:
        """End the streams of those who logged out, whose session ran out, or who may not log in any more."""
        here = self.everybody()
        valid = await self.ask(agents_of, {stream.session for stream in here})
        for stream in here:
            if valid.get(stream.session) != stream.agent:
                stream.end()

    async def ask(self, question: Callable[..., Result], *arguments: Any) -> Result:
        """In the one thread that reads the database, one after the other."""
        return await self.loop.run_in_executor(self.thread, question, *arguments)


class Full(Exception):
    """As many streams as we can keep; this browser asks now and then instead."""

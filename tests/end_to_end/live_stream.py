"""A browser's ear: logs in and reads the stream of events in a thread, with the time at which each came."""

import http.client
import json
import re
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any

from tests.servers import wait_until

PASSWORD = "correct horse battery"
Event = dict[str, Any]


class Visitor:
    """Somebody with cookies of his own."""

    def __init__(self, url: str, email: str) -> None:
        self.url, self.jar = url, CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.post("/login/", email=email, password=PASSWORD, stay="on")

    def get(self, path: str) -> str:
        with self.opener.open(self.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> None:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)', self.get("/login/" if "login" in path else "/"))
        assert token
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        self.opener.open(self.url + path, form, timeout=30).read()

    def listen(self, after: str = "") -> "Ear":
        return Ear(self.url, "; ".join(f"{one.name}={one.value}" for one in self.jar), after)


class Ear:
    """`events`: (seconds of the clock, event) in order; each with "event", "id" and its values. `is_over`: the server ended it."""

    def __init__(self, url: str, cookies: str, after: str = "") -> None:
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=90)
        self.connection.request("GET", "/live/" + (f"?after={after}" if after else ""), headers={"Cookie": cookies})
        self.answer = self.connection.getresponse()
        self.events: list[tuple[float, Event]] = []
        self.is_over = False
        threading.Thread(target=self.read, daemon=True).start()
        if self.answer.status == 200:
            self.wait_for(lambda event: event["event"] == "hello", seconds=20)

    def read(self) -> None:
        event: Event = {}
        try:
            for line in self.answer:
                name, _colon, value = line.decode().strip().partition(": ")
                if name == "data":
                    event |= json.loads(value)
                elif name:
                    event[name] = value
                elif event:
                    self.events.append((time.monotonic(), event))
                    event = {}
        except (OSError, http.client.HTTPException):
            pass  # torn off: over, too
        self.is_over = True

    def wait_for(self, fits: Callable[[Event], bool], *, seconds: float) -> tuple[float, Event]:
        found: list[tuple[float, Event]] = []
        wait_until(
            lambda: bool(found.extend(one for one in list(self.events) if fits(one[1])) or found),
            seconds=seconds,
            what=f"event (heard: {self.events})",
        )
        return found[0]

    @property
    def tickets(self) -> list[str]:
        return [event["ticket"] for _at, event in self.events if "ticket" in event]

    def close(self) -> None:
        assert self.connection.sock is not None
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: self.is_over, seconds=10, what="end of the stream")

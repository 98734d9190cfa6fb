"""A TCP proxy on loopback that does to a conversation what networks and broken servers do.

Put it in front of Dovecot, an SMTP server or PostgreSQL. Each connection takes the next script of `scripts` (none
left: it is only passed on). A script is a sequence of faults; each waits for its place in the bytes of one side and
then acts: cut, reset, hang, drip, replace … Nothing is ever invented but what a test asks for.
"""

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 64 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Over(Exception):
    """This direction of the conversation ends here."""


@dataclass
class Flow:
    """One direction: bytes of `source` go to `target`. `rest` is what waits behind the place of the fault."""

    source: socket.socket
    target: socket.socket
    stopping: threading.Event
    rest: bytes = b""

    def send(self, content: bytes) -> None:
        self.target.sendall(content)

    def wait(self, seconds: float) -> None:
        """Raises Over when the proxy stops meanwhile."""
        if self.stopping.wait(seconds):
            raise Over

    def end(self, *, reset: bool = False) -> None:
        """Both connections, at once."""
        for one in (self.source, self.target):
            with suppress(OSError):
                if reset:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                one.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)  # wakes the other direction
            one.close()
        raise Over


Act = Callable[[Flow], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """`act` when the pattern `at` (b"": the start) was seen `nth` times, `plus` bytes behind its end.

    `by_client`: the place is in what the client says, otherwise in what the server says.
    """

    act: Act
    at: bytes = b""
    nth: int = 1
    plus: int = 0
    by_client: bool = False

    def place(self, said: bytes) -> int | None:
        """Where to act, if it is known by now."""
        if not self.at:
            return self.plus
        for number, match in enumerate(re.finditer(self.at, said, re.DOTALL), start=1):
            if number == self.nth:
                return match.end() + self.plus
        return None


# -- acts ------------------------------------------------------------


def cut(flow: Flow) -> None:
    """The connection ends in good order, in the middle of anything."""
    flow.end()


def reset(flow: Flow) -> None:
    """RST: the other side finds a connection that never was."""
    flow.end(reset=True)


def half_close(flow: Flow) -> None:
    """Nothing more comes from this side, though the connection stays open."""
    flow.target.shutdown(socket.SHUT_WR)
    while flow.source.recv(CHUNK):
        pass
    raise Over


def hang(flow: Flow) -> None:
    """Silence, with an open connection, until the other side has had enough."""
    while True:
        flow.wait(0.05)


def late(seconds: float) -> Act:
    """What comes now comes that much later."""
    return lambda flow: flow.wait(seconds)


def drip(count: int, seconds: float = 1.0) -> Act:
    """The next `count` bytes come one by one, `seconds` apart; then all is well again."""

    def act(flow: Flow) -> None:
        for _ in range(count):
            if not flow.rest:
                flow.rest = flow.source.recv(CHUNK)
            if not flow.rest:
                raise Over
            flow.wait(seconds)
            flow.send(flow.rest[:1])
            flow.rest = flow.rest[1:]

    return act


def say(words: bytes) -> Act:
    """These words instead of what would have come, and the end of the connection."""

    def act(flow: Flow) -> None:
        flow.send(words)
        flow.end()

    return act


def do(work: Callable[[], object]) -> Act:
    """Something happens elsewhere at this very moment; then all goes on."""

    def act(_flow: Flow) -> None:
        work()

    return act


def resized(by: int) -> Callable[[bytes], bytes]:
    """For `Proxy.rewrite`: literals that say a size which is wrong `by` that many bytes."""
    return lambda line: re.sub(
        rb"(BODY\[\] )\{(\d+)\}\r\n$", lambda match: b"%b{%d}\r\n" % (match[1], int(match[2]) + by), line
    )


# -- the proxy ------------------------------------------------------------

Script = Sequence[Fault]


@dataclass
class Proxy:
    """Listens on `port` of 127.0.0.1, passes on to `server` there.

    `always` is the script of connections for which `scripts` has none. `rewrite` changes each line of the server
    (line protocols only). `seen`: how many connections there were.
    """

    server: int
    scripts: list[Script] = field(default_factory=list)
    always: Script = ()
    rewrite: Callable[[bytes], bytes] | None = None
    seen: int = 0
    port: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket | None = None
    threads: list[threading.Thread] = field(default_factory=list)
    ends: set[socket.socket] = field(default_factory=set)

    @classmethod
    @contextmanager
    def running(cls, server: int, *scripts: Script, always: Script = ()) -> Iterator["Proxy"]:
        proxy = cls(server, list(scripts), always)
        proxy.open()
        try:
            yield proxy
        finally:
            proxy.stop()

    def open(self) -> None:
        """Take connections (again, at the same port)."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
        self.port = int(self.listener.getsockname()[1])
        self.start(self.accept, self.listener)

    def refuse(self) -> None:
        """Until open(): whoever calls is refused. Who is connected stays so."""
        if self.listener is not None:
            with suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def heal(self) -> None:
        """No more faults for new connections."""
        self.scripts, self.always, self.rewrite = [], (), None

    def break_all(self) -> None:
        """Who is connected now, is no longer."""
        for one in list(self.ends):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self.stopping.set()
        self.refuse()
        self.break_all()
        for thread in self.threads:
            thread.join(5)
        assert not [thread for thread in self.threads if thread.is_alive()], "the proxy did not stop"

    def start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads = [each for each in self.threads if each.is_alive()]
        self.threads.append(thread)
        thread.start()

    def accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.seen += 1
                self.connect(client, self.scripts.pop(0) if self.scripts else self.always)

    def connect(self, client: socket.socket, script: Script) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.server), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self.ends |= {client, server}
        self.start(self.pump, Flow(server, client, self.stopping), [one for one in script if not one.by_client])
        self.start(self.pump, Flow(client, server, self.stopping), [one for one in script if one.by_client], True)

    def pump(self, flow: Flow, faults: list[Fault], by_client: bool = False) -> None:
        try:
            with suppress(OSError, Over):
                self.pass_on(flow, faults, by_client)
        finally:
            for one in (flow.source, flow.target):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self.ends -= {flow.source, flow.target}

    def pass_on(self, flow: Flow, faults: list[Fault], by_client: bool) -> None:
        """`said` is kept as long as a fault waits for its place in it."""
        said, passed = b"", 0
        lines = Lines(self.rewrite) if self.rewrite and not by_client else None
        while True:
            said += self.more(flow, lines)
            while faults and (place := faults[0].place(said)) is not None and place <= len(said):
                place = max(place, passed)
                flow.send(said[passed:place])
                flow.rest, passed = said[place:], place
                faults.pop(0).act(flow)
                said = said[:place] + flow.rest
            flow.send(said[passed:])
            passed = len(said)
            if not faults:
                said, passed = b"", 0

    def more(self, flow: Flow, lines: "Lines | None") -> bytes:
        """The next bytes (perhaps none yet). Raises Over at their end."""
        chunk = flow.source.recv(CHUNK)
        if not chunk:
            raise Over
        return lines.take(chunk) if lines else chunk


@dataclass
class Lines:
    """Whole lines, rewritten; the beginning of one waits for its end."""

    rewrite: Callable[[bytes], bytes]
    begun: bytes = b""

    def take(self, chunk: bytes) -> bytes:
        *whole, self.begun = (self.begun + chunk).split(b"\n")
        return b"".join(self.rewrite(line + b"\n") for line in whole)

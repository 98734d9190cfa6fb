"""A line server that says what a test tells it, for what no real server can be brought to say."""

import itertools
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HANG_UP = b"<hang up>"  # at the end of an answer: say the rest and close the connection
DRIP = b"<drip>"  # at the start of an answer: ten bytes a second, the last one for ever, so that no read ever times out
Answer = Callable[[bytes], bytes]


def silence(_line: bytes) -> bytes:
    """Takes every line and never answers."""
    return b""


@contextmanager
def scripted(greeting: bytes, answer: Answer = silence) -> Iterator[int]:
    """Serve on 127.0.0.1; yields the port.  `answer` gets each line without its end.  No greeting: silent."""

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say(greeting)
            for line in self.rfile:
                said = answer(line.rstrip(b"\r\n"))
                self.say(said.removesuffix(HANG_UP))
                if said.endswith(HANG_UP):
                    return

        def say(self, said: bytes) -> None:
            if not said.startswith(DRIP):
                self.wfile.write(said)
                return
            for byte in itertools.chain(drops := said.removeprefix(DRIP), itertools.repeat(drops[-1])):
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up in the middle is what many tests are about."""

    with Server(("127.0.0.1", 0), Conversation) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join(5)

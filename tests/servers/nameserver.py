"""A name server on loopback that knows the mail exchangers a test tells it, for what no real one can be asked."""

import socketserver
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from dns.resolver import Resolver


@contextmanager
def nameserver(records: Mapping[str, Sequence[str]], *, delay: float = 0.0) -> Iterator[tuple[Resolver, list[str]]]:
    """`records`: domain -> ("10 mx.example.", …); others don't exist. Yields who asks there, and what was asked."""
    asked: list[str] = []

    class Question(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            question = dns.message.from_wire(self.request[0])
            name = question.question[0].name
            asked.append(name.to_text(omit_final_dot=True))
            time.sleep(delay)
            answer: Any = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            found = records.get(asked[-1].lower())
            if found is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif found:
                answer.answer.append(dns.rrset.from_text(name, 300, "IN", "MX", *found))
            with suppress(OSError):  # the test is over
                self.request[1].sendto(answer.to_wire(), self.client_address)

    class Server(socketserver.ThreadingUDPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Question) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield asking("127.0.0.1", int(server.server_address[1])), asked
        finally:
            server.shutdown()
            thread.join(5)


def asking(host: str, port: int) -> Resolver:
    resolver = Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], port
    return resolver

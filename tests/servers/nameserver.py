"""A name server on loopback that knows the records a test tells it, for what no real one can be asked."""

import socketserver
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.resolver import Resolver


@contextmanager
def nameserver(
    records: Mapping[str, Sequence[str]], *, delay: float = 0.0, kind: str = "MX"
) -> Iterator[tuple[Resolver, list[str]]]:
    """`records`: domain -> ("10 mx.example.", …), all of one kind; others don't exist. "CNAME other.example." is an alias
    that is followed, as real servers do. Yields who asks there, and what was asked."""
    asked: list[str] = []

    def answer_with(answer: Any, name: str, wanted: str) -> None:
        seen: set[str] = set()
        while (
            (found := records.get(name)) is not None and found[:1] and found[0].startswith("CNAME ") and wanted == kind
        ):
            if name in seen:
                answer.set_rcode(dns.rcode.SERVFAIL)
                answer.answer.clear()
                return
            seen.add(name)
            answer.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", "CNAME", found[0].removeprefix("CNAME ")))
            name = found[0].removeprefix("CNAME ").rstrip(".").lower()
        if found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found and found[0].startswith("CNAME ") and wanted == "CNAME":
            answer.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", "CNAME", found[0].removeprefix("CNAME ")))
        elif found and wanted == kind:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", kind, *found))

    class Question(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            question = dns.message.from_wire(self.request[0])
            name = question.question[0].name
            asked.append(name.to_text(omit_final_dot=True))
            time.sleep(delay)
            answer: Any = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            answer_with(answer, asked[-1].lower(), dns.rdatatype.to_text(question.question[0].rdtype))
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

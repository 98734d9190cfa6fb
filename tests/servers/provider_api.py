"""A stand-in for the APIs of mail providers on loopback: keeps what arrived, and answers as each of them does."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[bytes]]:
        """multipart/form-data (RFC 7578), cut at its boundary: no parser that would understand the mail inside."""
        boundary = b"--" + self.headers["Content-Type"].partition("boundary=")[2].encode()
        fields: dict[str, list[bytes]] = {}
        for part in (b"\r\n" + self.body).split(b"\r\n" + boundary)[1:-1]:
            head, _blank, content = part.partition(b"\r\n\r\n")
            found = re.search(rb'name="([^"]+)"', head)
            assert found is not None
            fields.setdefault(found[1].decode(), []).append(content)
        return fields


@dataclass(frozen=True)
class Reply:
    """`hangs_up`: the request is read and the line cut; `waits`: no answer for so many seconds; `location`: where to."""

    status: int = 200
    body: Any = None
    hangs_up: bool = False
    waits: float = 0
    location: str = ""


def postmark(asked: Asked) -> Reply:
    to = asked.json.get("To", "")
    return Reply(200, {"To": to, "ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a-e38e-4336-af7d"})


def mailgun(asked: Asked) -> Reply:
    return Reply(200, {"id": "<20261122.1@mg.example.org>", "message": "Queued. Thank you."})


def brevo(asked: Asked) -> Reply:
    return Reply(201, {"messageId": "<202611220930.1@smtp-relay.mailin.fr>"})


def postal(asked: Asked) -> Reply:
    messages = {one: {"id": 40 + at, "token": "x"} for at, one in enumerate(asked.json["rcpt_to"])}
    return Reply(200, {"status": "success", "data": {"message_id": "1", "messages": messages}})


def sendgrid(asked: Asked) -> Reply:
    return Reply(202)


def scaleway(asked: Asked) -> Reply:
    return Reply(
        200, {"emails": [{"id": "1", "mail_rcpt": one["email"], "status": "sending"} for one in asked.json["to"]]}
    )


@dataclass
class ProviderApi:
    """`answers`: who is played; `replies`: what is said first, one by one, in his place."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    answers: Callable[[Asked], Reply] = postmark

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["ProviderApi"]:
        api = cls()

        class Door(_Door):
            owner = api

        server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        server.daemon_threads = True
        api.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.replies.pop(0) if self.replies else self.answers(asked)


class _Door(BaseHTTPRequestHandler):
    owner: ProviderApi
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        reply = self.owner.reply(Asked(self.path, self.headers, body))
        if reply.waits:
            threading.Event().wait(reply.waits)
        if reply.hangs_up:
            self.close_connection = True
            return
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        with suppress(OSError):
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            if reply.location:
                self.send_header("Location", reply.location)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass

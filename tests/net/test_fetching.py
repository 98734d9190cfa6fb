"""Fetching from addresses that strangers wrote: only from the public internet, within limits."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from postvak.net import reach
from postvak.net.fetching import CannotFetch, fetch


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example/x", "ldap://a.example/x", "file:///etc/passwd", "http://u:p@a.example/", "http://a.example:22/", "http://[::1", "http://localhost/",
     "http://127.0.0.1/", "http://2130706433/", "https://[::1]/"],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(CannotFetch):
        fetch(url, most=10)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://127.0.0.1/secret")
        self.end_headers()
        self.wfile.write(b"x" * 100)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that counts as one of the internet."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setattr(reach, "is_public", lambda address: True)
    monkeypatch.setitem(reach.PORTS, "http", http.server_port)
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def test_what_the_server_says_comes_back_but_no_redirect_is_followed_and_nothing_large(server: str) -> None:
    assert fetch(f"{server}/list", most=100) == b"x" * 100
    with pytest.raises(CannotFetch, match="larger"):
        fetch(f"{server}/list", most=99)
    with pytest.raises(CannotFetch, match="answered 302"):
        fetch(f"{server}/away", most=100)

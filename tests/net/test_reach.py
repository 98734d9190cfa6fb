"""Whoever asks by HTTP on somebody's word: never this machine or its network, whatever the name says the second time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest
from django.conf import settings
from django.test import override_settings

from postvak.net import reach
from postvak.net.fetching import CannotFetch, fetch
from postvak.net.https_form import NoAnswer, get_json, post_form
from postvak.net.oidc import Trouble, discover
from postvak.net.reach import OffLimits, allowed_addresses, is_public
from postvak.net.webhook import post, post_json

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        heard.append(f"{self.command} {self.path}")
        self.send_response(302 if self.path.startswith("/away") else 200)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/secret")
        self.end_headers()
        if self.path == "/slow":
            for _ in range(200):
                self.wfile.write(b"x")
                self.wfile.flush()
                if given_up.wait(0.02):
                    break

    do_POST = do_GET

    def log_message(self, *_words: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()


heard: list[str] = []
given_up = threading.Event()


@pytest.fixture
def server() -> Iterator[int]:
    """Something inside that nobody must be led to; its port."""
    heard.clear()
    given_up.clear()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield http.server_port
    given_up.set()
    http.shutdown()
    http.server_close()


@pytest.fixture
def far_from_home() -> Iterator[None]:
    """An installation as it comes: no network of its own is named."""
    with override_settings(CONFIGURATION=replace(settings.CONFIGURATION, own_networks=())):
        yield


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.8",
     "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1",
     "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe",
     "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "100::1"],
)  # fmt: skip
def test_nothing_of_this_machine_or_its_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


ASKERS: dict[str, Callable[[str], object]] = {
    "web hook": lambda url: post(url, b"{}").said,
    "alarm": lambda url: post_json(url, {}),
    "form to a provider": lambda url: getattr(post_form(url, {}), "said", ""),
    "JSON of a provider": lambda url: getattr(get_json(url), "said", ""),
    "log-in provider": lambda url: getattr(discover(url), "said", ""),
}


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    ],
)
@pytest.mark.usefixtures("far_from_home")
def test_nobody_is_led_into_the_own_network(who: str, host: str, server: int) -> None:
    assert ASKERS[who](f"http://{host}:{server}/hook"), "says why not"
    assert ASKERS[who](f"https://{host}:{server}/hook")
    assert heard == []


@pytest.mark.usefixtures("far_from_home")
def test_the_refusal_names_the_setting(server: int) -> None:
    assert "POSTVAK_OWN_NETWORKS" in post_json(f"http://127.0.0.1:{server}/", {})
    trouble = discover(f"http://127.0.0.1:{server}")
    assert isinstance(trouble, Trouble)
    assert "POSTVAK_OWN_NETWORKS" in trouble.said


def test_a_network_that_is_named_may_be_asked_by_administrators_words_but_not_by_strangers(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(reach.PORTS, "http", server)
    assert settings.CONFIGURATION.own_networks == LOOPBACK
    assert post_json(f"http://127.0.0.1:{server}/hook", {}) == ""
    with pytest.raises(CannotFetch, match="public internet"):
        fetch(f"http://127.0.0.1:{server}/list", most=10)
    assert heard == ["POST /hook"]


def test_a_redirect_leads_nowhere(server: int) -> None:
    assert post(f"http://127.0.0.1:{server}/away", b"{}").status == 302
    answer = get_json(f"http://127.0.0.1:{server}/away2")
    assert not isinstance(answer, NoAnswer)
    assert answer.status == 302
    assert heard == ["POST /away", "GET /away2"]


def test_one_private_address_among_several_spoils_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names_for("93.184.216.34", "10.0.0.1"))
    with pytest.raises(OffLimits):
        allowed_addresses("both.example", 80, ())
    assert allowed_addresses("both.example", 80, (ip_network("10.0.0.0/8"),)) == ["93.184.216.34", "10.0.0.1"]


def test_a_name_that_means_something_else_the_second_time_is_asked_once(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the address that was judged is the one that is connected to."""
    answers = iter([names_for("93.184.216.34"), names_for("127.0.0.1")])
    dialled: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: next(answers)(*args, **more))

    def dial(place: tuple[str, int], _seconds: float) -> socket.socket:
        dialled.append(place)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(socket, "create_connection", dial)
    assert post(f"http://rebind.example:{server}/", b"{}").status is None
    assert dialled == [("93.184.216.34", server)]
    assert heard == []


def test_of_several_public_addresses_the_next_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names_for("2606:2800:220:1::1", "93.184.216.34"))
    dialled: list[str] = []

    def dial(place: tuple[str, int], _seconds: float) -> socket.socket:
        dialled.append(place[0])
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", dial)
    assert post("http://two.example/", b"{}").said == "no route"
    assert dialled == ["2606:2800:220:1::1", "93.184.216.34"]


def test_an_answer_that_trickles_is_cut(server: int) -> None:
    begun = time.monotonic()
    post(f"http://127.0.0.1:{server}/slow", b"{}", seconds=0.4)
    assert time.monotonic() - begun < 2


def names_for(*addresses: str) -> Callable[..., object]:
    """A name server's answer."""

    def look_up(_host: str, port: int, **_more: object) -> list[tuple[object, ...]]:
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, kind, 6, "", (one, port)) for one in addresses]

    return look_up

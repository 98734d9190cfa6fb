"""The gateway between granian and the pages: what a WSGI application may count on, over real connections."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers import answers, die_with_parent, free_port, wait_until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    command = die_with_parent([sys.executable, "-m", "tests.web.gateway_server", str(port)])
    with (tmp_path_factory.mktemp("gateway") / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_until(lambda: answers(port), seconds=20, what="start of the server")
            yield port
        finally:
            server.terminate()
            server.wait(10)


def ask(port: int, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def seen(port: int, path: str, method: str = "GET", body: Any = None, **headers: str) -> dict[str, Any]:
    status, answer = ask(port, path, method, body, **headers)
    assert status == 200
    return dict(json.loads(answer))


def state(port: int) -> dict[str, int]:
    return seen(port, "/state")


def test_the_environment_is_that_of_wsgi(port: int) -> None:
    environ = seen(port, "/caf%C3%A9/a%20b?q=%20x", Cookie="a=1", X_Forwarded_Proto="https")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/café/a b"
    assert environ["QUERY_STRING"] == "q=%20x"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(port)
    assert environ["HTTP_HOST"] == f"127.0.0.1:{port}"
    assert environ["HTTP_COOKIE"] == "a=1"
    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_nobody_passes_for_a_proxy_with_an_underscore(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX_Forwarded_Proto: https\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"FORWARDED" not in answer


def test_answers_keep_both_cookies_and_a_head_request_gets_no_body(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    connection.request("HEAD", "/download?100")
    answer = connection.getresponse()
    assert answer.headers["content-length"] == str(100 * 65536)
    assert answer.read() == b""
    connection.request("GET", "/")  # the same connection goes on
    assert connection.getresponse().status == 200


@pytest.mark.parametrize("size", [0, 10, 65_536, 65_537, 5_000_000])
def test_a_body_comes_whole_whatever_its_size(port: int, size: int) -> None:
    body = b"first\n" + b"y" * size
    environ = seen(port, "/", "POST", body, Content_Type="text/plain")
    assert environ["size"] == len(body)
    assert environ["first"] == "first\n"
    assert environ["CONTENT_LENGTH"] == str(len(body))
    assert environ["CONTENT_TYPE"] == "text/plain"


def test_a_body_in_chunks_of_unknown_length_comes_whole(port: int) -> None:
    environ = seen(port, "/", "POST", iter([b"first\n", b"z" * 300_000, b"z"]))
    assert environ["size"] == 300_007


def test_an_upload_that_is_refused_unread_spoils_nothing(port: int) -> None:
    with suppress(ConnectionError):  # the server may close before all is sent
        assert ask(port, "/refused", "POST", b"x" * 5_000_000)[0] == 413
    assert ask(port, "/")[0] == 200


def test_an_upload_that_breaks_off_frees_its_thread(port: int) -> None:
    before = state(port)["broken_uploads"]
    for _time in range(3):  # there are two threads
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
    wait_until(lambda: state(port)["broken_uploads"] == before + 3, seconds=10, what="end of the uploads")


def test_who_sends_a_form_slowly_keeps_no_thread(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _time in range(5)]
    for connection in slow:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    assert ask(port, "/")[0] == 200
    for connection in slow:
        connection.close()


def test_a_long_answer_comes_whole(port: int) -> None:
    status, body = ask(port, "/download?300")
    assert (status, len(body)) == (200, 300 * 65536)


def test_a_download_that_breaks_off_is_closed_and_frees_its_thread(port: int) -> None:
    before = state(port)
    for _time in range(3):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /download?3000 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1000)
    wait_until(lambda: state(port)["closed"] == before["closed"] + 3, seconds=10, what="end of the downloads")
    assert state(port)["made"] - before["made"] < 1000  # not to the end, which nobody sees


def test_who_reads_slowly_does_not_fill_the_memory(port: int) -> None:
    before = state(port)["made"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /download?3000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000)
        wait_until(lambda: comes_to_rest(port), seconds=10, what="pause of the download")
        assert state(port)["made"] - before < 1000


def comes_to_rest(port: int) -> bool:
    made = state(port)["made"]
    time.sleep(0.3)
    return state(port)["made"] == made


def test_a_fault_is_answered_and_the_server_goes_on(port: int) -> None:
    assert ask(port, "/fault")[0] == 500
    assert ask(port, "/")[0] == 200


def test_more_requests_than_threads_all_get_their_answer(port: int) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(ask(port, "/sleep?0.2")[0])) for _time in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [200] * 8

"""`postvak serve`: one command, one process tree; how it starts, stops, and what it leaves behind."""

import os
import re
import signal
import stat
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation, children, own_memory
from tests.servers import wait_until

pytestmark = pytest.mark.servers

SETUP = """
[[agent]]
email = "bob@example.org"
name = "Bob Baker"
admin = true
password = { file = "password" }
"""


def test_the_first_start_prints_the_address_and_a_set_up_link_and_keeps_its_files_to_itself(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        print(f"start took {postvak.start_seconds:.2f} s")
        assert f"Postvak runs at {postvak.url}/" in postvak.output
        assert f"Its data is in {postvak.data}" in postvak.output
        assert get(postvak.setup_link)[0] == 200
        assert mode(postvak.data) == 0o700
        files = [path for path in postvak.data.rglob("*") if path.is_file()]
        assert {"secret.key", "sealing.keys", "postvak.sqlite3"} <= {path.name for path in files}
        for path in files:
            assert mode(path) == 0o600, path
        postvak.stop()


def test_the_second_start_continues_with_the_same_keys_and_mails(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        keys = {name: (postvak.data / name).read_bytes() for name in ("secret.key", "sealing.keys")}
        link = postvak.setup_link
        assert postvak.cli("ingest", "-", input=b"From: ann@customer.example\nSubject: Lamp\n\nHello").returncode == 0
        postvak.stop()
        postvak.start()
        assert {name: (postvak.data / name).read_bytes() for name in keys} == keys
        assert postvak.setup_link == link
        assert postvak.value("SELECT count(*) FROM postvak_ticket") == 1
        postvak.stop()


def test_ctrl_c_stops_with_zero_and_leaves_no_process(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        assert len(postvak.living()) >= 3
        postvak.stop()
        assert not postvak.living()
        assert "Postvak has stopped." in postvak.output
        assert "Traceback" not in postvak.tail()


def test_a_killed_supervisor_takes_its_whole_tree_along(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        assert postvak.process is not None
        os.kill(postvak.process.pid, signal.SIGKILL)
        postvak.process.wait(5)
        wait_until(lambda: not postvak.living(), seconds=8, what="end of the children")


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        assert postvak.process is not None
        supervisor = postvak.process.pid
        for place in (0, 1):
            wait_until(lambda: len(children(supervisor)) == 2, seconds=10, what="web pages and worker")
            before = children(supervisor)
            os.kill(before[place], signal.SIGKILL)
            wait_until(came_back(supervisor, before), seconds=10, what="restart of a child")
            wait_until(postvak.is_healthy, seconds=10, what="answer of the web pages")
        assert postvak.cli("ingest", "-", input=b"From: ann@customer.example\nSubject: Lamp\n\nHello").returncode == 0
        postvak.stop()


def came_back(supervisor: int, before: list[int]) -> Callable[[], bool]:
    return lambda: len(children(supervisor)) == 2 and children(supervisor) != before


def test_the_idle_tree_needs_at_most_200_megabytes(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        get(postvak.url + "/setup/")
        used = own_memory(postvak.living())
        print(f"memory of the idle tree: {used:.0f} MB")
        assert used <= 200
        postvak.stop()


def test_logging_in_is_slowed_down_after_five_failures(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        (tmp_path / "password").write_text("correct horse battery\n")
        (tmp_path / "setup.toml").write_text(SETUP)
        assert postvak.cli("config", "apply", str(tmp_path / "setup.toml")).returncode == 0
        said = [log_in(postvak.url, "wrong horse") for _ in range(5)]
        assert all(status == 422 and "is wrong" in page for status, page in said)
        status, page = log_in(postvak.url, "correct horse battery")
        assert status == 422
        assert re.search(r"too many wrong attempts. Wait \d minute", page)
        postvak.stop()


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with Installation.running(tmp_path, is_new=True) as postvak:
        second = postvak.cli("serve", "--port", str(postvak.port))
        assert second.returncode == 1
        assert f"Port {postvak.port} on 127.0.0.1 can't be used" in second.stderr.decode()
        assert "Traceback" not in second.stderr.decode()
        postvak.stop()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status, answer.read().decode()


def log_in(url: str, password: str) -> tuple[int, str]:
    """A browser's log-in: form, token, POST. Returns status and page."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = browser.open(f"{url}/login/", timeout=10).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    fields = {"csrfmiddlewaretoken": token[1], "email": "bob@example.org", "password": password}
    try:
        with browser.open(f"{url}/login/", urllib.parse.urlencode(fields).encode(), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

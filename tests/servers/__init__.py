"""Real mail and database servers on loopback, for the tests and the end-to-end scripts.

Each is a context manager (`with Dovecot.running() as dovecot:`) on 127.0.0.1 and free ports.  What all of
them need is here: finding the binary, a folder that unprivileged users may enter, a port, waiting.
"""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class MissingServer(RuntimeError):
    """A binary is not installed; says which apt package has it."""


def binary(name: str, *, package: str, folders: tuple[str, ...] = ()) -> str:
    """The full path of a program, also from outside the PATH; raises `MissingServer`."""
    search = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *folders))
    found = shutil.which(name, path=search)
    if found is None:
        raise MissingServer(f"{name} is not installed: apt-get install {package}")
    return found


def die_with_parent(command: list[str]) -> list[str]:
    """The command so that it gets SIGTERM when the tests are killed, where setpriv can do that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else command


@contextmanager
def short_folder(parent: Path | None, prefix: str) -> Iterator[Path]:
    """A new folder with a short path (sockets: 100 bytes) that every user may enter; removed afterwards.

    Below `parent` if that fits and all may pass through it (pytest's tmp_path is closed to others), else
    in the system's place for temporary files.
    """
    place = parent if parent is not None and _is_open(parent) else None
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_open(folder: Path) -> bool:
    folder = folder.resolve()
    return len(str(folder)) < 50 and all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_ready: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll until ready; TimeoutError with `what` after that time."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Somebody accepts connections on this port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

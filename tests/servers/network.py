"""Machines in network namespaces of their own, joined by a switch (switch.py) that loses, delays and cuts as it is told.

Whoever uses it runs in a network namespace that is nobody else's (`unshare --net`), and is a machine there itself: HOME. Needs root.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import die_with_parent
from tests.servers.switch import DEVICE

HOME = "home"
NETWORK = "10.77.0"


def why_not() -> str:
    """What is missing here for machines in namespaces; "": nothing."""
    if os.getuid():
        return "needs root"
    missing = [name for name in ("ip", "unshare", "setpriv") if not shutil.which(name)]
    if missing or not Path("/dev/net/tun").exists():
        return f"needs {', '.join(missing) or '/dev/net/tun'}"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "ip", "link", "set", "lo", "up"], check=False, capture_output=True
    )
    return f"no network namespaces: {tried.stderr.decode().strip()}" if tried.returncode else ""


@dataclass(frozen=True, slots=True)
class Machine:
    """`namespace` as `ip netns` knows it."""

    name: str
    namespace: str
    address: str

    def command(self, command: Sequence[str]) -> list[str]:
        """As it is run there, in the same process in the end; the host has its name."""
        script = 'hostname "$0" && exec "$@"'
        inside = ["ip", "netns", "exec", self.namespace, "unshare", "--uts", "sh", "-c", script, self.name]
        return die_with_parent([*inside, *command])


class Network:
    """`machines` by name. cut(), lose() and heal() count for all frames from now on."""

    def __init__(self, names: Sequence[str]) -> None:
        mark = f"pv{os.getpid()}"
        self.machines = {
            name: Machine(name, f"{mark}-{name}", f"{NETWORK}.{number}") for number, name in enumerate(names, 1)
        }
        self.home = Machine(HOME, "-", f"{NETWORK}.100")
        self.cuts: set[tuple[str, str]] = set()
        self.loss = self.delay = 0.0

    @classmethod
    @contextmanager
    def running(cls, *names: str) -> Iterator["Network"]:
        network = cls(names)
        try:
            for machine in network.machines.values():
                ip("netns", "add", machine.namespace)
            network.connect()
            yield network
        finally:
            network.switch.stdin.close()  # type: ignore[union-attr]
            network.switch.wait(10)
            for machine in network.machines.values():
                subprocess.run(["ip", "netns", "del", machine.namespace], check=False)

    def connect(self) -> None:
        everybody = [*self.machines.values(), self.home]
        command = [sys.executable, "-m", "tests.servers.switch", *(machine.namespace for machine in everybody)]
        self.switch = subprocess.Popen(
            die_with_parent(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.hear("ready")
        for machine in everybody:
            where = () if machine is self.home else ("-n", machine.namespace)
            ip(*where, "link", "set", "lo", "up")
            ip(*where, "addr", "add", f"{machine.address}/24", "dev", DEVICE)
            ip(*where, "link", "set", DEVICE, "up")

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def cut(self, some: Collection[str], others: Collection[str]) -> None:
        """Nothing goes between these and those any more."""
        self.cuts |= {(one, other) for one in some for other in others if one != other}
        self.tell()

    def isolate(self, name: str) -> None:
        """From all machines but the one where the test runs."""
        self.cut([name], self.machines)

    def heal(self) -> None:
        self.cuts.clear()
        self.tell()

    def lose(self, loss: float, delay: float) -> None:
        """`loss` of 0 to 1, of all frames; `delay` in seconds, each way."""
        self.loss, self.delay = loss, delay
        self.tell()

    def tell(self) -> None:
        names = {machine.name: machine.namespace for machine in self.machines.values()}
        cut = [[names[one], names[other]] for one, other in self.cuts]
        assert self.switch.stdin is not None
        print(json.dumps({"cut": cut, "loss": self.loss, "delay": self.delay}), file=self.switch.stdin, flush=True)
        self.hear("ok")

    def hear(self, word: str) -> None:
        assert self.switch.stdout is not None
        said = self.switch.stdout.readline().strip()
        assert said == word, said


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)

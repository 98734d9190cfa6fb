"""An Ethernet switch in user space: one TAP device in each network namespace, and frames carried between them – or lost, delayed, and
not carried at all. `tc netem` needs a kernel module that containers rarely have; this needs /dev/net/tun and root.

`python -m tests.servers.switch NAMESPACE…`; "-" is the namespace that it was started in. Prints "ready". Then a line of JSON each:
{"cut": [["a", "b"], …], "loss": 0.02, "delay": 0.005} (seconds); it answers "ok". `cut`: pairs between which nothing goes.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import sys
import time
from itertools import count
from typing import Any

DEVICE = "eth0"
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
LONGEST = 65_536


def tap(namespace: str) -> int:
    """A device in that namespace; it lasts as long as its file is open."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if namespace != "-":
            there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
            enter(libc, there)
            os.close(there)
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TAP | IFF_NO_PI))
        return device
    finally:
        enter(libc, home)
        os.close(home)


def enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Switch:
    """`ports`: namespace -> its device."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self.where: dict[bytes, str] = {}  # hardware address -> namespace
        self.cut: set[frozenset[str]] = set()
        self.loss = self.delay = 0.0
        self.under_way: list[tuple[float, int, str, bytes]] = []
        self.numbers = count()

    def run(self) -> None:
        """Until its input ends."""
        selector = selectors.DefaultSelector()
        for name, device in self.ports.items():
            selector.register(device, selectors.EVENT_READ, name)
        selector.register(sys.stdin, selectors.EVENT_READ, "")
        print("ready", flush=True)
        while True:
            wait = self.under_way[0][0] - time.monotonic() if self.under_way else None
            for key, _events in selector.select(None if wait is None else max(wait, 0)):
                if key.data:
                    self.take(key.data)
                elif not self.obey(sys.stdin.readline()):
                    return
            self.hand_out(time.monotonic())

    def obey(self, line: str) -> bool:
        if not line:
            return False
        wish: dict[str, Any] = json.loads(line)
        self.cut = {frozenset(pair) for pair in wish["cut"]}
        self.loss, self.delay = wish["loss"], wish["delay"]
        print("ok", flush=True)
        return True

    def take(self, source: str) -> None:
        while True:
            try:
                frame = os.read(self.ports[source], LONGEST)
            except OSError:  # nothing more, or the device is down
                return
            self.where[frame[6:12]] = source
            known = self.where.get(frame[:6])
            for target in [known] if known else [name for name in self.ports if name != source]:
                if frozenset((source, target)) not in self.cut and random.random() >= self.loss:
                    due = time.monotonic() + self.delay
                    heapq.heappush(self.under_way, (due, next(self.numbers), target, frame))

    def hand_out(self, now: float) -> None:
        while self.under_way and self.under_way[0][0] <= now:
            _due, _number, target, frame = heapq.heappop(self.under_way)
            try:
                os.write(self.ports[target], frame)
            except OSError:  # the device is down or full: the frame is lost, as on a real wire
                continue


if __name__ == "__main__":
    Switch({name: tap(name) for name in sys.argv[1:]}).run()

"""How much one peer, and all together, may ask of us: connections, mails per minute, bytes in memory."""

from collections import Counter
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic

from postvak.receive.listener import replies

CONNECTIONS = 500  # of all peers together
MEMORY = 256 * 1024 * 1024  # bytes of mails that are being received or stored


class Limits:
    """Used in the event loop only. A peer without IP (Unix socket) has no limit of its own."""

    def __init__(self, connections: int, mails_per_minute: int) -> None:
        self.connections, self.mails_per_minute = connections, mails_per_minute
        self.open: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.minute = 0
        self.bytes = 0

    def enter(self, ip: str) -> bool:
        """Count a new connection; False: too many, don't call leave()."""
        peer = peer_of(ip)
        if self.is_crowded() or (peer and self.open[peer] >= self.connections):
            return False
        self.open[peer] += 1
        return True

    def leave(self, ip: str) -> None:
        peer = peer_of(ip)
        self.open[peer] -= 1
        if not self.open[peer]:
            del self.open[peer]

    def is_full(self) -> bool:
        """So much is being received that no further mail shall begin; the rest of MEMORY is for those that began (Room.take)."""
        return self.bytes > MEMORY * 3 // 4

    def is_crowded(self) -> bool:
        return self.open.total() >= CONNECTIONS

    def may_send(self, ip: str) -> bool:
        """Count a mail; False: this peer has sent enough for this minute."""
        peer, minute = peer_of(ip), int(monotonic() // 60)
        if minute != self.minute:
            self.minute = minute
            self.sent.clear()
        self.sent[peer] += 1
        return not peer or self.sent[peer] <= self.mails_per_minute


def peer_of(ip: str) -> str:
    """An IPv4 address, or the network of an IPv6 address: one customer of a provider has all of a /64."""
    if not ip:
        return ""
    address = ip_address(ip)
    if not isinstance(address, IPv6Address):
        return ip
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False))


class Room:
    """What one mail takes in memory. `reply` is set once it is too much: to this mail (552) or to us (452)."""

    def __init__(self, limits: Limits, largest: int) -> None:
        self.limits, self.largest = limits, largest
        self.taken = 0
        self.reply = ""

    def take(self, count: int) -> bool:
        """Count what arrived; False: read on to the end of the mail, but keep nothing."""
        if self.reply:
            return False
        self.taken += count
        self.limits.bytes += count
        if self.taken > self.largest:
            self.reply = replies.too_large(self.largest)
        elif self.limits.bytes > max(MEMORY, 2 * self.largest):
            self.reply = replies.NO_ROOM
        if self.reply:
            self.give_back()
        return not self.reply

    def give_back(self) -> None:
        self.limits.bytes -= self.taken
        self.taken = 0

"""Sessions that were only refused, counted together: who tries out addresses all night must not fill the communication log.

Of each protocol the first FEW within an hour have a communication of their own; what comes after them is one communication for
all, to which every minute adds how many there were. Lives in the event loop of one listener.
"""

import asyncio

from postvak.log.talk import Direction, begin_talk, end_talk
from postvak.log.talk_notes import Talk, Topic
from postvak.receive.listener.limits import peer_of

MODULE = "receive.listener"
FEW = 20
HOUR, MINUTE = 3600.0, 60.0  # seconds
MOST_PEERS = 10_000  # that are told apart within an hour


class Crowd:
    """All protocols of one listener."""

    def __init__(self, worker: str = "") -> None:
        self.worker = worker
        self.hours: dict[str, Hour] = {}

    def is_full(self, protocol: str) -> bool:
        """The next refused session will be counted only."""
        hour = self.hours.get(protocol)
        return hour is not None and hour.number >= FEW

    def takes(self, protocol: str, ip: str, reply: str) -> bool:
        """Of a session that was only refused, `reply` first: True when it is counted here and has to be forgotten."""
        hour = self.hours.get(protocol)
        if hour is None:
            hour = self.hours[protocol] = Hour(protocol, self.worker)
            asyncio.get_running_loop().call_later(HOUR, self.close, protocol)
        return hour.takes(ip, reply)

    def close(self, protocol: str) -> None:
        hour = self.hours.pop(protocol, None)
        if hour is not None:
            hour.close()

    def close_all(self) -> None:
        """We are stopping."""
        for protocol in list(self.hours):
            self.close(protocol)


class Hour:
    """From the first refused session on. `number`: all of them; `counted`: without the first few; `told`: of these, in the log."""

    def __init__(self, protocol: str, worker: str) -> None:
        self.protocol, self.worker = protocol, worker
        self.number = self.counted = self.told = 0
        self.peers: set[str] = set()
        self.ip = self.reply = ""
        self.talk: Talk | None = None
        self.connection: Topic | None = None

    def takes(self, ip: str, reply: str) -> bool:
        self.number += 1
        if self.number <= FEW:
            return False
        if self.told == self.counted:
            asyncio.get_running_loop().call_later(MINUTE, self.tell)
        self.counted += 1
        self.ip, self.reply = ip, reply
        if len(self.peers) < MOST_PEERS:
            self.peers.add(peer_of(ip))
        return True

    def tell(self) -> None:
        """What came since the last time."""
        new = self.counted - self.told
        if not new:
            return
        if self.connection is None:
            self.talk = begin_talk(Direction.IN, self.protocol.lower(), module=MODULE, worker=self.worker)
            self.connection = self.talk.connection("")
        self.told = self.counted
        self.connection.warning(
            "refused_together", count=new, sum=self.counted, peers=len(self.peers), peer=self.ip, reply=self.reply
        )

    def close(self) -> None:
        self.tell()
        if self.talk is not None:
            end_talk(self.talk)

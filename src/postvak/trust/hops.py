"""The way of a mail through servers, as its Received lines tell it: was it handed in inside of the house?

Anybody can write such a line; true are those that our own servers put on top. So they are read from above, down to the hand-over by a
server that isn't ours. What they say proves nothing: it only keeps us from calling a mail forged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

LONGEST = 2000  # letters of a line that are looked at
MOST = 30
LOGGED_IN = re.compile(r"\bwith\s+(?:utf8)?(?:smtp|esmtp|lmtp)s?a\b|\bwith\s+mapi\b", re.I)
# Between programs of a server, or by web mail: where the mail came from is in the lines below.
HANDED_ON = re.compile(r"\bwith\s+(?:lmtps?|https?|local)\b|from userid \d|\bby uid \d", re.I)
BY = re.compile(r"\sby\s", re.I)
ADDRESS = re.compile(
    r"(?<![\w.:])(?:IPv6:)?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}:[0-9a-f:]{2,40}(?:\d+\.\d+\.\d+\.\d+)?)(?![\w.:])",
    re.I,
)
HOUSE = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
    )
)
PROVIDER = 32  # bits of an IPv6 net: servers of one provider, which hand a mail on among themselves

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def came_from_inside(headers: Iterable[tuple[str, str]]) -> bool:
    """Who handed it in had logged in, or all servers that it passed are of the house."""
    lines = [value[:LONGEST] for name, value in headers if name.lower() == "received"][:MOST]
    for line in lines:
        giver, taker = parts_of(line)
        if LOGGED_IN.search(taker):
            return True
        if not is_of_the_house(giver, taker):
            return False
    return bool(lines)


def parts_of(line: str) -> tuple[str, str]:
    """(who gave it, who took it and how)"""
    if not re.match(r"\s*from\s", line, re.I):
        return "", line
    found = BY.search(line)
    return (line[: found.start()], line[found.start() :]) if found else (line, "")


def is_of_the_house(giver: str, taker: str) -> bool:
    """Was it handed on within the house? What a server calls itself says nothing, so only its address counts; without one, that
    it was handed on between programs."""
    if not giver or HANDED_ON.search(taker):
        return True
    found = addresses_in(giver)
    if not found:
        return bool(re.match(r"\s*from\s+\(?localhost\b", giver, re.I))
    if all(any(one in net for net in HOUSE) for one in found):
        return True
    return len(found) == 1 and any(are_neighbours(found[0], one) for one in addresses_in(taker))


def addresses_in(text: str) -> list[Address]:
    found: list[Address] = []
    for match in ADDRESS.finditer(text):
        try:
            found.append(ipaddress.ip_address(match.group(1)))
        except ValueError:
            continue
    return found


def are_neighbours(one: Address, other: Address) -> bool:
    return one.version == other.version == 6 and other in ipaddress.ip_network(f"{one}/{PROVIDER}", strict=False)

"""TXT records of a name, asked for with short patience while a person waits. Says which way it failed.

Not here: what stands in them (mail/dkim_record.py, mail/sender_records.py).
"""

from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

import dns.exception
import dns.resolver
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

SECONDS = 3.0  # for one question, all name servers and repetitions together
ALIASES_FOLLOWED = 8
NO_RECORD = (NoAnswer, ValueError, dns.exception.SyntaxError, dns.exception.FormError)  # the last two: what is no name


class Lookup(StrEnum):
    found = "found"
    none = "none"  # no such name, or no TXT record there
    loop = "loop"  # aliases (CNAME) that lead to themselves
    unreachable = "unreachable"  # no name server answered


@dataclass(frozen=True, slots=True)
class Texts:
    """TXT records in the order of the answer, the strings of each put together (RFC 7208 section 3.3)."""

    lookup: Lookup
    records: tuple[str, ...] = ()


def system_resolver() -> Resolver:
    return Resolver()


def texts_at(name: str) -> Texts:
    """Ask now. Raises nothing."""
    end = monotonic() + SECONDS
    try:
        resolver = system_resolver()
        answer = resolver.resolve(f"{name}.", "TXT", lifetime=SECONDS)
    except NXDOMAIN:
        return Texts(Lookup.none)
    except (DNSException, OSError, ValueError) as error:
        return Texts(why_not(name, error, end))
    records = (b"".join(record.strings).decode("utf-8", "replace") for record in answer)
    return Texts(Lookup.found, tuple(records))


def why_not(name: str, error: Exception, end: float) -> Lookup:
    """No answer, and a failing name server, may both be an alias that leads to itself."""
    if isinstance(error, dns.resolver.LifetimeTimeout | dns.resolver.NoResolverConfiguration | OSError):
        return Lookup.unreachable
    if has_loop(name, end):
        return Lookup.loop
    return Lookup.none if isinstance(error, NO_RECORD) else Lookup.unreachable


def has_loop(name: str, end: float) -> bool:
    seen = {name.lower()}
    try:
        resolver = system_resolver()
        for _ in range(ALIASES_FOLLOWED):
            answer = resolver.resolve(f"{name}.", "CNAME", lifetime=max(0.1, end - monotonic()))
            name = answer[0].target.to_text(omit_final_dot=True).lower()
            if name in seen:
                return True
            seen.add(name)
    except (DNSException, OSError, ValueError):
        return False
    return True

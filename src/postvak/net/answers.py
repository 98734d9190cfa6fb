"""Answers of name servers for those who must not wait: remembered as long as they hold, one limit for all questions of a mail,
and a breaker: when no name server answers at all, nobody waits for a minute.

Not here: what stands in the records. A name that doesn't exist and one without such records are the same.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Protocol

import dns.exception
import dns.name
import dns.resolver
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from postvak.net.dns_records import NO_RECORD, Lookup, system_resolver

SECONDS = 3.0  # for all questions about one mail
PROBE_SECONDS = 0.5
BREAK_SECONDS = 60.0
REMEMBERED = 5000
LONGEST, SHORTEST, NOTHING_FOUND, FAILED = 3600.0, 60.0, 300.0, 60.0  # seconds that an answer holds
SPECIAL = frozenset(
    {"invalid", "test", "localhost", "local", "internal", "onion", "alt"}
)  # RFC 6761 and its kin: never asked
NO_NAME_SERVER = (dns.resolver.NoResolverConfiguration, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """`values`: of TXT the strings of a record together, of MX the host names, the preferred first; addresses and names of A,
    AAAA and PTR. Names without the last dot, in small letters."""

    lookup: Lookup
    values: tuple[str, ...] = ()

    @property
    def has_failed(self) -> bool:
        """Nobody knows: another time it may be there."""
        return self.lookup in {Lookup.unreachable, Lookup.loop}


UNREACHABLE, NONE = Answer(Lookup.unreachable), Answer(Lookup.none)


class Ask(Protocol):
    """Who answers questions about names. `kind`: TXT, A, AAAA, MX or PTR. Raises nothing."""

    def __call__(self, name: str, kind: str = "TXT") -> Answer: ...


class Names:
    """Any thread may ask. `resolver`: makes the one who asks the name servers."""

    def __init__(self, resolver: Callable[[], Resolver] | None = None) -> None:
        self.make_resolver = resolver
        self.known: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self.broken_until = 0.0
        self.lock = Lock()

    def asker(self, seconds: float = SECONDS) -> Ask:
        """For the questions about one mail, from the first of them on."""
        ends: list[float] = []

        def ask(name: str, kind: str = "TXT") -> Answer:
            plain = name.strip().lower().rstrip(".")
            known = self.remembered(plain, kind)
            if known is not None:
                return known
            ends[:] = ends or [monotonic() + seconds]
            return self.asked(plain, kind, ends[0])

        return ask

    def remembered(self, name: str, kind: str) -> Answer | None:
        if not is_name(name):
            return NONE
        with self.lock:
            until, answer = self.known.get((name, kind), (0.0, NONE))
            return answer if monotonic() < until else None

    def asked(self, name: str, kind: str, end: float) -> Answer:
        patience = end - monotonic()
        if patience <= 0 or monotonic() < self.broken_until:
            return UNREACHABLE
        answer, holds = self.question(name, kind, patience)
        with self.lock:
            self.known[name, kind] = (monotonic() + holds, answer)
            self.known.move_to_end((name, kind))
            while len(self.known) > REMEMBERED:
                self.known.popitem(last=False)
        return answer

    def question(self, name: str, kind: str, patience: float) -> tuple[Answer, float]:
        """The answer, and for how many seconds it holds."""
        try:
            resolver = (self.make_resolver or system_resolver)()
            found = resolver.resolve(f"{name}.", kind, lifetime=patience)
        except NXDOMAIN:
            return NONE, NOTHING_FOUND
        except NoAnswer:
            return NONE, NOTHING_FOUND
        except dns.exception.Timeout:
            self.look_for_anybody(resolver)
            return UNREACHABLE, FAILED
        except NO_NAME_SERVER:
            self.broken_until = monotonic() + BREAK_SECONDS
            return UNREACHABLE, FAILED
        except (dns.exception.DNSException, ValueError) as error:
            return (NONE if isinstance(error, NO_RECORD) else UNREACHABLE), FAILED
        lifetime = float(found.rrset.ttl) if found.rrset is not None else FAILED
        return Answer(Lookup.found, values_of(found, kind)), min(LONGEST, max(SHORTEST, lifetime))

    def look_for_anybody(self, resolver: Resolver) -> None:
        """A slow domain is its own affair. When nobody answers even about the root, all others are spared the waiting."""
        try:
            resolver.resolve(dns.name.root, "NS", lifetime=PROBE_SECONDS)
        except (dns.exception.Timeout, *NO_NAME_SERVER):
            self.broken_until = monotonic() + BREAK_SECONDS
        except dns.exception.DNSException:  # an answer all the same
            return


def is_name(name: str) -> bool:
    """Of several labels, each of a right length; not one that the public name servers know nothing about."""
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or labels[-1] in SPECIAL or not name.isascii():
        return False
    return all(0 < len(label) < 64 for label in labels)


def values_of(found: Any, kind: str) -> tuple[str, ...]:
    if kind == "TXT":
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in found)
    if kind == "MX":
        records = sorted((record.preference, plain(record.exchange)) for record in found)
        return tuple(name for _preference, name in records if name and name != ".")
    if kind == "PTR":
        return tuple(plain(record.target) for record in found)
    return tuple(str(record.address) for record in found)


def plain(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower()

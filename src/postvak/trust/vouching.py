"""For which header lines does the domain of the author vouch? A genuine mail can be sent once more with other lines in front, and its
DKIM signature stays good: only the lines that it names are the author's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from postvak.trust.dmarc import is_aligned
from postvak.trust.keys import Refused, tags_of
from postvak.trust.values import Evidence, Result

MOST = 20  # signatures that are looked at


def vouched(headers: Sequence[tuple[str, str]], found: Evidence) -> frozenset[str]:
    """Names in small letters. All of them where a server that the domain lets send handed the mail over to us."""
    there = Counter(name.lower() for name, _value in headers)
    if not found.author:
        return frozenset()
    if found.spf is Result.passed and is_aligned(found.spf_domain, found.author, strict=False):
        return frozenset(there)
    covered = list(covered_by(headers, found))
    return frozenset(name for name, count in there.items() if any(counts[name] >= count for counts in covered))


def covered_by(headers: Iterable[tuple[str, str]], found: Evidence) -> Iterator[Counter[str]]:
    """How many lines of each name a good signature covers, one after the other."""
    for one in found.signatures:
        if one.result is Result.passed and is_aligned(one.domain, found.author, strict=False):
            yield Counter(one.covers)
    yield from said_by_host(headers, found)


def said_by_host(headers: Iterable[tuple[str, str]], found: Evidence) -> Iterator[Counter[str]]:
    """The host names the domain, not the signature: of several only what each of them covers is sure."""
    named: dict[str, list[Counter[str]]] = {}
    values = [value for name, value in headers if name.lower() == "dkim-signature"]
    for value in values if len(values) <= MOST else ():
        try:
            tags = tags_of(value)
        except Refused:
            return
        named.setdefault(tags.get("d", "").lower().rstrip("."), []).append(names_in(tags.get("h", "")))
    for domain in found.host_dkim:
        if is_aligned(domain, found.author, strict=False) and named.get(domain):
            first, *others = named[domain]
            for other in others:
                first = first & other
            yield first


def names_in(text: str) -> Counter[str]:
    return Counter(name.strip().lower() for name in text.split(":"))

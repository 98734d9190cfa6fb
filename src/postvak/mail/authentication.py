"""What the receiving host found about the sender: Authentication-Results (RFC 8601). Pure.

Only the topmost header of the host that is believed counts: RFC 8601 section 5 obliges that host to remove others
that bear its name, and headers of other hosts prove nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
METHOD = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:/\s*\d+\s*)?=\s*([A-Za-z]+)")
SIGNER = re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?(?:[^\s@\";]*@)?([^\s\";]+)", re.IGNORECASE)
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """`dmarc` is pass, fail or none (not checked, no policy, or an error); `dkim`: domains whose signature was good."""

    dmarc: str = "none"
    dkim: frozenset[str] = frozenset()


def check_of(headers: Iterable[tuple[str, str]], *, host: str) -> Check:
    """The findings of `host` (its authserv-id, letter case ignored); an empty Check when it left none."""
    wanted = host.strip().lower()
    for name, value in headers:
        if name.lower() == "authentication-results":
            server, _, rest = without_comments(value[:LONGEST]).partition(";")
            if server.lower().split()[:1] == [wanted]:
                return read_findings(rest)
    return Check()


def without_comments(value: str) -> str:
    """Comments may hold anything, also what looks like a result; nested ones go from the inside out."""
    for _ in range(10):
        shorter = COMMENT.sub(" ", value)
        if shorter == value:
            break
        value = shorter
    return value


def read_findings(text: str) -> Check:
    dmarc, dkim = "none", set()
    for part in text.split(";"):
        found = METHOD.match(part)
        if found is None:
            continue
        method, result = found.group(1).lower(), found.group(2).lower()
        if method == "dmarc" and result in {"pass", "fail"}:
            dmarc = result
        elif method == "dkim" and result == "pass":
            dkim |= {match.group(1).lower().rstrip(".") for match in SIGNER.finditer(part)}
    return Check(dmarc, frozenset(dkim))

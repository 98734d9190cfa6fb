"""What the receiving host found about the sender: Authentication-Results (RFC 8601). Pure.

Only the topmost header of the host that is believed counts: RFC 8601 section 5 obliges that host to remove others
that bear its name, and headers of other hosts prove nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

SPECIAL = frozenset(";=() \t\r\n")
METHOD = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:/\s*\d+\s*)?=\s*([A-Za-z]+)")
AUTHOR = re.compile(r"\bheader\.from\s*=\s*(?:[^\s@;]*@)?([^\s;]+)", re.IGNORECASE)
SIGNER = re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?(?:[^\s@\";]*@)?([^\s\";]+)", re.IGNORECASE)
SPF_RESULTS = frozenset({"pass", "fail", "softfail", "neutral", "temperror", "permerror"})
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """`dmarc` is pass, fail or none (not checked, no policy, or an error); `about`: the domain of the author that it was
    checked for, '' when the header doesn't say; `dkim`: domains whose signature was good; `spf`: the result for the envelope."""

    dmarc: str = "none"
    dkim: frozenset[str] = frozenset()
    about: str = ""
    spf: str = "none"


def check_of(headers: Iterable[tuple[str, str]], *, host: str) -> Check:
    """The findings of `host` (its authserv-id, letter case ignored); an empty Check when it left none."""
    wanted = host.strip().lower()
    for name, value in headers:
        if name.lower() == "authentication-results":
            server, _, rest = bare(value[:LONGEST]).partition(";")
            if server.lower().split()[:1] == [wanted]:
                return read_findings(rest)
    return Check()


def bare(value: str) -> str:
    """Without comments and quotation marks; what stood between marks can't look like a finding any more, because
    senders write there (the local part of an envelope sender). What is not closed swallows the rest."""
    kept: list[str] = []
    depth, is_quoted, is_escaped = 0, False, False
    for letter in value:
        if is_escaped:
            is_escaped = False
        elif letter == "\\" and (is_quoted or depth):
            is_escaped = True
        elif letter == '"' and not depth:
            is_quoted = not is_quoted
        elif is_quoted:
            kept.append("_" if letter in SPECIAL else letter)
        elif letter in "()":
            depth = max(0, depth + (1 if letter == "(" else -1))
            kept.append(" ")
        elif not depth:
            kept.append(letter)
    return "".join(kept)


def read_findings(text: str) -> Check:
    dmarc, about, spf, dkim = "none", "", "none", set()
    for part in text.split(";"):
        found = METHOD.match(part)
        if found is None:
            continue
        method, result = found.group(1).lower(), found.group(2).lower()
        if method == "dmarc" and result in {"pass", "fail"}:
            dmarc = "fail" if dmarc == "fail" else result
            author = AUTHOR.search(part)
            about = author.group(1).lower().rstrip(".") if author else ""
        elif method == "dkim" and result == "pass":
            dkim |= {match.group(1).lower().rstrip(".") for match in SIGNER.finditer(part)}
        elif method == "spf" and result in SPF_RESULTS:
            spf = result
    return Check(dmarc, frozenset(dkim), about, spf)

"""ARC (RFC 8617): what servers on the way found about a mail before they changed it. A good chain proves that they wrote so, not
that they may be believed; it is shown, and decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from postvak.net.answers import Ask
from postvak.trust.canonical import Letter, header_line, value_of
from postvak.trust.dkim import ALGORITHMS, check_body, check_header, check_times, claim_of, name_in, without_value
from postvak.trust.keys import DIGITS, Refused, bytes_of, find_key, tags_of, verify
from postvak.trust.values import Result

MOST = 50  # section 4.2.1
RESULTS, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
Set = dict[bytes, tuple[bytes, dict[str, str]]]  # name of the line -> (the line, its tags)


def check_chain(letter: Letter, ask: Ask, *, at: datetime) -> Result:
    """Section 5.2."""
    if not any(name in {RESULTS, MESSAGE, SEAL} for name, _line in letter.lines):
        return Result.none
    try:
        sets = sets_of(letter)
        check_claims(sets)
        check_message(letter, sets[-1], ask, at)
        for number in range(len(sets), 0, -1):
            check_seal(sets[:number], ask)
    except Refused as refused:
        return Result.temperror if refused.result is Result.temperror else Result.failed
    return Result.passed


def sets_of(letter: Letter) -> list[Set]:
    """The sets in the order of their numbers, each of three lines. Raises Refused."""
    found: dict[int, Set] = {}
    for name, line in letter.lines:
        if name not in {RESULTS, MESSAGE, SEAL}:
            continue
        tags = instance_of(line) if name == RESULTS else tags_of(value_of(line).decode("utf-8", "replace"))
        number = tags.get("i", "")
        if not DIGITS.fullmatch(number) or not 0 < int(number) <= MOST or name in found.setdefault(int(number), {}):
            raise Refused(Result.failed, "syntax")
        found[int(number)][name] = (line, tags)
    if sorted(found) != list(range(1, len(found) + 1)) or any(len(one) != 3 for one in found.values()):
        raise Refused(Result.failed, "syntax")
    return [found[number] for number in sorted(found)]


def instance_of(line: bytes) -> dict[str, str]:
    """Of ARC-Authentication-Results, which has no list of tags behind its number."""
    first = value_of(line).partition(b";")[0].decode("utf-8", "replace")
    return tags_of(first)


def check_claims(sets: list[Set]) -> None:
    """Each server says that it found the chain good; the first one found none."""
    for number, one in enumerate(sets, 1):
        claimed = one[SEAL][1].get("cv", "").lower()
        if claimed != ("none" if number == 1 else "pass") or "h" in one[SEAL][1]:
            raise Refused(Result.failed, "syntax")


def check_message(letter: Letter, last: Set, ask: Ask, at: datetime) -> None:
    """Of the newest set: is the mail as that server passed it on? Its i= is a number, not an identity."""
    line, tags = last[MESSAGE]
    if not {"a", "b", "bh", "d", "h", "s"} <= tags.keys():
        raise Refused(Result.failed, "syntax")
    check_times(tags, at)
    try:
        claim = claim_of(line, {name: value for name, value in tags.items() if name != "i"})
    except Refused as refused:
        if refused.why != "from_not_signed":
            raise
        claim = claim_of(line, {**tags, "i": "", "h": tags["h"] + ":from"})
        claim = replace(claim, names=claim.names[:-1])
    check_body(letter, claim)
    check_header(letter, claim, ask)


def check_seal(sets: list[Set], ask: Ask) -> None:
    """Section 5.1.1: all lines of all sets up to this one, the seal itself without its value."""
    line, tags = sets[-1][SEAL]
    algorithm = ALGORITHMS.get(tags.get("a", "").lower())
    domain, selector = name_in(tags, "d"), name_in(tags, "s")
    if algorithm is None or not domain or not selector or "b" not in tags:
        raise Refused(Result.failed, "syntax")
    lines = [one[name][0] for one in sets for name in (RESULTS, MESSAGE, SEAL)][:-1]
    data = b"".join(header_line(each, "relaxed") + b"\r\n" for each in lines)
    data += header_line(without_value(line), "relaxed")
    verify(find_key(ask, selector, domain, algorithm), bytes_of(tags["b"]), data)

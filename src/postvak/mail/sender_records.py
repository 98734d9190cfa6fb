"""What a domain says about who may send for it: SPF (RFC 7208) and DMARC (RFC 7489) records, judged in one word.

For information only: whether a server of ours stands in an SPF record is not evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from postvak.mail.dkim_record import read_tags

ALL = re.compile(r"([-~?+]?)all", re.I)


class Spf(StrEnum):
    none = "none"
    several = "several"
    strict = "strict"  # -all
    soft = "soft"  # ~all
    neutral = "neutral"  # ?all, or no word about all others
    open = "open"  # +all
    elsewhere = "elsewhere"  # redirect=
    unreachable = "unreachable"


class Dmarc(StrEnum):
    none = "none"
    several = "several"
    watch = "watch"  # p=none
    quarantine = "quarantine"
    reject = "reject"
    broken = "broken"
    unreachable = "unreachable"


def spf_records(texts: Sequence[str]) -> tuple[str, ...]:
    """Section 4.5: those that begin with this version."""
    return tuple(text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 "))


def judge_spf(records: Sequence[str]) -> Spf:
    if not records:
        return Spf.none
    if len(records) > 1:
        return Spf.several
    terms = records[0].split()[1:]
    qualifiers = [match.group(1) for term in terms if (match := ALL.fullmatch(term))]
    if qualifiers:
        return {"-": Spf.strict, "~": Spf.soft, "?": Spf.neutral}.get(qualifiers[0], Spf.open)
    return Spf.elsewhere if any(term.lower().startswith("redirect=") for term in terms) else Spf.neutral


def dmarc_records(texts: Sequence[str]) -> tuple[str, ...]:
    """Section 6.6.3: those whose first tag is this version."""
    return tuple(text for text in texts if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text.strip()))


def judge_dmarc(records: Sequence[str]) -> Dmarc:
    if not records:
        return Dmarc.none
    if len(records) > 1:
        return Dmarc.several
    wanted = read_tags(records[0]).get("p", "").lower()
    return {"none": Dmarc.watch, "quarantine": Dmarc.quarantine, "reject": Dmarc.reject}.get(wanted, Dmarc.broken)

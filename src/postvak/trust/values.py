"""What was found out about the sender of a mail: results of SPF, DKIM, ARC and DMARC, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """Who wrote it? From the one that proves most to the one that proves a lie."""

    verified = "verified"  # the domain of the author vouches for this very mail
    signed = "signed"  # the author did himself, with S/MIME or OpenPGP
    unverified = "unverified"  # nothing speaks for it, nothing against it: most mail of small senders
    suspicious = "suspicious"  # it looks like somebody that it isn't from
    spoofed = "spoofed"  # it bears a domain of ours, and isn't from us


class Result(StrEnum):
    """As in RFC 8601 section 2.7."""

    passed = "pass"
    failed = "fail"
    softfail = "softfail"
    neutral = "neutral"
    none = "none"
    temperror = "temperror"
    permerror = "permerror"


@dataclass(frozen=True, slots=True)
class Why:
    """A reason: a code of log.trust_sentences with its parameters."""

    code: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> list[object]:
        return [self.code, dict(self.parameters)]


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature, judged. `why`: a short code of what is wrong: syntax, algorithm, from_not_signed, expired, partial,
    no_key, key, revoked, weak, unreachable, body, header. `covers`: names of the lines that a good one is made over, once for each."""

    domain: str
    selector: str
    result: Result
    why: str = ""
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one mail. `spf` is none where it can't be asked (the mail was fetched, or a relay of ours handed it over; `spf_asked` tells).

    `author`: the domain that DMARC is about, "" where there isn't exactly one. `policy`: what that domain asks for (none,
    quarantine, reject), "" no policy. `aligned`: what made DMARC pass: dkim, spf or host. `host`: the receiving host whose word
    counts here, where it left one. `vouched`: names of header lines for which the author's domain vouches, too, in small letters.
    `is_asked`: were name servers asked at all, or is it only what that host says?
    """

    spf: Result = Result.none
    spf_domain: str = ""
    spf_asked: bool = False
    signatures: tuple[Signature, ...] = ()
    arc: Result = Result.none
    author: str = ""
    dmarc: Result = Result.none
    policy: str = ""
    aligned: str = ""
    host: str = ""
    host_dkim: frozenset[str] = frozenset()
    vouched: frozenset[str] = frozenset()
    is_asked: bool = False

    @property
    def dkim(self) -> frozenset[str]:
        """Domains whose signature is good."""
        good = {one.domain for one in self.signatures if one.result is Result.passed}
        return self.host_dkim | good

    @property
    def dkim_result(self) -> Result:
        """Of all signatures together: one good one is enough."""
        found = {one.result for one in self.signatures}
        order = (Result.passed, Result.temperror, Result.failed, Result.permerror)
        return next((result for result in order if result in found), Result.none)


@dataclass(frozen=True, slots=True)
class Trust:
    """`level` None: nobody looked. `why`: the strongest reason first."""

    level: Level | None = None
    why: tuple[Why, ...] = ()
    evidence: Evidence = Evidence()

    @property
    def dmarc(self) -> str:
        """pass, fail or none (not checked, no policy, or an error)."""
        result = self.evidence.dmarc
        return result.value if result in {Result.passed, Result.failed} else "none"

    @property
    def dkim(self) -> frozenset[str]:
        return self.evidence.dkim

    @property
    def is_doubtful(self) -> bool:
        return self.level in {Level.suspicious, Level.spoofed}

    @property
    def is_proven(self) -> bool:
        return self.level in {Level.verified, Level.signed}

    def as_json(self) -> dict[str, object] | None:
        """As Message.trust keeps it."""
        return {"level": self.level.value, "why": [one.as_json() for one in self.why]} if self.level else None

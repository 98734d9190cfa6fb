"""What can be found out about who sent a mail: asked of name servers, computed from its bytes, or said by the host that received it.

Slow when name servers are; never to be called inside a transaction. What it all comes to is in judge.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from postvak.mail.addresses import ascii_domain, read_addresses
from postvak.mail.authentication import check_of
from postvak.mail.values import Mail
from postvak.net.answers import Ask
from postvak.trust.arc import check_chain
from postvak.trust.canonical import Letter, letter_of
from postvak.trust.dkim import check_signatures
from postvak.trust.dmarc import Policy, aligned_signatures, author_domain, find_policy, is_aligned
from postvak.trust.spf import check_spf, is_public
from postvak.trust.values import Evidence, Result
from postvak.trust.vouching import vouched

ENFORCED = frozenset({"quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Handover:
    """How a mail came. `is_direct`: by our listener, so that nobody has checked it before; then who handed it over with which
    words. `host`: name of the server that received it and whose Authentication-Results we believe, "" none."""

    at: datetime
    is_direct: bool = False
    ip: str = ""
    helo: str = ""
    sender: str = ""
    host: str = ""


def examine(raw: bytes, mail: Mail, handover: Handover, ask: Ask | None) -> Evidence:
    """`ask` None: name servers must not be asked; then only the word of the receiving host counts."""
    found = evidence_of(raw, mail, handover, ask)
    return replace(found, vouched=vouched(mail.headers, found))


def evidence_of(raw: bytes, mail: Mail, handover: Handover, ask: Ask | None) -> Evidence:
    said = said_by_host(mail, handover)
    if ask is None:
        return said
    has_chain = has_line(mail, "arc-seal")
    if not needs_answers(mail, handover):
        return said
    letter = letter_of(raw)
    author = author_domain(letter, domain_of(mail))
    found = replace(said, is_asked=True, author=author)
    found = replace(found, signatures=check_signatures(letter, ask, author=author, at=handover.at))
    if handover.is_direct:
        spf, about = check_spf(ask, ip=handover.ip, sender=handover.sender, helo=handover.helo)
        found = replace(found, spf=spf, spf_domain=about, spf_asked=is_public(handover.ip) or spf is Result.passed)
    found = with_dmarc(found, ask, is_direct=handover.is_direct)
    return with_arc(found, letter, ask, handover.at) if has_chain and found.dmarc is not Result.passed else found


def needs_answers(mail: Mail, handover: Handover) -> bool:
    """Is there anything to ask name servers about?"""
    return handover.is_direct or has_line(mail, "dkim-signature")


def has_line(mail: Mail, wanted: str) -> bool:
    return any(name.lower() == wanted for name, _value in mail.headers)


def domain_of(mail: Mail) -> str:
    return ascii_domain(mail.author.domain) if mail.author else ""


# ---- the receiving host ------------------------------------------------------------


def said_by_host(mail: Mail, handover: Handover) -> Evidence:
    """A pass for another domain than the one that we see (two From lines, two authors) proves nothing. The listener takes mail
    from anybody, so a header there is anybody's."""
    if not handover.host or handover.is_direct:
        return Evidence()
    found = check_of(mail.headers, host=handover.host)
    author = domain_of(mail) if is_about_author(mail, "") else ""
    evidence = Evidence(spf=Result(found.spf), host=handover.host, host_dkim=found.dkim, author=author)
    if found.dmarc == "pass" and not is_about_author(mail, found.about):
        return evidence
    aligned = "host" if found.dmarc == "pass" else ""
    return replace(evidence, dmarc=Result(found.dmarc), aligned=aligned)


def is_about_author(mail: Mail, domain: str) -> bool:
    lines = [value for name, value in mail.headers if name.lower() == "from"]
    if len(lines) != 1 or len(read_addresses(lines[0])) != 1:
        return False
    return ascii_domain(domain) in {"", domain_of(mail)}


# ---- our own checks ------------------------------------------------------------


def with_dmarc(found: Evidence, ask: Ask, *, is_direct: bool) -> Evidence:
    """A mail that was fetched was checked at its arrival, by SPF, too: only a pass can be added to what was found then."""
    if not found.author:
        return found
    passed = [one for one in found.signatures if one.result is Result.passed]
    if not is_direct and not aligned_signatures(passed, found.author, strict=False):
        return found
    policy = find_policy(ask, found.author)
    if not isinstance(policy, Policy):
        return replace(found, dmarc=policy) if found.dmarc is Result.none else found
    found = replace(found, policy=policy.wanted)
    if aligned_signatures(passed, found.author, strict=policy.strict_dkim):
        return replace(found, dmarc=Result.passed, aligned="dkim")
    is_near = is_aligned(found.spf_domain, found.author, strict=policy.strict_spf)
    if is_direct and found.spf is Result.passed and is_near:
        return replace(found, dmarc=Result.passed, aligned="spf")
    return replace(found, dmarc=without_pass(found, policy)) if is_direct else found


def without_pass(found: Evidence, policy: Policy) -> Result:
    """What can't be known today is no failure; what a relay of ours handed over has lost its server's address, so that only a
    domain that asks for strictness is judged without it."""
    ours = aligned_signatures(found.signatures, found.author, strict=policy.strict_dkim)
    is_near = is_aligned(found.spf_domain, found.author, strict=policy.strict_spf)
    if any(one.result is Result.temperror for one in ours) or (is_near and found.spf is Result.temperror):
        return Result.temperror
    return Result.failed if found.spf_asked or policy.wanted in ENFORCED else Result.none


def with_arc(found: Evidence, letter: Letter, ask: Ask, at: datetime) -> Evidence:
    return replace(found, arc=check_chain(letter, ask, at=at))

"""DMARC (RFC 7489): does the domain of the author vouch for the mail, by SPF or DKIM, and what does it ask for if not?

pct= is left aside: what its owner wants of a share of the mails says nothing about this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from postvak.mail.addresses import ascii_domain, read_addresses
from postvak.mail.sender_records import dmarc_records
from postvak.net.answers import Ask
from postvak.trust.canonical import Letter, value_of
from postvak.trust.domains import registered, suffixes
from postvak.trust.keys import Refused, tags_of
from postvak.trust.values import Result, Signature

POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Policy:
    """`wanted`: what is to become of mails that fail; `strict_dkim`, `strict_spf`: the very domain must vouch, not one of the same
    owner."""

    wanted: str
    strict_dkim: bool = False
    strict_spf: bool = False


def author_domain(letter: Letter, read: str) -> str:
    """The one domain in the one From line (section 6.6.1), and the one that was read by those who show the mail (`read`); else ""."""
    lines = letter.named(b"from")
    if len(lines) != 1:
        return ""
    domains = {ascii_domain(one.domain) for one in read_addresses(value_of(lines[0]))}
    return read if domains == {read} else ""


def find_policy(ask: Ask, author: str) -> Policy | Result:
    """Section 6.6.3. A Result where there is none to apply: none, or temperror."""
    organisation = registered(author)
    for domain in dict.fromkeys((author, organisation)):
        answer = ask(f"_dmarc.{domain}")
        if answer.has_failed:
            return Result.temperror
        records = dmarc_records(answer.values)
        if len(records) > 1:
            return Result.none
        if records:
            return policy_of(records[0], is_below=domain != author, is_sub=author != organisation) or Result.none
    return Result.none


def policy_of(record: str, *, is_below: bool, is_sub: bool) -> Policy | None:
    """`is_below`: the record stands at the organisation's domain, and the author's is below it. None for a record that
    asks for nothing that we know; one that only wants reports is like "none"."""
    try:
        tags = {name.lower(): value.lower() for name, value in tags_of(record).items()}
    except Refused:
        return None
    wanted = tags.get("p", "")
    if is_below and is_sub and tags.get("sp", "") in POLICIES:
        wanted = tags["sp"]
    if wanted not in POLICIES:
        if not tags.get("rua"):
            return None
        wanted = "none"
    return Policy(wanted, tags.get("adkim") == "s", tags.get("aspf") == "s")


def is_aligned(domain: str, author: str, *, strict: bool) -> bool:
    """Section 3.1."""
    if not domain or not author:
        return False
    if domain == author:
        return True
    is_shared = suffixes().publicsuffix(author) == author or suffixes().publicsuffix(domain) == domain
    return not strict and not is_shared and registered(domain) == registered(author)


def aligned_signatures(signatures: Iterable[Signature], author: str, *, strict: bool) -> list[Signature]:
    return [one for one in signatures if is_aligned(one.domain, author, strict=strict)]

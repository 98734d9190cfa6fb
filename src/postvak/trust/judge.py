"""What all that is known of a sender comes to: one level, and why. Pure.

The aim: a mail of a small customer, for which nothing speaks and nothing against, stays quiet; who pretends to be us, a colleague
or another domain is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from postvak.mail.addresses import ascii_domain, normalise
from postvak.mail.automatic_signs import is_machine_address
from postvak.mail.values import Kind, Mail
from postvak.trust.dmarc import is_aligned
from postvak.trust.domains import is_free, label_and_suffix, registered
from postvak.trust.hops import came_from_inside
from postvak.trust.lookalike import likeness
from postvak.trust.values import Evidence, Level, Result, Trust, Why

REASONS = 6
ENFORCED = frozenset({"quarantine", "reject", ""})  # "": the receiving host judged, by a policy that we don't know
FORM = re.compile(
    r"(?:wordpress|web-?forms?|forms?|contact-?form(?:ulier|ular)?|web-?site|www-data|notifications?|mailer|invitations?|"
    r"messages?|service|support-?bot)(?:[.+_=-][^@]*)?@",
    re.I,
)
WRITTEN = re.compile(r"[^\s@<>\"'(),;:]{1,64}@([^\s@<>\"'(),;:]{1,253}\.[^\s@<>\"'(),;:]{2,})")
VIA = re.compile(r"\b(?:via|über|through|por|par)\b", re.I)
NO_WORD = re.compile(r"[^\w\s]+")
OF_OURS = frozenset({Kind.BOUNCE, Kind.COMPLAINT, Kind.LOOP})
TITLES = (
    "support service customer klantenservice kundenservice kundendienst info sales verkoop verkauf help helpdesk hilfe contact kontakt "
    "team admin office mail post postvak it hr"
)
GENERIC = frozenset(TITLES.split())  # a name made of these alone is anybody's


@dataclass(frozen=True, slots=True)
class Circle:
    """Who we are. `domains` of our addresses, in ASCII; `names`: of brands and addresses, folded."""

    domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A mail, and what is known of its sender. `is_known`: he wrote before; `is_partner`: an organisation of ours has his domain;
    `is_agent`: he has an account here; `is_namesake`: an agent has his name. `is_ours`: the mail is one of ours that came back.
    `is_believed`: its mailbox is trusted. `signer`: whose good S/MIME or OpenPGP signature it bears, "" nobody's.
    `is_direct`: nobody has checked it before us."""

    mail: Mail
    evidence: Evidence
    circle: Circle
    is_known: bool = False
    is_partner: bool = False
    is_agent: bool = False
    is_namesake: bool = False
    is_ours: bool = False
    is_believed: bool = False
    is_direct: bool = False
    signer: str = ""

    @property
    def domain(self) -> str:
        return ascii_domain(self.mail.author.domain) if self.mail.author else ""

    @property
    def email(self) -> str:
        return normalise(self.mail.author.email) if self.mail.author else ""


def judge(case: Case) -> Trust:
    proofs = tuple(proofs_of(case))
    is_odd = case.is_ours or case.mail.kind in OF_OURS or case.mail.author is None
    lies = () if proofs or is_odd else tuple(lies_of(case))
    doubts = () if is_odd else tuple(doubts_of(case, is_proven=bool(proofs)))
    notes = notes_of(case, is_proven=bool(proofs))
    why = tuple(islice((*lies, *doubts, *proofs, *notes), REASONS))
    return Trust(level_of(case, lies=lies, doubts=doubts, proofs=proofs), why, case.evidence)


def level_of(case: Case, *, lies: tuple[Why, ...], doubts: tuple[Why, ...], proofs: tuple[Why, ...]) -> Level:
    if lies:
        return Level.spoofed
    if doubts:
        return Level.suspicious
    if case.signer:
        return Level.signed
    return Level.verified if proofs else Level.unverified


# ---- what speaks for it ------------------------------------------------------------


def proofs_of(case: Case) -> Iterator[Why]:
    found = case.evidence
    if case.signer:
        yield Why("sender_signed", {"signer": case.signer})
    if found.dmarc is Result.passed and found.aligned == "host":
        yield Why("sender_by_host", {"domain": case.domain, "host": found.host})
    elif found.dmarc is Result.passed and found.aligned == "spf":
        yield Why("sender_by_spf", {"domain": found.spf_domain})
    elif found.dmarc is not Result.failed:
        signed = next((one for one in sorted(found.dkim) if is_aligned(one, case.domain, strict=False)), "")
        if signed and found.author:
            yield Why("sender_by_dkim", {"domain": signed})


# ---- what proves a lie ------------------------------------------------------------


def lies_of(case: Case) -> Iterator[Why]:
    """The author bears a domain of ours, and nothing says that it comes from us. Colleagues whose mail never left the house
    are no liars, nor is anybody while name servers are silent."""
    if not is_own(case) or case.is_believed or case.evidence.dmarc is Result.temperror:
        return
    if case.evidence.dkim_result is Result.temperror or case.evidence.spf is Result.temperror:
        return
    if case.is_direct or case.evidence.dmarc is Result.failed or not came_from_inside(case.mail.headers):
        yield Why("own_domain_spoofed", {"domain": case.domain})


def is_own(case: Case) -> bool:
    """At a provider for everybody only the very address is ours."""
    if case.email in case.circle.addresses:
        return True
    ours = {registered(domain) for domain in case.circle.domains if not is_free(domain)}
    return registered(case.domain) in ours


# ---- what looks wrong ------------------------------------------------------------


def doubts_of(case: Case, *, is_proven: bool) -> Iterator[Why]:
    if (
        case.evidence.dmarc is Result.failed
        and case.evidence.policy in ENFORCED
        and not case.signer
        and not is_own(case)
    ):
        yield Why("dmarc_failed", {"domain": case.domain, "policy": case.evidence.policy or "?"})
    if is_own(case):
        return
    own, how = likeness(case.domain, case.circle.domains)
    if how and not case.is_partner and not (how in {"ending", "word"} and case.is_known):
        yield Why(f"looks_like_{how}", {"domain": readable(case.domain), "own": readable(own)})
    yield from doubts_by_name(case, is_proven=is_proven)
    if goes_elsewhere(case, is_proven=is_proven):
        yield Why("reply_elsewhere", {"domain": case.domain, "reply": reply_domain(case.mail)})


def readable(domain: str) -> str:
    """In letters, so that the foreign ones can be seen."""
    try:
        return domain.encode("ascii").decode("idna") if "xn--" in domain else domain
    except UnicodeError:
        return domain


def doubts_by_name(case: Case, *, is_proven: bool) -> Iterator[Why]:
    name = case.mail.author.name if case.mail.author else ""
    if case.is_namesake and not (case.is_agent or case.is_known or case.is_partner):
        yield Why("name_of_agent", {"name": name[:100]})
    elif folded(name) in case.circle.names and not (case.is_agent or case.is_known or case.is_partner):
        yield Why("name_of_ours", {"name": name[:100]})
    for match in islice(WRITTEN.finditer(name), 3):
        inner = ascii_domain(match.group(1).lower().rstrip("."))
        if registered(inner) == registered(case.domain):
            continue
        is_of_us = inner in case.circle.domains or normalise(match.group()) in case.circle.addresses
        if is_of_us or not (is_proven or VIA.search(name) or is_service(case.mail)):
            yield Why("name_holds_address", {"written": match.group()[:100], "email": case.email[:100]})
            return


def goes_elsewhere(case: Case, *, is_proven: bool) -> bool:
    """An answer would go to another domain than the one that wrote. Lists, forms on web sites and programs do so rightly."""
    reply = reply_domain(case.mail)
    if (
        not reply
        or reply in case.circle.domains
        or registered(reply) == registered(case.domain)
        or is_service(case.mail)
    ):
        return False
    if label_and_suffix(reply)[0] == label_and_suffix(case.domain)[0]:
        return False
    return not is_proven or (is_free(reply) and not is_free(case.domain))


def reply_domain(mail: Mail) -> str:
    return ascii_domain(mail.reply_to[0].domain) if mail.reply_to else ""


def is_service(mail: Mail) -> bool:
    email = mail.author.email if mail.author else ""
    is_list = mail.kind is not Kind.PERSONAL or any(name.lower().startswith("list-") for name, _value in mail.headers)
    return is_list or is_machine_address(email) or FORM.match(email) is not None


def folded(name: str) -> str:
    """For comparison: "Baker, Bob" and "bob baker" are one; "" for a name that is anybody's."""
    words = sorted(NO_WORD.sub(" ", name.casefold()).split())
    return " ".join(words) if words and not set(words) <= GENERIC and len("".join(words)) > 3 else ""


# ---- what is good to know ------------------------------------------------------------


def notes_of(case: Case, *, is_proven: bool) -> Iterator[Why]:
    found = case.evidence
    if not is_proven:
        yield from why_unproven(found, case.domain)
    if case.mail.author is not None and not (case.is_known or case.is_agent):
        yield Why("first_mail", {"email": case.email[:100]})


def why_unproven(found: Evidence, domain: str) -> Iterator[Why]:
    if Result.temperror in {found.dmarc, found.dkim_result, found.spf}:
        yield Why("names_silent")
    elif found.dmarc is Result.failed and found.policy == "none":
        yield Why("dmarc_failed_watched", {"domain": domain})
    elif found.signatures and found.dkim_result is not Result.passed:
        broken = found.signatures[0]
        yield Why(f"dkim_{broken.why}" if broken.why in WORDED else "dkim_bad", {"domain": broken.domain or "?"})
    elif found.dmarc is not Result.failed:
        yield Why("nothing_proven")


WORDED = frozenset({"body", "header", "expired", "partial", "no_key", "weak"})

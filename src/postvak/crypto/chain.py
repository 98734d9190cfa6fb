"""Who vouches for a certificate: paths to a trusted authority (RFC 5280 section 6, for mail: RFC 8550).

Our own walk and not a library's, because the reason is shown: untrusted issuer, expired when it signed, revoked, not made for mail.
Certificates that came with the mail help to build a path; they prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from postvak.crypto.budget import Budget
from postvak.crypto.name_constraints import allows
from postvak.crypto.smime_keys import UNREADABLE, extension, is_for_mail, is_short, subject_id
from postvak.crypto.values import Key, Keyring, Verdict

LONGEST_PATH = 8
MOST_LOOKED_AT = 60
KNOWN_CRITICAL = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectAlternativeName,
    x509.NameConstraints,
    x509.CertificatePolicies,
    x509.PolicyConstraints,
    x509.InhibitAnyPolicy,
)


@dataclass(frozen=True, slots=True)
class Trust:
    """`code`, when it isn't good: untrusted_issuer, self_signed, cert_expired, cert_not_yet, cert_revoked, not_for_mail,
    names_not_allowed, weak_chain. `parameters`: subject of the certificate that it is about."""

    verdict: Verdict
    code: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    path: tuple[Key, ...] = ()


@dataclass(slots=True)
class _Search:
    keyring: Keyring
    extra: Sequence[Key]
    anchors: dict[str, list[Key]]
    trusted: frozenset[str]
    budget: Budget
    left: int = MOST_LOOKED_AT


def judge(leaf: Key, extra: Sequence[Key], keyring: Keyring, *, at: datetime, budget: Budget | None = None) -> Trust:
    """Is there a path from `leaf` to an anchor that was good at that time? `extra`: certificates that came along. `budget`: of the
    mail; raises Exhausted."""
    anchors: dict[str, list[Key]] = {}
    for anchor in keyring.anchors():
        anchors.setdefault(anchor.subject_id, []).append(anchor)
    trusted = frozenset(anchor.fingerprint for found in anchors.values() for anchor in found)
    search = _Search(keyring, extra, anchors, trusted, budget or Budget())
    best: Trust | None = None
    try:
        for path in _paths(search, (leaf,)):
            found = _judge_path(path, keyring, at)
            if found.verdict is Verdict.good:
                return found
            best = best or found
    except UNREADABLE:
        pass
    return best or _untrusted(leaf)


def _untrusted(leaf: Key) -> Trust:
    """Signatures with SHA-1 aren't checked at all: there the digest is the reason."""
    own = _loaded(leaf)
    if own is not None and own.issuer == own.subject:
        return Trust(Verdict.untrusted, "self_signed", {"issuer": leaf.issuer})
    if own is not None and _is_weak(own):
        return Trust(Verdict.weak, "weak_chain", _about(leaf))
    return Trust(Verdict.untrusted, "untrusted_issuer", {"issuer": leaf.issuer})


def _about(key: Key) -> dict[str, str]:
    return {"subject": key.subject}


def _loaded(key: Key) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(key.public)
    except UNREADABLE:
        return None


def _paths(search: _Search, path: tuple[Key, ...]) -> Iterator[tuple[Key, ...]]:
    """From the leaf to an anchor, each link's signature checked."""
    last = path[-1]
    if last.fingerprint in search.trusted:
        yield path
        return
    certificate = _loaded(last)
    if certificate is None or len(path) >= LONGEST_PATH:
        return
    for issuer in _candidates(search, certificate):
        if search.left <= 0:
            return
        search.left -= 1
        search.budget.check()
        known = any(issuer.fingerprint == one.fingerprint for one in path)
        if not known and _signed_by(certificate, issuer):
            yield from _paths(search, (*path, issuer))


def _candidates(search: _Search, certificate: x509.Certificate) -> Sequence[Key]:
    """Each once, as it is known here: that one was revoked doesn't stand in the one that came along. Those first that have the key
    that the certificate names, and of these those that came along: however many others of the same name there are."""
    name = subject_id(certificate.issuer.public_bytes())
    known = [*search.anchors.get(name, ()), *search.keyring.issuers(name)]
    as_known = {one.fingerprint: one for one in reversed(known)}
    once: dict[str, Key] = {}
    for one in (*search.extra, *known):
        if one.subject_id == name and (one.is_authority or one.fingerprint in search.trusted):
            once.setdefault(one.fingerprint, as_known.get(one.fingerprint, one))
    told = extension(certificate, x509.AuthorityKeyIdentifier)
    wanted = told.key_identifier.hex() if told is not None and told.key_identifier else ""
    return sorted(once.values(), key=lambda one: (one.ski != wanted, one.fingerprint not in search.trusted))


def _signed_by(certificate: x509.Certificate, issuer: Key) -> bool:
    authority = _loaded(issuer)
    if authority is None:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, UnsupportedAlgorithm, *UNREADABLE):
        return False
    return True


def _judge_path(path: tuple[Key, ...], keyring: Keyring, at: datetime) -> Trust:
    """`path` from the leaf to the anchor; its signatures are sound."""
    certificates = [certificate for key in path if (certificate := _loaded(key)) is not None]
    for place, (key, certificate) in enumerate(zip(path, certificates, strict=True)):
        is_anchor = place == len(path) - 1
        problem = _problem_of(key, certificate, keyring, at, is_anchor=is_anchor, below=place)
        if problem:
            verdict, code = problem
            return Trust(verdict, code, _about(key), path)
    for place, certificate in enumerate(certificates[1:], start=1):
        if not all(allows(certificate, below) for below in certificates[:place]):
            return Trust(Verdict.untrusted, "names_not_allowed", _about(path[place]), path)
    return Trust(Verdict.good, path=path)


def _problem_of(
    key: Key, certificate: x509.Certificate, keyring: Keyring, at: datetime, *, is_anchor: bool, below: int
) -> tuple[Verdict, str] | None:
    if key.is_revoked or (not is_anchor and _is_on_list(certificate, keyring)):
        return Verdict.revoked, "cert_revoked"
    if certificate.not_valid_after_utc < at:
        return Verdict.expired, "cert_expired"
    if certificate.not_valid_before_utc > at:
        return Verdict.expired, "cert_not_yet"
    if not is_anchor and _is_weak(certificate):
        return Verdict.weak, "weak_chain"
    fits = _may_issue(certificate, below, is_anchor=is_anchor) if below else key.can_sign
    if not fits or (not is_anchor and _has_unknown_critical(certificate)):
        return Verdict.untrusted, "not_for_mail"
    return None


def _is_on_list(certificate: x509.Certificate, keyring: Keyring) -> bool:
    return certificate.serial_number in keyring.revoked_serials(subject_id(certificate.issuer.public_bytes()))


def _is_weak(certificate: x509.Certificate) -> bool:
    """MD5 and SHA-1 in a certificate: somebody could have made a second one with the same signature."""
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return True
    return isinstance(digest, hashes.MD5 | hashes.SHA1) or is_short(certificate.public_key())


def _may_issue(certificate: x509.Certificate, below: int, *, is_anchor: bool) -> bool:
    """`below`: how many certificates stand below it. An anchor of version 1 has no constraints: whoever made it one knows."""
    constraints = extension(certificate, x509.BasicConstraints)
    if constraints is None:
        return is_anchor and certificate.version is x509.Version.v1
    if not constraints.ca or (constraints.path_length is not None and below - 1 > constraints.path_length):
        return False
    usage = extension(certificate, x509.KeyUsage)
    return (usage is None or usage.key_cert_sign) and is_for_mail(certificate)


def _has_unknown_critical(certificate: x509.Certificate) -> bool:
    return any(one.critical and not isinstance(one.value, KNOWN_CRITICAL) for one in certificate.extensions)

"""Signatures of mails, judged: who signed, is it untouched, and does it prove anything? (crypto.values.Verdict)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from postvak.crypto.budget import Budget, Exhausted
from postvak.crypto.pgp_certificate import Certificate, Part, read_certificates
from postvak.crypto.pgp_ciphers import HASH_NAMES, Unsupported
from postvak.crypto.pgp_keys import emails_of
from postvak.crypto.pgp_packets import Malformed
from postvak.crypto.pgp_signature import Signature, Sort, fits, of_document, read_signature
from postvak.crypto.values import Act, Key, Keyring, Kind, Layer, Verdict

CLOCKS_DIFFER = timedelta(days=1)
ON_ITS_WAY = timedelta(days=7)  # a signature that says it is older is judged by the day when it came
MOST_SIGNATURES = 20
WORST_FIRST = (
    Verdict.unknown,
    Verdict.changed,
    Verdict.weak,
    Verdict.revoked,
    Verdict.expired,
    Verdict.untrusted,
    Verdict.other_signer,
    Verdict.good,
)


@dataclass(frozen=True, slots=True)
class View:
    """From where a signature is looked at. `sender`: the normalised address in From, "" when there isn't exactly one."""

    keyring: Keyring
    at: datetime
    sender: str
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class _Signer:
    key: Key
    certificate: Certificate
    part: Part


def judge_all(bodies: Sequence[bytes], contents: Sequence[bytes], view: View) -> tuple[Layer, ...]:
    """Signature packets about the same content, the best one last (that is the one that counts, Opened.signature). `contents`: forms
    in which the content may have been signed."""
    layers = [judge(body, contents, view) for body in bodies[:MOST_SIGNATURES]]
    return tuple(sorted(layers, key=_rank))


def judge(body: bytes, contents: Sequence[bytes], view: View) -> Layer:
    """Never raises."""
    try:
        signature = read_signature(body)
    except (Malformed, Unsupported):
        return unreadable("signature_unreadable")
    layer = Layer(
        kind=Kind.pgp,
        act=Act.signed,
        verdict=Verdict.unknown,
        algorithm=HASH_NAMES.get(signature.hash, ""),
        names=signature.issuers,
        signed_at=signature.created_at,
    )
    if signature.sort not in {Sort.binary, Sort.text} or not signature.is_understood:
        return replace(layer, code="signature_unreadable")
    return _best(layer, signature, contents, view)


def unreadable(code: str) -> Layer:
    return Layer(kind=Kind.pgp, act=Act.signed, verdict=Verdict.unknown, code=code)


def _best(layer: Layer, signature: Signature, contents: Sequence[bytes], view: View) -> Layer:
    """Of what the keys with that name say the best: anybody can make a key that claims the name, or a subkey, of somebody else."""
    found = None
    try:
        for signer in _signers(signature, view):
            one = _judged(layer, signature, contents, signer, view)
            found = one if found is None else max(found, one, key=_rank)
            if one.verdict is Verdict.good:
                break
    except Exhausted as error:
        return found or replace(layer, code=error.code)
    return found or replace(layer, code="signature_no_key", parameters={"names": ", ".join(signature.issuers)})


def _rank(layer: Layer) -> int:
    return WORST_FIRST.index(layer.verdict or Verdict.unknown)


def _signers(signature: Signature, view: View) -> Iterator[_Signer]:
    """Every key that bears a name of the signer, those that somebody vouches for first. Raises Exhausted."""
    keys = view.keyring.public(signature.issuers) if signature.issuers else ()
    for key in sorted(keys, key=lambda key: not key.is_trusted):
        for certificate in _certificates(key, view.budget):
            part = next((part for name in signature.issuers if (part := certificate.part_of(name))), None)
            if part:
                yield _Signer(key, certificate, part)


def _certificates(key: Key, budget: Budget) -> tuple[Certificate, ...]:
    """Keys that somebody vouches for don't count against the mail that names them."""
    if key.kind is not Kind.pgp:
        return ()
    try:
        return _kept(key.public) if key.is_trusted else tuple(read_certificates(key.public, budget, 1))
    except Malformed:
        return ()


@lru_cache(maxsize=32)
def _kept(content: bytes) -> tuple[Certificate, ...]:
    return tuple(read_certificates(content, most=1))


def _judged(layer: Layer, signature: Signature, contents: Sequence[bytes], signer: _Signer, view: View) -> Layer:
    """Raises Exhausted."""
    if signer.part is not signer.certificate.primary and not signer.part.can_sign:
        return replace(layer, code="key_not_for_signing")  # it never said whose it is, so nobody is named
    named = _named(layer, signer)
    view.budget.check()
    try:
        is_whole = any(fits(signature, signer.part.public, of_document(signature, content)) for content in contents)
    except (Malformed, Unsupported):
        return replace(named, code="signature_unreadable")
    if not is_whole:
        return replace(named, verdict=Verdict.changed, code="signature_changed")
    verdict, code = _verdict(signature, signer, view)
    told = {"signer": ", ".join(named.signers), "sender": view.sender}
    return replace(named, verdict=verdict, code=code, parameters=told if code == "other_signer" else {})


def _named(layer: Layer, signer: _Signer) -> Layer:
    return replace(
        layer,
        key=signer.key.fingerprint,
        subject=next(iter(signer.certificate.user_ids), signer.key.subject),
        signers=emails_of(signer.certificate.user_ids),
        algorithm=f"{signer.part.public.name}, {layer.algorithm}",
    )


def _verdict(signature: Signature, signer: _Signer, view: View) -> tuple[Verdict, str]:
    """(verdict, why) of a signature over untouched content."""
    part, primary = signer.part, signer.certificate.primary
    told = signature.created_at or view.at
    counts_at = told if told >= view.at - ON_ITS_WAY else view.at
    if not part.can_sign:
        return Verdict.unknown, "key_not_for_signing"
    if signature.is_weak:
        return Verdict.weak, "weak_hash"
    if part.public.is_weak or primary.public.is_weak:
        return Verdict.weak, "weak_key"
    if _is_revoked(signer, counts_at):
        return Verdict.revoked, "key_revoked"
    if late := _is_out_of_time(signature, signer, told, counts_at, view.at):
        return Verdict.expired, late
    if not signer.key.is_trusted:
        return Verdict.untrusted, "key_not_taken_over"
    if not view.sender or view.sender not in emails_of(signer.certificate.user_ids):
        return Verdict.other_signer, "other_signer" if view.sender else "no_single_sender"
    return Verdict.good, ""


def _is_revoked(signer: _Signer, signed_at: datetime) -> bool:
    """By its owner, as the key says itself; or by an administrator here, which has no date."""
    primary = signer.certificate.primary
    by_owner = primary.is_revoked(signed_at) or signer.part.is_revoked(signed_at)
    return by_owner or (signer.key.is_revoked and not primary.is_revoked())


def _is_out_of_time(signature: Signature, signer: _Signer, told: datetime, counts_at: datetime, at: datetime) -> str:
    """Why, "" when it was valid when it signed (`told`), or when that is long ago: when it came (`counts_at`). With a key that has
    expired or was replaced somebody could make signatures of any day. A time in the future is nobody's."""
    parts = (signer.part, signer.certificate.primary)
    if told > at + CLOCKS_DIFFER:
        return "signed_in_future"
    if any(part.is_expired(counts_at) or part.public.created_at > told for part in parts):
        return "key_expired"
    return "signature_expired" if signature.expires_at and signature.expires_at <= at else ""

"""Who vouches for a certificate, as far as our tables know: for people who look at it. The verdict on mails is crypto's."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from postvak.crypto.smime_keys import subject_id
from postvak.models import CryptoKey, KeyName

LONGEST = 8
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)


def chain_of(row: CryptoKey) -> tuple[list[CryptoKey], bool]:
    """(the authorities above it, the next one first; the chain ends here: at one that signed itself)"""
    found: list[CryptoKey] = []
    current = certificate_in(row)
    while current is not None and len(found) < LONGEST:
        if current.issuer == current.subject:
            return found, True
        above = issuer_of(current, {row.pk, *(one.pk for one in found)})
        if above is None:
            return found, False
        found.append(above)
        current = certificate_in(above)
    return found, False


def issuer_of(certificate: x509.Certificate, known: set[int]) -> CryptoKey | None:
    """The one among those of that name that really signed it."""
    named = KeyName.objects.filter(kind=KeyName.Kind.SUBJECT, value=subject_id(certificate.issuer.public_bytes()))
    rows = CryptoKey.objects.filter(pk__in=named.values("key_id"), kind=CryptoKey.Kind.SMIME).exclude(pk__in=known)
    return next((row for row in rows.order_by("-valid_to", "pk")[:LONGEST] if has_issued(row, certificate)), None)


def has_issued(row: CryptoKey, certificate: x509.Certificate) -> bool:
    above = certificate_in(row)
    if above is None:
        return False
    try:
        certificate.verify_directly_issued_by(above)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def certificate_in(row: CryptoKey) -> x509.Certificate | None:
    """Null: an OpenPGP key, or one that can't be read."""
    if row.kind != CryptoKey.Kind.SMIME:
        return None
    try:
        return x509.load_der_x509_certificate(bytes(row.public))
    except UNREADABLE:
        return None

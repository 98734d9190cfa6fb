"""Certificate revocation lists (RFC 5280 section 5): taken from a file or an authority's address, if the authority signed them.

A list takes the place only of one of the same authority, the same key and the same scope, and all lists of a name count together:
whoever takes the name of an authority, or hands in the list of one of its distribution points, makes no other list disappear.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from django.db.models import QuerySet
from django.utils import timezone

from postvak.crypto import chain
from postvak.crypto.smime_keys import certificate_of, spki, subject_id
from postvak.crypto.values import Key, Verdict
from postvak.keys.chains import UNREADABLE, certificate_in
from postvak.keys.keyring import OF_NAME, TableKeyring
from postvak.models import CryptoKey, Revocation

MOST = 16  # authorities of the same name
AHEAD = timedelta(hours=1)  # that the clock of an authority may be ahead of ours


class CannotTake(Exception):
    """`code`: unreadable, unknown (no trusted authority of that name is here), unsigned (by somebody else), old (a newer one is
    here), future (it isn't issued yet), partial (only changes, or of others)."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(f"{code} {name}".strip())
        self.code, self.name = code, name


def take(content: bytes) -> Revocation:
    """The row that has it now, unsaved where it is a new one's. Raises CannotTake."""
    found = read(content)
    name, issuer = found.issuer.rfc4514_string(), subject_id(found.issuer.public_bytes())
    authorities = authorities_of(issuer)
    if not authorities:
        raise CannotTake("unknown", name)
    signer = next((one for one in authorities if has_signed(one, found)), None)
    if signer is None:
        raise CannotTake("unsigned", name)
    if not is_whole(found):
        raise CannotTake("partial", name)
    if found.last_update_utc > timezone.now() + AHEAD:
        raise CannotTake("future", name)
    place = place_of(issuer, signer, found)
    row = Revocation.objects.filter(issuer=place).first() or Revocation(issuer=place)
    if row.pk and row.issued_at > found.last_update_utc:
        raise CannotTake("old", name)
    row.name, row.content = name.replace("\0", ""), found.public_bytes(Encoding.DER)
    row.issued_at, row.next_at = found.last_update_utc, found.next_update_utc
    return row


def keep(row: Revocation) -> None:
    """Save what take() returned, and mark the certificates that it withdraws."""
    row.save()
    mark_revoked(CryptoKey.objects.all())


def mark_revoked(rows: "QuerySet[CryptoKey]") -> int:
    """Those of `rows` that a list here withdraws are revoked, so that nothing signs with them or is encrypted to them. It stays
    so when the list is deleted. Returns how many."""
    keyring = TableKeyring()
    living = rows.filter(kind=CryptoKey.Kind.SMIME, revoked_at=None).defer("sealed_private")
    withdrawn = [row.pk for row in living.iterator(chunk_size=500) if is_withdrawn(row, keyring)]
    return CryptoKey.objects.filter(pk__in=withdrawn).update(revoked_at=timezone.now())


def is_withdrawn(row: CryptoKey, keyring: TableKeyring) -> bool:
    certificate = certificate_in(row)
    if certificate is None:
        return False
    return certificate.serial_number in keyring.revoked_serials(subject_id(certificate.issuer.public_bytes()))


def read(content: bytes) -> x509.CertificateRevocationList:
    load = x509.load_pem_x509_crl if b"-----BEGIN" in content[:2000] else x509.load_der_x509_crl
    try:
        found = load(content)
        found.issuer, found.last_update_utc, len(found)  # noqa: B018 - read now, so that it can't fail later
    except (*UNREADABLE, UnsupportedAlgorithm) as error:
        raise CannotTake("unreadable") from error
    return found


def is_whole(found: x509.CertificateRevocationList) -> bool:
    """Everything that it revokes stands in it, and is of its issuer: no changes to another list (delta), no list for others
    (indirect), nothing that must be understood and isn't. One of several distribution points is a list of its own."""
    try:
        extensions = list(found.extensions)
    except UNREADABLE:
        return False
    for one in extensions:
        scope = one.value
        if isinstance(scope, x509.IssuingDistributionPoint):
            if scope.indirect_crl or scope.only_contains_attribute_certs:
                return False
        elif one.critical or isinstance(scope, x509.DeltaCRLIndicator):
            return False
    return True


def place_of(issuer: str, signer: x509.Certificate, found: x509.CertificateRevocationList) -> str:
    """Which list it is: the beginning of the issuer's name, then its key and what the list is about."""
    scopes = [
        one.value.public_bytes() for one in found.extensions if isinstance(one.value, x509.IssuingDistributionPoint)
    ]
    return issuer[:OF_NAME] + hashlib.sha256(b"".join((spki(signer.public_key()), *scopes))).hexdigest()[:OF_NAME]


def authorities_of(issuer: str) -> list[x509.Certificate]:
    """Anchors of that name, and intermediates between which and an anchor each link is checked."""
    return [certificate_of(one) for one in vouched_for(issuer, TableKeyring())]


def vouched_for(issuer: str, keyring: TableKeyring) -> Iterator[Key]:
    named = [*(one for one in keyring.anchors() if one.subject_id == issuer), *keyring.issuers(issuer)]
    now = timezone.now()
    for one in named[:MOST]:
        able = replace(one, can_sign=True)  # that is asked of somebody who signs mails
        if chain.judge(able, (), keyring, at=now).verdict is Verdict.good:
            yield one


def has_signed(authority: x509.Certificate, found: x509.CertificateRevocationList) -> bool:
    try:
        return found.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (*UNREADABLE, InvalidSignature):
        return False


def addresses_of(row: CryptoKey) -> list[str]:
    """Where the authority publishes its list, as certificates that it issued name it (section 4.2.1.13)."""
    certificate = certificate_in(row)
    if certificate is None:
        return []
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (*UNREADABLE, x509.ExtensionNotFound):
        return []
    names = (name for point in points for name in point.full_name or ())
    return [str(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier)]


def number_in(row: Revocation) -> int | None:
    """How many certificates are revoked in it; null: it can't be read."""
    try:
        return len(x509.load_der_x509_crl(bytes(row.content)))
    except UNREADABLE:
        return None


def is_overdue(row: Revocation, now: datetime) -> bool:
    return row.next_at is not None and row.next_at < now

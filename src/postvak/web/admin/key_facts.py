"""What a certificate or OpenPGP key says of itself, in lines for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.keys.chains import UNREADABLE, certificate_in
from postvak.keys.names import spaced
from postvak.models import CryptoKey, KeyName

USES: Mapping[str, str | Promise] = {
    "digital_signature": gettext_lazy("signing"),
    "content_commitment": gettext_lazy("signing that binds"),
    "key_encipherment": gettext_lazy("encrypting"),
    "key_agreement": gettext_lazy("agreeing on a key"),
    "key_cert_sign": gettext_lazy("issuing certificates"),
    "crl_sign": gettext_lazy("revoking certificates"),
}
PURPOSES: Mapping[x509.ObjectIdentifier, str | Promise] = {
    ExtendedKeyUsageOID.EMAIL_PROTECTION: gettext_lazy("mail"),
    ExtendedKeyUsageOID.CLIENT_AUTH: gettext_lazy("logging in"),
    ExtendedKeyUsageOID.SERVER_AUTH: gettext_lazy("servers"),
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: gettext_lazy("everything"),
}
MOST = 40
Extension = TypeVar("Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    lines: list[str]
    is_code: bool = False


def facts_of(row: CryptoKey) -> list[Fact]:
    """Those without a line are left out."""
    found = [*of_any(row), *of_certificate(row)]
    return [one for one in found if one.lines]


def of_any(row: CryptoKey) -> Iterator[Fact]:
    names = list(row.names.all()[:200])
    yield Fact(_("Addresses"), [one.value for one in names if one.kind == KeyName.Kind.ADDRESS][:MOST])
    if row.kind == CryptoKey.Kind.SMIME:
        yield Fact(_("Subject"), [row.subject] if row.subject else [])
        yield Fact(_("Issued by"), [row.issuer] if row.issuer else [])
    yield Fact(_("Fingerprint"), [spaced(row.fingerprint)], is_code=True)
    if row.kind == CryptoKey.Kind.PGP:
        ids = [one.value for one in names if one.kind == KeyName.Kind.ID and one.value != row.fingerprint]
        yield Fact(_("Key ids"), [spaced(one) for one in ids][:MOST], is_code=True)
    yield Fact(_("Algorithm"), [row.algorithm] if row.algorithm else [])
    yield Fact(_("Its owner can read"), [", ".join(row.ciphers)] if row.ciphers else [])
    if not row.is_request and extension_of(row, x509.KeyUsage) is None:
        yield Fact(_("Good for"), [", ".join(abilities(row))])


def abilities(row: CryptoKey) -> list[str]:
    able = [_("signing")] if row.can_sign else []
    able += [_("encrypting")] if row.can_encrypt else []
    able += [_("issuing certificates")] if row.role != CryptoKey.Role.PERSON else []
    return able or [_("nothing that mails need")]


def of_certificate(row: CryptoKey) -> Iterator[Fact]:
    certificate = certificate_in(row)
    if certificate is None:
        return
    yield Fact(_("Serial number"), [spaced(f"{certificate.serial_number:x}")], is_code=True)
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None:
        yield Fact(
            _("May be used for"), [", ".join(str(words) for name, words in USES.items() if getattr(usage, name))]
        )
    purposes = extension(certificate, x509.ExtendedKeyUsage)
    if purposes is not None:
        yield Fact(_("Purposes"), [", ".join(str(PURPOSES.get(one, one.dotted_string)) for one in purposes)])


def extension_of(row: CryptoKey, kind: type[Extension]) -> Extension | None:
    certificate = certificate_in(row)
    return extension(certificate, kind) if certificate else None


def extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (*UNREADABLE, x509.ExtensionNotFound):
        return None

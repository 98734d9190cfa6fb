"""Is a mail signed or encrypted, and how (RFC 8551, RFC 3156, text armour)? Structure only: no verdicts, no keys."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postvak.mail.header_lines import header_end
from postvak.mail.transfer import decode_base64
from postvak.mail.tree import Part, Tree

SMIME_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
SMIME_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
CMS = bytes.fromhex("06092a864886f70d0107")  # the number of the content type follows
CMS_SIGNED, CMS_ENVELOPED = (2,), (3, 6)
CMS_AUTHENTICATED = bytes.fromhex("060b2a864886f70d0109100117")
INNER_SMIME = re.compile(
    rb"content-type:\s{0,4}application/(?:x-)?pkcs7-mime[^\r\n]{0,200}(?:\r?\n[ \t][^\r\n]{0,200}){0,5}", re.I
)
ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED MESSAGE|MESSAGE)-----", re.M)
LOOKED_AT = 4096
MAX_LAYERS = 4


@dataclass(frozen=True, slots=True)
class Protection:
    """'' | smime | pgp each. A mail may be both."""

    signed: str = ""
    encrypted: str = ""


def read_protection(tree: Tree, text: str) -> Protection:
    """What the parts and the text say. Attached messages are not looked into."""
    signed, encrypted = "", ""
    for part in tree.parts:
        found = _of_part(part)
        signed, encrypted = signed or found.signed, encrypted or found.encrypted
    kinds = set(ARMOUR.findall(text)) if "-----BEGIN PGP" in text else set()
    return Protection(
        signed or ("pgp" if "SIGNED MESSAGE" in kinds else ""),
        encrypted or ("pgp" if "MESSAGE" in kinds else ""),
    )


def _of_part(part: Part) -> Protection:
    content_type, protocol = part.content_type, part.parameters.get("protocol", "").lower()
    if content_type == "multipart/signed":
        return Protection(signed="pgp" if "pgp" in protocol else "smime" if "pkcs7" in protocol else "")
    if content_type == "multipart/encrypted" or content_type == "application/pgp-encrypted":
        return Protection(encrypted="pgp")
    if content_type in SMIME_SIGNATURES:
        return Protection(signed="smime")
    if content_type == "application/pgp-signature":
        return Protection(signed="pgp")
    is_smime = content_type in SMIME_TYPES or part.filename.lower() in ("smime.p7m", "smime.p7z")
    return _of_cms(part.parameters.get("smime-type", "").lower(), part.content()[0]) if is_smime else Protection()


def _of_cms(smime_type: str, content: bytes) -> Protection:
    """Signed or enveloped, by the label or by the first object number (RFC 5652); a signed one may hold another."""
    if smime_type in ("enveloped-data", "authenveloped-data"):
        return Protection(encrypted="smime")
    number = _cms_number(content)
    if smime_type == "signed-data" or number in CMS_SIGNED:
        return Protection("smime", "smime" if _holds_encrypted(content) else "")
    enveloped = number in CMS_ENVELOPED or CMS_AUTHENTICATED in content[:LOOKED_AT]
    return Protection(encrypted="smime" if enveloped or not (smime_type or number) else "")


def _holds_encrypted(content: bytes) -> bool:
    """Is there an encrypted one inside a signed one, also when that is signed more than once?"""
    for _ in range(MAX_LAYERS):
        inner = INNER_SMIME.search(content)
        if inner is None:
            return False
        if b"signed-data" not in inner.group().lower():
            return True
        content = decode_base64(content[header_end(content, inner.end() - 2)[1] :])[0]
    return False


def _cms_number(content: bytes) -> int:
    at = content.find(CMS, 0, 40)
    return content[at + len(CMS)] if 0 <= at < len(content) - len(CMS) else 0

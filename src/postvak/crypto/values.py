"""What S/MIME and OpenPGP have in common: keys, keyrings, and what was found out about a mail. Spec 05."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    smime = "smime"
    pgp = "pgp"


class Act(StrEnum):
    """What one layer of a mail does with what it holds."""

    encrypted = "encrypted"
    signed = "signed"
    compressed = "compressed"


class Verdict(StrEnum):
    """Of a signature. Only `good` proves who signed: the bytes are untouched, the key is known, and somebody that we trust (an
    anchor; for OpenPGP: an administrator who took the key over) vouches for it."""

    good = "good"
    untrusted = "untrusted"  # untouched, but nobody that we trust vouches for the certificate or key
    other_signer = "other_signer"  # good, but by somebody else than the one in From
    expired = "expired"  # the certificate or key wasn't valid when it signed
    revoked = "revoked"
    weak = "weak"  # MD5, SHA-1 or a short key: anybody could have made it
    changed = "changed"  # the content is not what was signed
    unknown = "unknown"  # the key isn't here, or the signature can't be read
    partial = "partial"  # good, but what is shown isn't all signed: proves nothing of the mail


class State(StrEnum):
    """Can the mail be read? As models.MailSecurity.State."""

    plain = "plain"  # nothing was encrypted
    open = "open"
    no_key = "no_key"
    damaged = "damaged"


@dataclass(frozen=True, slots=True)
class Key:
    """A certificate or OpenPGP key. Values in hex are in small letters.

    `public`: DER, or OpenPGP packets. `private`: PKCS #8 as DER, or packets with the secret parts, not protected by a
    passphrase; b"" for other people's. `ids`, `issuer_id`, `ski`, `subject_id`: the names by which mails and certificates mean it
    (models.KeyName). `is_trusted`: OpenPGP: an administrator vouches for it; S/MIME: says nothing, its chain does. `ciphers`: names
    of ciphers ("AES-256-GCM") that the owner's program reads, as it said in a signed mail; () unknown.
    """

    kind: Kind
    fingerprint: str
    public: bytes
    private: bytes = b""
    subject: str = ""
    issuer: str = ""
    algorithm: str = ""
    emails: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    issuer_id: str = ""
    ski: str = ""
    subject_id: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    is_revoked: bool = False
    is_authority: bool = False
    can_sign: bool = True
    can_encrypt: bool = True
    is_trusted: bool = False
    ciphers: tuple[str, ...] = ()


class Keyring(Protocol):
    """Where keys are looked for: the tables of an installation (keys.keyring), or a folder (crypto.folder). Names as in
    models.KeyName: a mail names keys by id, issuer or ski."""

    def private(self, names: Sequence[str]) -> Sequence[Key]:
        """Keys of ours, with their private part, that bear any of the names; all of them when there are no names (OpenPGP:
        hidden recipients)."""

    def public(self, names: Sequence[str]) -> Sequence[Key]:
        """Whoever bears any of the names."""

    def of_address(self, email: str, kind: Kind) -> Sequence[Key]:
        """Keys of persons for a normalised address, the newest first; also expired and revoked ones."""

    def issuers(self, subject_id: str) -> Sequence[Key]:
        """Certificates of authorities with that name that are no anchors (they help to build a chain, they prove nothing)."""

    def anchors(self) -> Sequence[Key]:
        """Trusted authorities: those of the installation, and of the operating system when that is switched on."""

    def revoked_serials(self, issuer: str) -> frozenset[int]:
        """Of the newest revocation lists of this issuer (subject_id); empty when there is none."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, as it goes into MailSecurity.report. `key`: fingerprint of the key that decrypted or signed, "" unknown.
    `names`: of the keys that it was encrypted to or signed with (as KeyName values). `code`: why the verdict, a code of
    log.crypto_sentences with `parameters`. `covers_all`: False when only a part of what is shown is signed or was encrypted.
    `ciphers`: of a good S/MIME signature what the signer's program reads (as Key.ciphers); isn't in the report."""

    kind: Kind
    act: Act
    verdict: Verdict | None = None
    algorithm: str = ""
    key: str = ""
    subject: str = ""
    signers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    signed_at: datetime | None = None
    code: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    covers_all: bool = True
    ciphers: tuple[str, ...] = ()

    @property
    def counted(self) -> Layer:
        """As it counts for the whole mail. Whoever has one signed mail of somebody can put it beside words of his own, and whoever
        has an encrypted one can sign it without having read it."""
        is_whole = self.covers_all and self.code != "signed_outside"
        return self if is_whole or self.verdict is not Verdict.good else replace(self, verdict=Verdict.partial)


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail without its protection. `raw`: a plain mail with the same outer header and the content that was inside (RFC 5322
    bytes), so that everything that reads mails reads it; the very bytes that were given where there was nothing to open, or it
    couldn't be opened. `layers` from outside. `subject`: the protected one (RFC 9788, or of a protected header inside), "" if none.
    `found`: certificates of signatures, keys of Autocrypt headers and attached ones: offered, not trusted.
    `autocrypt`: the fingerprints among them that came by Autocrypt. `missing`: names of keys of which any one would open it."""

    raw: bytes
    state: State = State.plain
    layers: tuple[Layer, ...] = ()
    subject: str = ""
    found: tuple[Key, ...] = ()
    autocrypt: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()

    @property
    def encrypted(self) -> str:
        """ "", smime or pgp: the outermost."""
        return next((layer.kind.value for layer in self.layers if layer.act is Act.encrypted), "")

    @property
    def signature(self) -> Layer | None:
        """The one that counts: the innermost that covers everything that is read; else the last one there is. Never `good` where
        it covers only a part."""
        signed = [layer for layer in self.layers if layer.act is Act.signed]
        whole = [layer for layer in signed if layer.covers_all]
        found = whole or signed
        return found[-1].counted if found else None


class CannotProtect(Exception):
    """The mail can't be signed or encrypted as demanded, so it isn't sent (fails closed). `code` with `parameters` says why in a
    sentence of log.crypto_sentences; the text is for the log and holds nothing of the mail."""

    def __init__(self, code: str, **parameters: str) -> None:
        super().__init__(f"{code} {parameters}")
        self.code, self.parameters = code, parameters


class CannotRead(Exception):
    """A file holds no key that we can read, or its password is wrong. `code`: no_key, wrong_password, needs_password, unusable."""

    def __init__(self, code: str, said: str = "") -> None:
        super().__init__(said or code)
        self.code = code

"""S/MIME opened and judged (RFC 5652, RFC 8551): one CMS object in, what it held and one layer per act out. Never raises.

Which part of a mail it was, and what lies inside what, is `opening`'s.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.hashes import HashAlgorithm

from postvak.crypto import chain, der
from postvak.crypto.budget import Budget, Exhausted
from postvak.crypto.cms import (
    MESSAGE_DIGEST,
    SIGNED,
    SIGNING_TIME,
    Compressed,
    Enveloped,
    Recipient,
    Signed,
    Signer,
    parse,
)
from postvak.crypto.content_ciphers import Content, Undecryptable, cipher_of, ciphers_among, is_old
from postvak.crypto.digests import OLD, digest_of, digest_of_signature, digested, is_signature_of, signs_content_itself
from postvak.crypto.key_files import PEM
from postvak.crypto.recipients import FAILED, content_key
from postvak.crypto.smime_keys import certificate_of, is_short, private_key_of, read_certificate
from postvak.crypto.values import Act, CannotRead, Key, Keyring, Kind, Layer, State, Verdict
from postvak.mail.transfer import decode_base64

MOST_TRIES = 3  # with the same key of ours; each decrypts all of the content
RC2_WEIGHT = 400  # so many times slower than what the budget of bytes is meant for
ON_ITS_WAY = timedelta(days=7)  # between signing and arriving
MAX_RATIO = 200
SMALL = 1024 * 1024
ZLIB = "1.2.840.113549.1.9.16.3.8"
RANK = (
    Verdict.good,
    Verdict.other_signer,
    Verdict.untrusted,
    Verdict.expired,
    Verdict.weak,
    Verdict.revoked,
    Verdict.unknown,
    Verdict.changed,
)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """`content` is None when nothing could be got out (`state` says why), or when it stands elsewhere. `found`: certificates of
    valid signatures, the signer's first."""

    content: bytes | None
    layers: tuple[Layer, ...]
    state: State = State.plain
    found: tuple[Key, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """What judging needs. `senders`: the normalised addresses in From, of all From lines. `budget`: of the mail."""

    keyring: Keyring
    at: datetime
    senders: tuple[str, ...]
    budget: Budget = field(default_factory=Budget)


@dataclass(slots=True)
class _Hashes:
    """Of one content or its signed attributes, whoever signed them: a digest is counted out once."""

    found: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    def of(self, digest: HashAlgorithm, content: bytes) -> bytes:
        if (digest.name, content) not in self.found:
            self.found[digest.name, content] = digested(digest, content)
        return self.found[digest.name, content]


def unwrap(raw: bytes, reader: Reader) -> Unwrapped:
    """An application/pkcs7-mime object: encrypted, signed or compressed."""
    try:
        found = parse(_binary(raw))
    except (ValueError, RecursionError):
        act = Act.signed if der.oid(SIGNED) in raw[:80] else Act.encrypted
        return Unwrapped(None, (_unreadable(act),), State.damaged)
    if isinstance(found, Enveloped):
        return _decrypted(found, reader)
    if isinstance(found, Compressed):
        return _inflated(found, reader.budget)
    return replace(judge(found, found.content, reader), content=found.content)


def verify(raw: bytes, contents: Sequence[bytes], reader: Reader) -> Unwrapped:
    """A detached signature over one of the forms in which the content may have been signed; the best verdict counts."""
    try:
        found = parse(_binary(raw))
    except (ValueError, RecursionError):
        return Unwrapped(None, (_unreadable(Act.signed),))
    if not isinstance(found, Signed):
        return Unwrapped(None, (_unreadable(Act.signed),))
    if found.content is not None:  # what is shown is the content outside: only that is judged
        found = replace(found, content=None)
    judged = [judge(found, content, reader) for content in dict.fromkeys(contents)]
    return min(judged, key=lambda one: [RANK.index(layer.verdict or Verdict.unknown) for layer in one.layers])


def _binary(raw: bytes) -> bytes:
    """Some programs send PEM."""
    armour = PEM.search(raw) if raw.startswith(b"-----BEGIN") else None
    return decode_base64(armour[2])[0] if armour else raw


def _unreadable(act: Act) -> Layer:
    verdict = Verdict.unknown if act is Act.signed else None
    return Layer(Kind.smime, act, verdict, code="unreadable")


def _decrypted(enveloped: Enveloped, reader: Reader) -> Unwrapped:
    names = tuple(dict.fromkeys(one.name for one in enveloped.recipients))
    layer = Layer(Kind.smime, Act.encrypted, names=names)
    try:
        cipher = cipher_of(enveloped.algorithm)
    except ValueError:
        return Unwrapped(None, (replace(layer, code="cipher_unknown"),), State.damaged)
    layer = replace(layer, algorithm=cipher.name)
    keys = reader.keyring.private(names) if names else ()
    pairs = [(one, key) for one in enveloped.recipients for key in keys if one.name in (key.issuer_id, key.ski)]
    if not pairs:
        return Unwrapped(None, (replace(layer, code="no_key"),), State.no_key, missing=names)
    try:
        return _opened(enveloped, cipher, pairs, layer, reader.budget)
    except Exhausted as error:
        return Unwrapped(None, (replace(layer, code=error.code),), State.damaged)


def _opened(
    enveloped: Enveloped, cipher: Content, pairs: Sequence[tuple[Recipient, Key]], layer: Layer, budget: Budget
) -> Unwrapped:
    """`pairs` of one who is named and a key of ours with that name: anybody can name us a thousand times. Raises Exhausted."""
    tried: Counter[str] = Counter()
    weight = RC2_WEIGHT if cipher.name.startswith("RC2") else 1
    for recipient, key in pairs:
        tried[key.fingerprint] += 1
        if tried[key.fingerprint] > MOST_TRIES:
            continue
        budget.private_operation()
        budget.bytes(len(enveloped.content) * weight)
        content = _with_key(enveloped, cipher, recipient, key)
        if content is not None:
            note = "" if enveloped.is_authenticated else ("cipher_old" if is_old(cipher.name) else "cbc_unsigned")
            done = replace(layer, key=key.fingerprint, subject=key.subject, code=note)
            return Unwrapped(content, (done,), State.open)
    return Unwrapped(None, (replace(layer, code="damaged"),), State.damaged)


def _with_key(enveloped: Enveloped, cipher: Content, recipient: Recipient, key: Key) -> bytes | None:
    try:
        return cipher.decrypt(enveloped, content_key(recipient, private_key_of(key), cipher.key_bytes))
    except (Undecryptable, CannotRead, *FAILED):
        return None


def _inflated(compressed: Compressed, budget: Budget) -> Unwrapped:
    """RFC 3274. A small file that grows beyond all measure is not a mail."""
    layer = Layer(Kind.smime, Act.compressed, algorithm="zlib")
    limit = min(max(len(compressed.content) * MAX_RATIO, SMALL), budget.room + 1)
    if compressed.algorithm.oid != ZLIB:
        return Unwrapped(None, (replace(layer, code="cipher_unknown"),), State.damaged)
    try:
        inflater = zlib.decompressobj()
        content = inflater.decompress(compressed.content, max(limit, 1))
        budget.bytes(len(content))
    except zlib.error:
        return Unwrapped(None, (replace(layer, code="damaged"),), State.damaged)
    except Exhausted:
        return Unwrapped(None, (replace(layer, code="too_large"),), State.damaged)
    if inflater.unconsumed_tail:
        return Unwrapped(None, (replace(layer, code="too_large"),), State.damaged)
    return Unwrapped(content, (layer,))


def judge(signed: Signed, content: bytes | None, reader: Reader) -> Unwrapped:
    """A layer for each signer."""
    came = [key for raw in signed.certificates if (key := _certificate(raw)) is not None]
    layers, found, hashes = [], [], _Hashes()
    for signer in signed.signers:
        layer, key = _judge_signer(signer, signed, content, came, reader, hashes)
        layers.append(layer)
        if key is not None and layer.verdict not in (Verdict.changed, Verdict.unknown):
            found.append(key)
    if not layers:  # a bag of certificates, nothing is signed
        return Unwrapped(None, (), found=tuple(came))
    layers.sort(
        key=lambda one: RANK.index(one.verdict or Verdict.unknown), reverse=True
    )  # the one that counts comes last
    others = [key for key in came if found and key not in found]
    return Unwrapped(None, tuple(layers), found=tuple(dict.fromkeys([*found, *others])))


def _certificate(raw: bytes) -> Key | None:
    try:
        return read_certificate(raw)
    except CannotRead:
        return None


def _judge_signer(
    signer: Signer, signed: Signed, content: bytes | None, came: Sequence[Key], reader: Reader, hashes: _Hashes
) -> tuple[Layer, Key | None]:
    """Names aren't proofs: anybody can make a certificate with the name of another one. The best verdict counts."""
    layer = Layer(Kind.smime, Act.signed, Verdict.unknown, names=(signer.name,))
    known = {key.fingerprint: key for key in reader.keyring.public([signer.name])}
    named = [key for key in came if signer.name in (key.issuer_id, key.ski)]
    candidates = {key.fingerprint: known.get(key.fingerprint, key) for key in (*named, *known.values())}
    if not candidates:
        return replace(layer, code="signer_unknown"), None
    if content is None:
        return replace(layer, code="content_missing"), None
    judged: list[tuple[Layer, Key]] = []
    for key in candidates.values():
        about = replace(layer, key=key.fingerprint, subject=key.subject, signers=key.emails)
        try:
            reader.budget.check()
            judged.append((_checked(about, signer, key, signed, content, came, reader, hashes), key))
        except Exhausted as error:
            judged.append((replace(layer, code=error.code), key))
            break
        except (ValueError, CannotRead, LookupError):
            judged.append((replace(about, code="unreadable"), key))
        if judged[-1][0].verdict is Verdict.good:
            break
    return min(judged, key=lambda one: RANK.index(one[0].verdict or Verdict.unknown))


def _checked(
    layer: Layer,
    signer: Signer,
    key: Key,
    signed: Signed,
    content: bytes,
    came: Sequence[Key],
    reader: Reader,
    hashes: _Hashes,
) -> Layer:
    public_key = certificate_of(key).public_key()
    digest = digest_of(signer.digest)
    layer = replace(layer, algorithm=f"{key.algorithm} {digest.name.upper()}", signed_at=_signed_at(signer))
    hashed = hashes.of(digest, content)
    if signer.signed and (signer.message_digest != hashed or signer.content_type != signed.content_type):
        return replace(layer, verdict=Verdict.changed, code="content_changed")
    if not signer.signed and _is_attributes(content):
        return replace(layer, verdict=Verdict.changed, code="content_changed")
    over = signer.signed or (content,)
    made_over = digest_of_signature(signer.signature_algorithm, digest)
    direct = signs_content_itself(public_key)
    if direct:
        reader.budget.bytes(len(over[0]))
    sound = any(
        is_signature_of(
            public_key,
            signer.signature_algorithm,
            made_over,
            signer.signature,
            one if direct else hashes.of(made_over, one),
        )
        for one in over
    )
    if not sound:
        return replace(layer, verdict=Verdict.changed, code="signature_wrong")
    if isinstance(digest, OLD) or isinstance(made_over, OLD) or is_short(public_key):
        return replace(layer, verdict=Verdict.weak, code="weak_signature", parameters={"algorithm": layer.algorithm})
    layer = _trusted(layer, key, came, reader)
    return replace(layer, ciphers=_ciphers_of(signer)) if layer.verdict is Verdict.good else layer


def _ciphers_of(signer: Signer) -> tuple[str, ...]:
    """What is written there wrongly takes nothing from the signature."""
    try:
        return ciphers_among(signer.capabilities)
    except ValueError:
        return ()


def _is_attributes(content: bytes) -> bool:
    """Somebody took the signed attributes of another mail as the content of this one: that signature would fit."""
    return content.startswith(bytes([der.SET])) and der.oid(MESSAGE_DIGEST) in content


def _signed_at(signer: Signer) -> datetime | None:
    node = signer.attributes.get(SIGNING_TIME)
    return der.moment(node) if node else None


def _trusted(layer: Layer, key: Key, came: Sequence[Key], reader: Reader) -> Layer:
    """The signer's own clock is believed as far as a mail may have been on its way: nobody signs after it came in, and whoever found
    an old key could date back as he likes."""
    told = layer.signed_at
    moment = told if told is not None and reader.at - ON_ITS_WAY <= told <= reader.at else reader.at
    trust = chain.judge(key, [one for one in came if one != key], reader.keyring, at=moment, budget=reader.budget)
    layer = replace(layer, verdict=trust.verdict, code=trust.code, parameters=trust.parameters)
    if trust.verdict is Verdict.good and (len(reader.senders) != 1 or reader.senders[0] not in key.emails):
        shown = {"signer": ", ".join(key.emails) or key.subject, "sender": ", ".join(reader.senders)}
        return replace(layer, verdict=Verdict.other_signer, code="other_signer", parameters=shown)
    return layer

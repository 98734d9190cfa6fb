"""The structures of CMS (RFC 5652, 5083, 3274) as values: what stands in a smime.p7m or smime.p7s. Nothing is decrypted or judged here.

Raises der.Broken for what can't be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from postvak.crypto import der
from postvak.crypto.der import Broken, Node
from postvak.crypto.smime_keys import issuer_id

DATA, SIGNED, ENVELOPED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.3"
AUTH_ENVELOPED, COMPRESSED = "1.2.840.113549.1.9.16.1.23", "1.2.840.113549.1.9.16.1.9"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_TIME, SMIME_CAPABILITIES = "1.2.840.113549.1.9.5", "1.2.840.113549.1.9.15"
MAX_RECIPIENTS = 500
MAX_SIGNERS = 10
MAX_CERTIFICATES = 30
MAX_CAPABILITIES = 40
CONTEXT_0, CONTEXT_1, CONTEXT_2 = 0xA0, 0xA1, 0xA2
CONTEXT_0_PRIMITIVE = 0x80


@dataclass(frozen=True, slots=True)
class Algorithm:
    """`parameters`: as DER, b"" when absent."""

    oid: str
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a content key is wrapped for. `name`: an issuer_id or ski. `originator`: of a key agreement, SubjectPublicKeyInfo
    without an algorithm's parameters where the sender left them out; b"" for key transport. `ukm`: user keying material."""

    name: str
    algorithm: Algorithm
    wrapped: bytes
    is_agreement: bool = False
    originator: bytes = b""
    ukm: bytes | None = None


@dataclass(frozen=True, slots=True)
class Enveloped:
    """`attributes` and `mac` only of an authenticated one (AES-GCM, AES-CCM); the attributes as they are authenticated."""

    recipients: tuple[Recipient, ...]
    algorithm: Algorithm
    content: bytes
    is_authenticated: bool = False
    attributes: bytes = b""
    mac: bytes = b""


@dataclass(frozen=True)
class Signer:
    """`signed`: the signed attributes as DER of a SET, as they should be signed, and in the order in which they came, as some sign
    them; () when there are none."""

    name: str
    digest: Algorithm
    signature_algorithm: Algorithm
    signature: bytes
    signed: tuple[bytes, ...] = ()
    attributes: dict[str, Node] = field(default_factory=dict)

    @cached_property
    def content_type(self) -> str:
        found = self.attributes.get(CONTENT_TYPE)
        return found.oid() if found else ""

    @cached_property
    def capabilities(self) -> tuple[Algorithm, ...]:
        """What the signer's program can do, what it likes best first (RFC 8551 section 2.5.2)."""
        found = self.attributes.get(SMIME_CAPABILITIES)
        told = found.expect(der.SEQUENCE).children()[:MAX_CAPABILITIES] if found else ()
        return tuple(algorithm(one) for one in told)

    @cached_property
    def message_digest(self) -> bytes:
        found = self.attributes.get(MESSAGE_DIGEST)
        return found.octets() if found else b""


@dataclass(frozen=True, slots=True)
class Signed:
    """`content` is None when it stands elsewhere (detached)."""

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class Compressed:
    algorithm: Algorithm
    content: bytes


def parse(raw: bytes) -> Enveloped | Signed | Compressed:
    """What the bytes of a ContentInfo hold. What follows it is not looked at."""
    kind, *rest = der.read(raw).expect(der.SEQUENCE).children()
    if not rest:
        raise Broken("empty")
    content = _only(rest[0].expect(CONTEXT_0)).expect(der.SEQUENCE)
    match kind.oid():
        case "1.2.840.113549.1.7.3":
            return _enveloped(content, is_authenticated=False)
        case "1.2.840.113549.1.9.16.1.23":
            return _enveloped(content, is_authenticated=True)
        case "1.2.840.113549.1.7.2":
            return _signed(content)
        case "1.2.840.113549.1.9.16.1.9":
            return _compressed(content)
        case other:
            raise Broken(f"content type {other}")


def _only(node: Node) -> Node:
    return _at(node.children(), 0)


def _at(nodes: list[Node], index: int) -> Node:
    if index >= len(nodes):
        raise Broken("something is missing")
    return nodes[index]


def algorithm(node: Node) -> Algorithm:
    parts = node.expect(der.SEQUENCE).children()
    return Algorithm(_at(parts, 0).oid(), der.canonical(parts[1]) if len(parts) > 1 else b"")


def _enveloped(node: Node, *, is_authenticated: bool) -> Enveloped:
    parts = node.children()[1:]
    if parts and parts[0].tag == CONTEXT_0:  # originatorInfo
        parts = parts[1:]
    recipients = _at(parts, 0).expect(der.SET).children()[:MAX_RECIPIENTS]
    info = _at(parts, 1).expect(der.SEQUENCE).children()
    rest = parts[2:]
    attributes = der.encode(der.SET, _canonical_set(rest[0])) if rest and rest[0].tag == CONTEXT_1 else b""
    macs = [one for one in rest if one.tag in (der.OCTET_STRING, der.OCTET_STRING | der.CONSTRUCTED)]
    return Enveloped(
        recipients=tuple(one for recipient in recipients for one in _recipients(recipient)),
        algorithm=algorithm(_at(info, 1)),
        content=_at(info, 2).octets(),
        is_authenticated=is_authenticated,
        attributes=attributes if is_authenticated else b"",
        mac=macs[0].octets() if macs and is_authenticated else b"",
    )


def _canonical_set(node: Node) -> bytes:
    return b"".join(sorted(der.canonical(child) for child in node.children()))


def _recipients(node: Node) -> list[Recipient]:
    """Passwords and shared keys aren't used in mail: such recipients are nobody."""
    if node.tag == der.SEQUENCE:
        parts = node.children()
        return [Recipient(_name(_at(parts, 1)), algorithm(_at(parts, 2)), _at(parts, 3).octets())]
    if node.tag == CONTEXT_1:
        return _agreements(node.children())
    return []


def _agreements(parts: list[Node]) -> list[Recipient]:
    parts = parts[1:]
    originator = _originator(_only(_at(parts, 0).expect(CONTEXT_0)))
    ukm = _only(parts[1]).octets() if _at(parts, 1).tag == CONTEXT_1 else None
    rest = parts[1:] if ukm is None else parts[2:]
    way = algorithm(_at(rest, 0))
    keys = [one.children() for one in _at(rest, 1).children()[:MAX_RECIPIENTS]]
    return [
        Recipient(_name(_at(one, 0)), way, _at(one, 1).octets(), is_agreement=True, originator=originator, ukm=ukm)
        for one in keys
    ]


def _originator(node: Node) -> bytes:
    """An ephemeral key; a named certificate (static agreement) isn't used in mail."""
    if node.tag != CONTEXT_1:
        return b""
    return der.encode(der.SEQUENCE, b"".join(der.canonical(child) for child in node.children()))


def _name(node: Node) -> str:
    if node.tag == der.SEQUENCE:
        parts = node.children()
        return issuer_id(der.canonical(_at(parts, 0)), _at(parts, 1).number())
    if node.tag == CONTEXT_0_PRIMITIVE:
        return node.content.hex()
    if node.tag == CONTEXT_0:  # RecipientKeyIdentifier, or the identifier in pieces
        first = _at(node.children(), 0)
        return first.octets().hex()
    raise Broken("no name of a key")


def _signed(node: Node) -> Signed:
    parts = node.children()
    info = _at(parts, 2).expect(der.SEQUENCE).children()
    certificates: tuple[bytes, ...] = ()
    for one in parts[3:]:
        if one.tag == CONTEXT_0:
            found = [child.whole for child in one.children() if child.tag == der.SEQUENCE]
            certificates = tuple(found[:MAX_CERTIFICATES])
    signers = _at(parts, -1 if len(parts) > 3 else 3).expect(der.SET).children()[:MAX_SIGNERS]  # noqa: PLR2004
    content = _only(info[1]).octets() if len(info) > 1 else None
    return Signed(_at(info, 0).oid(), content, certificates, tuple(_signer(one) for one in signers))


def _signer(node: Node) -> Signer:
    parts = node.expect(der.SEQUENCE).children()
    name, digest, rest = _name(_at(parts, 1)), algorithm(_at(parts, 2)), parts[3:]
    signed: tuple[bytes, ...] = ()
    attributes: dict[str, Node] = {}
    if _at(rest, 0).tag == CONTEXT_0:
        as_came = b"".join(child.whole for child in rest[0].children())
        signed = tuple(dict.fromkeys(der.encode(der.SET, one) for one in (_canonical_set(rest[0]), as_came)))
        attributes = _attributes(rest[0])
        rest = rest[1:]
    return Signer(name, digest, algorithm(_at(rest, 0)), _at(rest, 1).octets(), signed, attributes)


def _attributes(node: Node) -> dict[str, Node]:
    """The first value of each. An attribute that stands there twice makes the signature unreadable (RFC 5652 section 11)."""
    found: dict[str, Node] = {}
    for attribute in node.children():
        parts = attribute.children()
        name = _at(parts, 0).oid()
        if name in found:
            raise Broken("an attribute twice")
        found[name] = _only(_at(parts, 1).expect(der.SET))
    return found


def _compressed(node: Node) -> Compressed:
    parts = node.children()
    info = _at(parts, 2).expect(der.SEQUENCE).children()
    return Compressed(algorithm(_at(parts, 1)), _only(_at(info, 1).expect(CONTEXT_0)).octets())

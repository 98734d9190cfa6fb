"""OpenPGP messages and signatures as they stand in mails (RFC 4880, RFC 9580, RFC 3156): opened and judged, never raising."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postvak.crypto.budget import Budget, Exhausted
from postvak.crypto.pgp_certificate import Part, read_certificates
from postvak.crypto.pgp_ciphers import CIPHER_NAMES, Unsupported
from postvak.crypto.pgp_clear_text import read_clear_text
from postvak.crypto.pgp_message import Content, Envelope, content_of, decrypt_data, read_content, read_envelope
from postvak.crypto.pgp_packets import Malformed, Packet, Span, Tag, packets, read_armour, spans, unarmoured
from postvak.crypto.pgp_session import Locked, read_locked, unlock
from postvak.crypto.pgp_signature import canonical
from postvak.crypto.pgp_verify import View, judge_all, unreadable
from postvak.crypto.values import Act, Key, Keyring, Kind, Layer, State, Verdict

STARTS = frozenset(
    {Tag.session_key, Tag.password_session_key, Tag.protected, Tag.unprotected, Tag.gnupg_aead}
    | {Tag.one_pass, Tag.compressed}
)
MOST_RECIPIENTS = 200
MOST_BLOCKS = 50


@dataclass(frozen=True, slots=True)
class Decrypted:
    """One OpenPGP message. `content` b"" unless `state` is open (or plain: it was only signed or compressed). `layers`: from outside.
    `missing`: ids of keys of which any one would open it. `name`: of the file that was encrypted, "" unknown. `charset`: of its
    text, as the armour or the message says, "" unknown."""

    content: bytes
    state: State
    layers: tuple[Layer, ...] = ()
    missing: tuple[str, ...] = ()
    name: str = ""
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a text: what stood between armour lines (opened), or the text around. `is_armoured`: it stood in armour; `text` is
    then what was signed or encrypted, with the armour's `charset` ("" not told), or the armour itself where it can't be opened."""

    text: bytes
    is_armoured: bool
    charset: str = ""
    state: State = State.plain
    layers: tuple[Layer, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Unlocked:
    """`content`: the packets inside."""

    key: Key
    cipher: int
    content: bytes


def is_openpgp(content: bytes) -> bool:
    """Does it look like an OpenPGP message (armoured or binary): worth a try at decrypt()?"""
    if b"-----BEGIN PGP MESSAGE" in content:
        return True
    head = content[:1]
    if head < b"\x80" or b"-----BEGIN PGP" in content:
        return False
    tag = head[0] & 0x3F if head[0] & 0x40 else (head[0] >> 2) & 0x0F
    try:
        return tag in STARTS and packets(content)[0].tag in STARTS
    except Malformed:
        return False


def decrypt(content: bytes, keyring: Keyring, *, at: datetime, sender: str, budget: Budget | None = None) -> Decrypted:
    """Open an OpenPGP message, armoured or binary: the second part of multipart/encrypted, or a file. `sender`: the normalised
    address in From, "" when there isn't exactly one (then no signature is `good`). `budget`: of the mail, one for all its parts."""
    try:
        blocks = [block for block in unarmoured(content) if block.what in ("", "MESSAGE")]
        if not blocks:
            return _damaged("no_openpgp")
        found = _decrypt(packets(blocks[0].content), View(keyring, at, sender, budget or Budget()))
    except Exhausted as error:
        return _damaged(error.code)
    except Malformed:
        return _damaged("pgp_damaged")
    except Unsupported:
        return _damaged("pgp_unsupported")
    return replace(found, charset=blocks[0].charset or found.charset)


def _decrypt(every: Sequence[Packet], view: View) -> Decrypted:
    envelope = read_envelope(every)
    if envelope is None:
        return _shown(content_of(every, view.budget), (), view)
    if envelope.data.tag == Tag.unprotected:
        return _damaged("pgp_unprotected")
    locked = list(_locked(envelope))
    layer = Layer(kind=Kind.pgp, act=Act.encrypted, names=tuple(one.name for one in locked if not one.is_hidden))
    unlocked = _unlocked(envelope, locked, view)
    if isinstance(unlocked, str):
        state = State.no_key if unlocked in {"pgp_no_key", "pgp_password"} else State.damaged
        missing = layer.names if state is State.no_key else ()
        return Decrypted(
            b"", state, (replace(layer, code=unlocked, parameters={"names": ", ".join(layer.names)}),), missing
        )
    cipher = CIPHER_NAMES.get(unlocked.cipher, "")
    layer = replace(layer, key=unlocked.key.fingerprint, subject=unlocked.key.subject, algorithm=cipher)
    try:
        return _shown(read_content(unlocked.content, view.budget), (layer,), view)
    except Exhausted as error:
        return Decrypted(b"", State.damaged, (replace(layer, code=error.code),))
    except (Malformed, Unsupported):
        return Decrypted(b"", State.damaged, (replace(layer, code="pgp_damaged"),))


def _shown(content: Content, outside: tuple[Layer, ...], view: View) -> Decrypted:
    signed = judge_all(content.signatures, (content.content,), view)
    return Decrypted(
        content.content,
        State.open if outside else State.plain,
        outside + signed,
        name="" if content.name == "_CONSOLE" else content.name,
        charset="utf-8" if content.mode == "u" else "",
    )


def _damaged(code: str) -> Decrypted:
    return Decrypted(b"", State.damaged, (Layer(kind=Kind.pgp, act=Act.encrypted, code=code),))


def _locked(envelope: Envelope) -> Iterator[Locked]:
    for body in envelope.locked[:MOST_RECIPIENTS]:
        try:
            yield read_locked(body)
        except (Malformed, Unsupported):
            continue


def _unlocked(envelope: Envelope, locked: Sequence[Locked], view: View) -> _Unlocked | str:
    """The packets inside, or why not. The keys that are named first; then, for hidden recipients, all of ours. Raises Exhausted."""
    problem = "pgp_password" if envelope.with_password and not envelope.locked else "pgp_no_key"
    if locked:
        view.budget.private_operation()  # also when it comes to none: our keys are read
    for one, key, part in _tries(locked, view.keyring):
        view.budget.private_operation()
        try:
            session = unlock(one, part)
        except Malformed:
            problem = problem if one.is_hidden else "pgp_damaged"
            continue
        except Unsupported:
            problem = "pgp_unsupported"
            continue
        view.budget.bytes(len(envelope.data.body))
        try:
            return _Unlocked(key, session.cipher or envelope.data.body[1], decrypt_data(envelope.data, session))
        except Malformed:
            problem = "pgp_damaged"
        except Unsupported:
            problem = "pgp_unsupported"
    return problem


def _tries(locked: Sequence[Locked], keyring: Keyring) -> Iterator[tuple[Locked, Key, Part]]:
    names = [one.name for one in locked if not one.is_hidden]
    if names:
        yield from _of_keys([one for one in locked if not one.is_hidden], keyring.private(names))
    if len(names) < len(locked):
        yield from _of_keys([one for one in locked if one.is_hidden], keyring.private(()))


def _of_keys(locked: Sequence[Locked], keys: Iterable[Key]) -> Iterator[tuple[Locked, Key, Part]]:
    for key in keys:
        for part in _parts(key):
            for one in locked:
                named = one.name in (part.public.key_id, part.public.fingerprint)
                if one.algorithm == part.public.algorithm and (one.is_hidden or named):
                    yield one, key, part


def _parts(key: Key) -> list[Part]:
    """Also expired and revoked ones: what was encrypted to them can still be read."""
    try:
        found = read_certificates(key.private) if key.kind is Kind.pgp else []
    except Malformed:
        return []
    return [part for certificate in found for part in certificate.parts if part.tail]


def verify(
    content: bytes, signature: bytes, keyring: Keyring, *, at: datetime, sender: str, budget: Budget | None = None
) -> tuple[Layer, ...]:
    """A layer for each detached signature over `content`, the one that counts last: the first part of multipart/signed as received,
    whatever its line ends became, or a file. At least one layer: an unreadable signature is `unknown`."""
    try:
        every = [packet for block in unarmoured(signature) for packet in packets(block.content)]
    except Malformed:
        return (unreadable("signature_unreadable"),)
    bodies = [packet.body for packet in every if packet.tag == Tag.signature]
    if not bodies:
        return (unreadable("signature_unreadable"),)
    view = View(keyring, at, sender, budget or Budget())
    return judge_all(bodies, tuple(dict.fromkeys((canonical(content), content))), view)


def inline(
    text: bytes, keyring: Keyring, *, at: datetime, sender: str, budget: Budget | None = None
) -> Sequence[Block]:
    """A text part (transfer encoding undone) cut into armoured blocks and the text around; [] when there is no armour of a message
    or clear-signed text in it. Layers have covers_all False when there is other text, or more than one block."""
    if b"-----BEGIN PGP " not in text:
        return []
    found = [span for span in spans(text) if span.signed is not None or span.what == "MESSAGE"][:MOST_BLOCKS]
    if not found:
        return []
    view, blocks, end = View(keyring, at, sender, budget or Budget()), list[Block](), 0
    for span in found:
        blocks += [
            _around(text[end : span.start]),
            _clear(span, text, view) if span.signed is not None else _armoured(span, text, view),
        ]
        end = span.end
    blocks = [block for block in (*blocks, _around(text[end:])) if block.is_armoured or block.text.strip()]
    return blocks if len(blocks) == 1 else [_partly(block) for block in blocks]


def _around(text: bytes) -> Block:
    return Block(text, is_armoured=False)


def _partly(block: Block) -> Block:
    return replace(block, layers=tuple(replace(layer, covers_all=False) for layer in block.layers))


def _armoured(span: Span, text: bytes, view: View) -> Block:
    whole = text[span.start : span.end]
    try:
        armour = read_armour(span)
    except Malformed:
        return Block(whole, is_armoured=True, state=State.damaged, layers=_damaged("pgp_damaged").layers)
    found = decrypt(armour.content, view.keyring, at=view.at, sender=view.sender, budget=view.budget)
    shown = found.content if found.state in {State.open, State.plain} else whole
    return Block(shown, True, armour.charset or found.charset, found.state, found.layers, found.missing)


def _clear(span: Span, text: bytes, view: View) -> Block:
    """Clear-signed text. Where its frame holds anything that isn't signed, everything is shown, and nothing counts as signed."""
    whole = text[span.start : span.end]
    clear = read_clear_text(span.signed or b"")
    if clear is None:
        layer = replace(unreadable("clear_text_forged"), verdict=Verdict.changed)
        return Block(whole, is_armoured=True, layers=(layer,))
    try:
        bodies = [packet.body for packet in packets(read_armour(span).content) if packet.tag == Tag.signature]
    except Malformed:
        bodies = []
    layers = judge_all(bodies, (clear.hashed,), view) or (unreadable("signature_unreadable"),)
    return Block(clear.text, is_armoured=True, layers=layers)

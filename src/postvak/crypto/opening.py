"""open_mail: a mail without its protection, and what was found out about it. S/MIME and OpenPGP in any order. Spec 05.

What is signed or encrypted is exactly what lies inside a layer; a layer covers the mail only when everything that is read lies in it.
A part that was decrypted beside other parts (EFAIL) stands in its place only when nothing beside it is HTML and nothing that is read
stands before it (a mailing list's words below it may); otherwise it becomes an attached mail. So no HTML of one part can swallow the
words of another and carry them off, and nobody slips somebody else's encrypted words unnoticed below a question of his own.

Never raises. `Opened.raw` is made anew from the parts; only fields that tell of the content are taken from inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postvak.crypto import autocrypt, pgp_read, protected_header
from postvak.crypto.budget import Budget
from postvak.crypto.entities import (
    Entity,
    canonical,
    in_mail,
    joined,
    looks_like_entity,
    make_entity,
    read_entity,
    split,
)
from postvak.crypto.opening_parts import (
    Role,
    apart,
    armoured_pair,
    armoured_text,
    as_file,
    has_clear_signature,
    has_html,
    is_hidden_pair,
    role_of,
    signature_kind,
    text_of,
    wrapped_mail,
)
from postvak.crypto.smime_read import Reader, Unwrapped, unwrap, verify
from postvak.crypto.values import Act, Key, Keyring, Kind, Layer, Opened, State, Verdict
from postvak.mail.addresses import normalise, read_addresses
from postvak.mail.tree import build, strip_envelope

MAX_LAYERS = 12
MAX_DEPTH = 12  # multiparts in each other, of all layers together
MAX_OBJECTS = 40
SEVERITY = (State.plain, State.open, State.damaged, State.no_key)
UNPROVEN = (Verdict.changed, Verdict.unknown)


def open_mail(raw: bytes, keyring: Keyring, *, at: datetime) -> Opened:
    """`at`: when the mail arrived."""
    root = read_entity(strip_envelope(raw), is_root=True)
    opener = _Opener(keyring, at, root)
    try:
        inner = opener.open(root, _Place())
        keys = opener.offered(inner)
    except Exception:  # noqa: BLE001 - promised; the mail stays readable as it came, nothing is shown as proven
        failed = Layer(Kind.smime, Act.signed, Verdict.unknown, code="failed")
        return Opened(raw, State.plain, (failed,)) if opener.layers else Opened(raw)
    return Opened(
        raw=raw if inner is root else in_mail(root, inner).raw,
        state=opener.state,
        layers=finished(opener.layers),
        subject=opener.subject,
        found=tuple(dict.fromkeys([*opener.found, *keys])),
        autocrypt=frozenset(key.fingerprint for key in opener.by_header),
        missing=tuple(dict.fromkeys(opener.missing)) if opener.state is State.no_key else (),
    )


def finished(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """A signature inside makes up for a cipher that doesn't notice changes; one outside an encryption says nothing of its author."""
    out = []
    for place, layer in enumerate(layers):
        inside = layers[place + 1 :]
        is_signed_inside = any(one.act is Act.signed and one.verdict not in UNPROVEN for one in inside)
        is_encrypted_inside = any(one.act is Act.encrypted for one in inside)
        if layer.code == "cbc_unsigned" and is_signed_inside:
            layer = replace(layer, code="")
        elif layer.act is Act.signed and layer.verdict is Verdict.good and is_encrypted_inside and not is_signed_inside:
            layer = replace(layer, code="signed_outside")
        out.append(layer)
    return tuple(out)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the mail something stands. `covers`: everything that is read lies in it. `is_whole`: it is all that the mail, or the
    layer around it, holds; not one part of several."""

    layers: int = 0
    depth: int = 0
    covers: bool = True
    is_whole: bool = True
    is_encrypted: bool = False

    def deeper(self, *, covers: bool) -> _Place:
        return replace(self, depth=self.depth + 1, covers=covers, is_whole=False)

    def inside(self, layers: Sequence[Layer]) -> _Place:
        is_encrypted = self.is_encrypted or any(one.act is Act.encrypted for one in layers)
        return replace(self, layers=self.layers + 1, is_encrypted=is_encrypted, is_whole=True)


@dataclass(slots=True)
class _Opener:
    """Opens one mail; collects what it finds on the way."""

    keyring: Keyring
    at: datetime
    root: Entity
    layers: list[Layer] = field(default_factory=list)
    found: list[Key] = field(default_factory=list)
    by_header: list[Key] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    state: State = State.plain
    subject: str = ""
    is_subject_hidden: bool = False
    left: int = MAX_OBJECTS
    senders: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        lines = self.root.headers.all("from")
        self.senders = tuple(normalise(one.email) for line in lines for one in read_addresses(line))
        if len(lines) > 1:  # which of them is read depends on the program: nobody is the sender
            self.senders = (*self.senders, "")

    @property
    def reader(self) -> Reader:
        return Reader(self.keyring, self.at, self.senders, self.budget)

    @property
    def sender(self) -> str:
        return self.senders[0] if len(self.senders) == 1 else ""

    def open(self, entity: Entity, place: _Place) -> Entity:
        """The entity without its protection; the same object when there was nothing to do."""
        if place.depth > MAX_DEPTH:
            return entity
        role = role_of(entity, is_whole=place.is_whole)
        if role in (Role.plain, Role.parts):
            return self._parts(entity, place) if role is Role.parts else entity
        if place.layers >= MAX_LAYERS or self.left <= 0:
            self._note([Layer(Kind.smime, Act.encrypted, code="too_many_layers")], place, State.damaged)
            return entity
        self.left -= 1
        ways = {
            Role.cms: self._cms,
            Role.signed: self._signed,
            Role.pgp_encrypted: self._pgp_encrypted,
            Role.pgp_file: self._pgp_file,
            Role.text: self._text,
        }
        return ways[role](entity, place)

    def _note(self, layers: Sequence[Layer], place: _Place, state: State = State.plain) -> None:
        """A signature further inside counts instead of the one around it: what that one said of the subject says it no more."""
        if place.covers and not self.is_subject_hidden and any(one.act is Act.signed for one in layers):
            self.subject = ""
        self.layers += [replace(layer, covers_all=layer.covers_all and place.covers) for layer in layers]
        self.state = max(self.state, state, key=SEVERITY.index)

    def _inside(self, content: bytes, place: _Place, layers: Sequence[Layer]) -> Entity:
        """What a layer held, itself opened."""
        inside, place = protected_header.read(content), place.inside(layers)
        is_proven = place.is_encrypted or any(one.verdict not in UNPROVEN for one in layers)
        if inside.subject and place.covers and is_proven:
            self._name(inside.subject, place)
        if place.is_encrypted:
            self._gossip(read_entity(content))
        entity = read_entity(inside.entity)
        wrapped = wrapped_mail(entity, self.root)
        if wrapped is not None and is_proven and place.covers and not self.subject:
            self._name(wrapped.headers.text("subject"), place)
        return self.open(wrapped or entity, place)

    def _name(self, subject: str, place: _Place) -> None:
        self.subject, self.is_subject_hidden = subject, place.is_encrypted

    def _gossip(self, entity: Entity) -> None:
        fields = [line for name in ("to", "cc") for line in self.root.headers.all(name)]
        recipients = [normalise(one.email) for line in fields for one in read_addresses(line)]
        found = autocrypt.of_gossip(entity.fields, recipients=recipients, budget=self.budget)
        self.found += found
        self.by_header += found

    def _cms(self, entity: Entity, place: _Place) -> Entity:
        result = unwrap(entity.content, self.reader)
        is_document = result.content is not None and not looks_like_entity(result.content)
        if not place.is_whole and is_document:
            return entity  # a signed document that was attached, no mail
        self._take(result, place)
        if result.content is None:
            return entity
        return self._inside(result.content, place, result.layers)

    def _take(self, result: Unwrapped, place: _Place) -> None:
        self._note(result.layers, place, result.state)
        self.found += result.found
        self.missing += result.missing

    def _signed(self, entity: Entity, place: _Place) -> Entity:
        """multipart/signed (RFC 1847): the first part is shown, whatever the signature says."""
        parts = split(entity)
        if len(parts) < 2:  # noqa: PLR2004 - the content and its signature
            return self._parts(entity, place)
        content, signature = parts[0], read_entity(parts[1]).content
        if signature_kind(entity, read_entity(parts[1])) is Kind.pgp:
            layers = pgp_read.verify(
                content, signature, self.keyring, at=self.at, sender=self.sender, budget=self.budget
            )
            self._note(layers, place)
        else:
            result = verify(signature, (canonical(content), content, content.replace(b"\r\n", b"\n")), self.reader)
            layers = result.layers
            self._take(result, place)
        before = len(self.layers)
        inner = self._inside(content, place, layers)
        if len(parts) == 2:  # noqa: PLR2004
            return inner
        was_encrypted = any(one.act is Act.encrypted for one in self.layers[before:])
        self.layers = [
            replace(one, covers_all=False) for one in self.layers
        ]  # something was added behind the signature
        added = [read_entity(part) for part in parts[2:]]
        shown = apart([inner, *added], [was_encrypted, *[False for _ in added]])
        return joined(make_entity([("Content-Type", b"multipart/mixed")], b""), shown)

    def _pgp_encrypted(self, entity: Entity, place: _Place) -> Entity:
        parts = [read_entity(part) for part in split(entity)]
        message = armoured_pair(parts)
        if message is None:
            return self._no_message(entity, parts, place)
        found = pgp_read.decrypt(message, self.keyring, at=self.at, sender=self.sender, budget=self.budget)
        self._note(found.layers, place, found.state)
        self.missing += found.missing
        if not found.content or found.state not in (State.open, State.plain):
            return entity
        return self._inside(found.content, place, found.layers)

    def _no_message(self, entity: Entity, parts: Sequence[Entity], place: _Place) -> Entity:
        """Said to be encrypted, but no message is in it; somebody may have put a clear-signed text there to deceive."""
        texts = [part for part in parts if has_clear_signature(part)]
        if texts:
            return self._text(texts[0], place)
        self._note([Layer(Kind.pgp, Act.encrypted, code="damaged")], place, State.damaged)
        return entity

    def _pgp_file(self, entity: Entity, place: _Place) -> Entity:
        found = pgp_read.decrypt(entity.content, self.keyring, at=self.at, sender=self.sender, budget=self.budget)
        self._note([replace(layer, covers_all=False) for layer in found.layers], place, found.state)
        self.missing += found.missing
        is_open = found.content and found.state in (State.open, State.plain) and found.layers
        return as_file(entity, found.content, found.name) if is_open else entity

    def _text(self, entity: Entity, place: _Place) -> Entity:
        blocks = pgp_read.inline(
            armoured_text(entity), self.keyring, at=self.at, sender=self.sender, budget=self.budget
        )
        for block in blocks:
            self._note(block.layers, place, block.state)
            self.missing += block.missing
        is_open = any(block.layers and block.state in (State.open, State.plain) for block in blocks)
        if not is_open:
            return entity
        return text_of(entity, [(block.text, block.charset) for block in blocks])

    def _parts(self, entity: Entity, place: _Place) -> Entity:
        """A multipart that is no layer itself: each of its parts is opened for itself."""
        parts = [read_entity(part) for part in split(entity)]
        if is_hidden_pair(parts):
            return self._pgp_encrypted(entity, place)
        opened, was_encrypted = [], []
        for part in parts:
            before = len(self.layers)
            opened.append(self.open(part, place.deeper(covers=place.covers and len(parts) == 1)))
            was_encrypted.append(
                opened[-1] is not part and any(one.act is Act.encrypted for one in self.layers[before:])
            )
        if all(new is old for new, old in zip(opened, parts, strict=True)):
            return entity
        if entity.content_type == "multipart/alternative":  # the others show the same, still in armour
            changed = [new for new, old in zip(opened, parts, strict=True) if new is not old]
            texts = [new.raw for new in changed if not has_html(new.raw)]
            if texts and not any(role_of(part, is_whole=False) is Role.cms for part in parts):
                return joined(entity, texts)
        return joined(entity, apart(opened, was_encrypted))

    def offered(self, inner: Entity) -> list[Key]:
        """Keys that came by an Autocrypt header or as attached files."""
        found = autocrypt.of_header(self.root.fields, sender=self.sender, budget=self.budget) if self.sender else []
        self.by_header += found
        attached = []
        if b"pgp-keys" in inner.raw:
            for part in build(inner.raw).parts:
                if part.content_type == "application/pgp-keys":
                    attached += autocrypt.of_attachment(part.content()[0], self.budget)
        return [*found, *attached]

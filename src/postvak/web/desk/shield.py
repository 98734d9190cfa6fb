"""What protects a mail, in the words that its card shows: beside the text, never in its way. Costs no query: it is all in the row, unless a
key is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.crypto.values import Act, Kind, Layer, Verdict
from postvak.keys import shown as opened_mails
from postvak.keys.authors import may_be_anothers
from postvak.keys.names import in_words, spaced
from postvak.keys.security import layers_of, protected_subject, security_of
from postvak.keys.wanted import wanted_by
from postvak.log.crypto_sentences import STATES, VERDICTS, layer_sentence
from postvak.models import MailSecurity, Message

State = MailSecurity.State
NAMES = {Kind.smime: "S/MIME", Kind.pgp: "OpenPGP"}
ACTS = {
    Act.encrypted: gettext_lazy("Encrypted (%(kind)s)"),
    Act.signed: gettext_lazy("Signed (%(kind)s)"),
    Act.compressed: gettext_lazy("Compressed (%(kind)s)"),
}
TONES = {
    Verdict.good: "good",
    Verdict.other_signer: "alert",
    Verdict.changed: "alert",
    Verdict.revoked: "alert",
    Verdict.expired: "warn",
    Verdict.weak: "warn",
    Verdict.partial: "warn",
}
FEW = 6  # names of keys that are shown


@dataclass(frozen=True, slots=True)
class Shown:
    """One layer. `rows`: (what, value, is it a string of letters and digits to compare)."""

    title: str
    verdict: str
    tone: str
    why: str
    is_part: bool
    rows: tuple[tuple[str, str, bool], ...]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Shield:
    """`lock` and `seal`: a few words each on encryption and signature, "" where there is none. `is_shut`: it can't be read here;
    `needed`: names of the keys of which one would open it. `can_look_again`: a key that came since might tell more.
    `may_be_anothers`: it isn't sure who wrote what was encrypted (keys.authors)."""

    lock: str
    seal: str
    tone: str
    is_shut: bool
    is_damaged: bool
    subject: str
    needed: tuple[str, ...]
    layers: tuple[Shown, ...]
    can_look_again: bool
    may_be_anothers: bool

    @property
    def alarm(self) -> str:
        """What should be seen at once, also of a folded card."""
        return self.tone if self.tone in ("warn", "alert") else "warn" if self.is_shut else ""


def shield_of(message: Message) -> Shield | None:
    row = security_of(message)
    if row is None:
        return None
    if row.encrypted:  # a queue may keep it decrypted, so that nothing is opened for showing it
        opened_mails.note()
    layers = layers_of(row.report)
    verdict = Verdict(row.verdict) if row.verdict else None
    is_shut = row.state in (State.NO_KEY, State.DAMAGED)
    return Shield(
        lock=str(STATES.get(state_of(row, layers), "")) if row.encrypted else "",
        seal=str(VERDICTS[verdict.value]) % {"signer": signer_of(row, layers)} if verdict else "",
        tone=TONES.get(verdict, "") if verdict else "",
        is_shut=is_shut,
        is_damaged=row.state == State.DAMAGED,
        subject=protected_subject(row),
        needed=tuple(needed(row)) if is_shut else (),
        layers=tuple(shown(layer) for layer in layers),
        may_be_anothers=may_be_anothers(message),
        can_look_again=is_shut or verdict in (Verdict.unknown, Verdict.untrusted),
    )


def state_of(row: MailSecurity, layers: list[Layer]) -> str:
    """One of STATES. What was decrypted beside other parts is no encrypted mail."""
    encrypted = [one for one in layers if one.act is Act.encrypted]
    is_part = encrypted and not any(one.covers_all for one in encrypted)
    return "part" if is_part and row.state == State.OPEN else row.state


def signer_of(row: MailSecurity, layers: list[Layer]) -> str:
    found = next((one.subject or one.key for one in layers if one.act is Act.signed), "")
    return row.signer or found or _("somebody unknown")


def needed(row: MailSecurity) -> Iterator[str]:
    """As people know keys: whose certificate, or the id of an OpenPGP key. Costs a query."""
    (found,) = wanted_by([row])
    owners = dict.fromkeys(one.owner for one in found if one.owner)
    ids = dict.fromkeys(one.key_id for one in found if one.key_id)
    yield from (*owners, *list(ids)[:FEW])


def shown(layer: Layer) -> Shown:
    verdict = layer.counted.verdict if layer.act is Act.signed else None
    return Shown(
        title=str(ACTS[layer.act]) % {"kind": NAMES[layer.kind]},
        verdict=str(VERDICTS[verdict.value]) % {"signer": ", ".join(layer.signers) or "–"} if verdict else "",
        tone=TONES.get(verdict, "") if verdict else "",
        why=layer_sentence(layer.code, layer.parameters),
        is_part=not layer.covers_all,
        rows=tuple(row for row in rows_of(layer) if row[1]),
        at=layer.signed_at,
    )


def rows_of(layer: Layer) -> Iterator[tuple[str, str, bool]]:
    yield _("Key of") if layer.act is Act.encrypted else _("Signer"), in_words(layer.subject), False
    yield _("Addresses"), ", ".join(layer.signers), False
    yield _("Fingerprint"), spaced(layer.key), True
    yield _("Algorithm"), layer.algorithm, False

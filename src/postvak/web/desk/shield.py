"""What protects a mail, in the words that its card shows: beside the text, never in its way. Costs no query: it is all in the row, unless a
key is missing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.crypto.values import Act, Kind, Layer, Verdict
from postvak.keys import shown as opened_mails
from postvak.keys.keyring import TableKeyring
from postvak.keys.security import layers_of, protected_subject
from postvak.log.crypto_sentences import STATES, VERDICTS, layer_sentence
from postvak.models import MailSecurity

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
NAME = re.compile(r"(?:^|,)CN=((?:\\.|[^,\\])+)")
MAIL = re.compile(r"(?:^|,)(?:email|emailAddress|1\.2\.840\.113549\.1\.9\.1)=([^,\\]+)", re.IGNORECASE)
UNESCAPED = re.compile(r"\\(.)")
FEW = 6  # names of keys that are shown
LONG_ID = 16  # letters of an OpenPGP key id


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
    `needed`: names of the keys of which one would open it. `can_look_again`: a key that came since might tell more."""

    lock: str
    seal: str
    tone: str
    is_shut: bool
    is_damaged: bool
    subject: str
    needed: tuple[str, ...]
    layers: tuple[Shown, ...]
    can_look_again: bool

    @property
    def alarm(self) -> str:
        """What should be seen at once, also of a folded card."""
        return self.tone if self.tone in ("warn", "alert") else "warn" if self.is_shut else ""


def shield_of(row: MailSecurity | None) -> Shield | None:
    if row is None:
        return None
    if row.encrypted:  # a queue may keep it decrypted, so that nothing is opened for showing it
        opened_mails.note()
    layers = layers_of(row.report)
    verdict = Verdict(row.verdict) if row.verdict else None
    is_shut = row.state in (State.NO_KEY, State.DAMAGED)
    return Shield(
        lock=str(STATES.get(row.state, "")) if row.encrypted else "",
        seal=str(VERDICTS[verdict.value]) % {"signer": signer_of(row, layers)} if verdict else "",
        tone=TONES.get(verdict, "") if verdict else "",
        is_shut=is_shut,
        is_damaged=row.state == State.DAMAGED,
        subject=protected_subject(row),
        needed=tuple(needed(row)) if is_shut else (),
        layers=tuple(shown(layer) for layer in layers),
        can_look_again=is_shut or verdict in (Verdict.unknown, Verdict.untrusted),
    )


def signer_of(row: MailSecurity, layers: list[Layer]) -> str:
    found = next((one.subject or one.key for one in layers if one.act is Act.signed), "")
    return row.signer or found or _("somebody unknown")


def needed(row: MailSecurity) -> Iterator[str]:
    """As people know keys: whose certificate (of those whose public part is here), or the id of an OpenPGP key; not the digests by
    which we look for them. Costs a query."""
    for key in TableKeyring().public(row.missing):
        if key.kind is Kind.smime or key.is_trusted:  # anybody can offer a key that bears the ids of another one
            yield in_words(key.subject) or key.fingerprint
    if row.encrypted == Kind.pgp.value:
        yield from (spaced(name[-LONG_ID:].upper()) for name in row.missing[:FEW])


def spaced(digits: str) -> str:
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


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


def in_words(subject: str) -> str:
    """The name in a certificate as people write it; a user id of OpenPGP is written so already."""
    name, mail = NAME.search(subject), MAIL.search(subject)
    if name is None:
        return subject
    text = UNESCAPED.sub(r"\1", name.group(1))
    return f"{text} <{mail.group(1)}>" if mail else text


def rows_of(layer: Layer) -> Iterator[tuple[str, str, bool]]:
    yield _("Key of") if layer.act is Act.encrypted else _("Signer"), in_words(layer.subject), False
    yield _("Addresses"), ", ".join(layer.signers), False
    yield _("Fingerprint"), spaced(layer.key.upper()), True
    yield _("Algorithm"), layer.algorithm, False

"""Who sent a mail, as its card says it: a word, and the reasons on demand. Unverified, which most mail is, stays quiet. Costs no
query: it is all in the row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postvak.crypto.values import Verdict
from postvak.log.trust_sentences import LEVELS, trust_reason
from postvak.models import MailSecurity, Message
from postvak.trust.values import Level

UPGRADED = frozenset({Level.verified.value, Level.unverified.value})


@dataclass(frozen=True, slots=True)
class Sender:
    """`level` as trust.values.Level; `is_loud`: everybody should see the reasons without asking."""

    level: str
    words: str
    icon: str
    tone: str
    reasons: tuple[str, ...]
    is_loud: bool


def sender_of(message: Message, security: MailSecurity | None) -> Sender | None:
    """None: nobody looked, or it didn't come in by mail. A key may have come after the mail, so that its signature counts now."""
    stored: Mapping[str, Any] | None = message.trust
    if message.kind != Message.Kind.INCOMING or not stored or stored.get("level") not in LEVELS:
        return None
    level = str(stored["level"])
    whys = [(str(code), parameters) for code, parameters in stored.get("why", ())]
    if security is not None and security.verdict == Verdict.good.value and level in UPGRADED:
        level = Level.signed.value
        whys = [("sender_signed", {"signer": security.signer}), *(why for why in whys if why[0] not in REPLACED)]
    words, icon, tone = LEVELS[level]
    reasons = tuple(trust_reason(code, parameters) for code, parameters in whys)
    return Sender(level, str(words), icon, tone, reasons, level in {Level.suspicious, Level.spoofed})


def is_proven(message: Message, security: MailSecurity | None) -> bool:
    """Is it sure who wrote it? What we wrote is ours."""
    found = sender_of(message, security)
    is_ours = message.kind != Message.Kind.INCOMING
    return is_ours or (found is not None and found.level in PROVEN)


PROVEN = frozenset({Level.verified.value, Level.signed.value})
REPLACED = frozenset({"sender_signed", "nothing_proven"})

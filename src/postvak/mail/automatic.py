"""Did a machine write this mail, and which sort of machine? (RFC 3834, 2919, 3464, 5965, 8098)

The checks stand in one table; the first that finds something decides, and its finding is the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from postvak.mail.headers import Headers
from postvak.mail.values import Kind

REPORT_KINDS = {
    "delivery-status": Kind.BOUNCE,
    "feedback-report": Kind.COMPLAINT,
    "disposition-notification": Kind.RECEIPT,
}
REPORT_PARTS = {
    "message/delivery-status": Kind.BOUNCE,
    "message/global-delivery-status": Kind.BOUNCE,
    "message/feedback-report": Kind.COMPLAINT,
    "message/disposition-notification": Kind.RECEIPT,
}
BOUNCERS = re.compile(
    r"(?:mailer[-_. ]?daemon|mail-daemon|post_?master|mdaemon|mail-?system"
    r"|mail[. ]delivery[. ](?:sub)?system)(?:\W|$)",
    re.I,
)
BOUNCE_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|problem|delayed|report)|returned mail|mail delivery"
    r"|failure notice|mail system error|could not be delivered|non remis"
    r"|onbestelbaar|niet (?:worden )?bezorgd|bezorging|unzustellbar|nicht zugestellt|zustellung",
    re.I,
)
AWAY_SUBJECT = re.compile(
    r"\s*(?:(?:automati(?:sch|sche|sches|c) (?:antwoord|reactie|bericht|antwort|reply|response|answer)"
    r"|auto(?:matic)?[- ]?(?:reply|response|respons|antwort)|réponse automatique)\s*(?:[:(\[-]|$)"
    r"|out of (?:the )?office(?:\s*(?:reply|auto-?reply|message|response))?\s*(?:[:(\[-]|$)|ooo\s*:"
    r"|afwezig(?:heid(?:sbericht|smelding|sassistent)?)?\s*(?:[:(\[-]|$|wegens|tot|van|i\.?v\.?m)"
    r"|ik ben (?:er niet|afwezig)|niet aanwezig|buiten kantoor"
    r"|abwesen(?:d|heit(?:s(?:notiz|meldung|benachrichtigung|nachricht|assistent))?)\s*(?:[:(\[-]|$|vom|bis|wegen)"
    r"|nicht im (?:büro|haus)|ich bin (?:nicht im|im urlaub)|urlaubs(?:notiz|meldung|benachrichtigung)"
    r"|vakantie(?:bericht|melding)|vacation (?:reply|message|notice)"
    r"|on (?:vacation|holiday)\s*(?:[:(\[-]|$))",
    re.I,
)
COMPLAINT_SUBJECT = re.compile(r"\s*complaint about message from \d", re.I)  # Microsoft's feedback loop
SUPPRESS_ALL = {"all", "oof", "autoreply"}


@dataclass(frozen=True, slots=True)
class Signs:
    """What the checks look at. `types` are (content type, "method" parameter) of all parts.

    `author` is the e-mail address of From, or the whole text of From when it holds none.
    """

    headers: Headers
    report_type: str
    types: tuple[tuple[str, str], ...]
    author: str
    subject: str


Finding = tuple[Kind, str] | None


def detect(signs: Signs) -> tuple[Kind, str]:
    """The kind of a mail and a short machine-readable reason ('' for personal)."""
    for check in CHECKS:
        found = check(signs)
        if found is not None:
            return found
    return Kind.PERSONAL, ""


def _loop(signs: Signs) -> Finding:
    return (Kind.LOOP, "header:X-Postvak-Loop") if "x-postvak-loop" in signs.headers else None


def _report(signs: Signs) -> Finding:
    if signs.report_type in REPORT_KINDS:
        return REPORT_KINDS[signs.report_type], f"report:{signs.report_type}"
    for content_type, _ in signs.types:
        if content_type in REPORT_PARTS:
            return REPORT_PARTS[content_type], f"part:{content_type}"
    return None


def _unstructured_bounce(signs: Signs) -> Finding:
    """Servers that don't speak RFC 3464: a mail system's name, and a subject or an empty sender."""
    if COMPLAINT_SUBJECT.match(signs.subject):
        return Kind.COMPLAINT, "subject:complaint"
    if "x-failed-recipients" in signs.headers:
        return Kind.BOUNCE, "header:X-Failed-Recipients"
    if not BOUNCERS.match(signs.author):
        return None
    if signs.author.lower().startswith("mailer") or _has_null_sender(signs.headers):
        return Kind.BOUNCE, "sender:mailer-daemon"
    return (Kind.BOUNCE, "subject:delivery-failure") if BOUNCE_SUBJECT.search(signs.subject) else None


def _invitation(signs: Signs) -> Finding:
    wanted = any(kind == "text/calendar" and method.lower() == "request" for kind, method in signs.types)
    return (Kind.INVITATION, "part:text/calendar;method=request") if wanted else None


def _auto_submitted(signs: Signs) -> Finding:
    value = _word(signs.headers, "auto-submitted")
    return (Kind.AUTO_REPLY, f"header:Auto-Submitted={value}") if value not in ("", "no") else None


def _auto_headers(signs: Signs) -> Finding:
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply-From", "X-Loop"):
        value = _word(signs.headers, name.lower())
        if name.lower() in signs.headers and value not in ("no", "false", "0"):
            return Kind.AUTO_REPLY, f"header:{name}"
    if _word(signs.headers, "precedence") in ("auto_reply", "auto-reply"):
        return Kind.AUTO_REPLY, "header:Precedence=auto_reply"
    return None


def _away_subject(signs: Signs) -> Finding:
    away = AWAY_SUBJECT.match(signs.subject)
    return (Kind.AUTO_REPLY, "subject:out-of-office") if away else None


def _bulk(signs: Signs) -> Finding:
    precedence = _word(signs.headers, "precedence")
    if precedence in ("bulk", "junk", "list"):
        return Kind.BULK, f"header:Precedence={precedence}"
    for name in ("List-Id", "List-Unsubscribe", "List-Post", "Feedback-ID"):
        if name.lower() in signs.headers:
            return Kind.BULK, f"header:{name}"
    return None


def _suppressed(signs: Signs) -> Finding:
    """Exchange marks its automatic mails so (MS-OXCMAIL X-Auto-Response-Suppress)."""
    words = set(re.split(r"[,;\s]+", signs.headers.text("x-auto-response-suppress").lower()))
    found = sorted(words & SUPPRESS_ALL)
    return (Kind.AUTO_REPLY, f"header:X-Auto-Response-Suppress={found[0]}") if found else None


def _null_sender(signs: Signs) -> Finding:
    return (Kind.AUTO_REPLY, "header:Return-Path=<>") if _has_null_sender(signs.headers) else None


def _mail_system(signs: Signs) -> Finding:
    return (Kind.AUTO_REPLY, "sender:postmaster") if BOUNCERS.match(signs.author) else None


def _has_null_sender(headers: Headers) -> bool:
    return headers.raw("return-path").strip() == b"<>"


def _word(headers: Headers, name: str) -> str:
    """The first word of a header in lower case, without comments and parameters."""
    words = re.split(r"[\s;,(]", headers.text(name).lower(), maxsplit=1)
    return words[0][:40]


CHECKS: tuple[Callable[[Signs], Finding], ...] = (
    _loop,
    _report,
    _unstructured_bounce,
    _invitation,
    _auto_submitted,
    _auto_headers,
    _away_subject,
    _bulk,
    _suppressed,
    _null_sender,
    _mail_system,
)

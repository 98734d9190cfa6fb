"""Parameters of sentences in the reader's words: times, sizes, and the short codes of the mail library."""

import json
from collections.abc import Callable, Mapping

from babel import Locale
from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from postvak.log.crypto_sentences import layer_sentence
from postvak.log.reason import Parameter
from postvak.log.rule_sentences import CONTROL_WORDS
from postvak.log.trust_sentences import trust_reason
from postvak.models.priority import SHIPPED_PRIORITIES

MORE = "…"
UNITS = ("B", "kB", "MB", "GB", "TB")

DEFECTS: Mapping[str, str | Promise] = {
    "base64_broken": _("an attachment's encoding (Base64) is damaged"),
    "boundary_missing": _("the end of a part is missing"),
    "boundary_not_found": _("the announced parts are not there"),
    "boundary_wrong": _("the mark between the parts is wrong"),
    "charset_broken": _("some characters don't fit the declared character set"),
    "charset_unknown": _("the declared character set is unknown"),
    "empty": _("there is nothing in it"),
    "header_broken": _("a header line is damaged"),
    "header_too_large": _("the header is too large to be read whole"),
    "multipart_cut": _("the mail ends in the middle"),
    "no_date": _("no date"),
    "no_from": _("no sender"),
    "no_message_id": _("no Message-ID"),
    "tnef_broken": _("the Outlook container winmail.dat is damaged"),
    "too_deep": _("parts are nested too deeply"),
    "too_many_parts": _("it has too many parts"),
}

SIGNS: Mapping[str, str | Promise] = {
    "header": _("the header line %(sign)s"),
    "part": _("a part of type %(sign)s"),
    "report": _("its type, a report (%(sign)s)"),
    "sender": _("its sender"),
    "subject": _("its subject"),
    "text": _("its text"),
}


def in_words(name: str, value: Parameter) -> Parameter:
    """The parameter `name` of a sentence as the reader would write it; unknown ones stay as they are."""
    write = WRITERS.get(name)
    return write(value) if write and value is not None else value


def local_time(stored: Parameter) -> str:
    """A stored ISO 8601 time."""
    at = parse_datetime(str(stored))
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else str(stored)


def byte_size(count: Parameter) -> str:
    """Bytes as people say them: 842 kB, 1.4 MB (decimal, as mail servers announce their limits)."""
    amount = float(count or 0)
    for unit in UNITS:
        if amount < 1000 or unit == UNITS[-1]:
            break
        amount /= 1000
    digits = "0.#" if unit in UNITS[2:] and amount < 100 else "0"
    return f"{format_decimal(amount, digits, locale=Locale.parse(get_language() or 'en', sep='-'))} {unit}"


def defects(codes: Parameter) -> str:
    """The codes of mail.values.Mail.defects, with commas between them."""
    return ", ".join(str(DEFECTS.get(code, code)) for code in str(codes).split(", "))


def sign(found: Parameter) -> str:
    """What gave a kind of mail away: "header:Precedence=bulk" in words."""
    kind, _colon, detail = str(found).partition(":")
    return str(SIGNS[kind]) % {"sign": detail} if kind in SIGNS else gettext("its content")


def control(name: Parameter) -> str:
    """What a control header or an action of a filter is about; a custom field by its key."""
    base = str(name).removeprefix("followup-")
    for prefix in ("dynamicfield-", "field:", "header:"):
        base = base.removeprefix(prefix)
    return str(CONTROL_WORDS.get(base, base))


def origin(name: Parameter) -> str:
    """Who asked for something: a header by its name, a filter (kept in quotation marks) in those of the language."""
    text = str(name)
    if text.startswith("“") and text.endswith("”"):
        return gettext("“%(name)s”") % {"name": text[1:-1]}
    return text


def shipped_name(name: Parameter) -> str:
    """Of a rule: what was shipped has its name in English here, others theirs."""
    return gettext(str(name)) if name else ""


def priority(level: Parameter) -> str:
    """One that we ship by its level, others by their names."""
    name = SHIPPED_PRIORITIES.get(int(str(level))) if str(level).isdecimal() else None
    return str(name or level)


def condition(stored: Parameter) -> str:
    """ "field|comparison|value", the first two in English."""
    field, _bar, rest = str(stored).partition("|")
    operator, _bar, value = rest.partition("|")
    return " ".join(
        part for part in (shipped_name(field), shipped_name(operator), f"“{value}”" if value else "") if part
    )


def why(stored: Parameter) -> str:
    """Of a layer of a protected mail: its code and the parameters of it, as JSON."""
    if not stored:
        return ""
    code, parameters = json.loads(str(stored))
    return layer_sentence(code, parameters)


def whys(stored: Parameter) -> str:
    """Reasons about a sender: codes with their parameters, as JSON."""
    return " ".join(trust_reason(str(code), parameters) for code, parameters in json.loads(str(stored or "[]")))


def filters(names: Parameter) -> str:
    """Names of filters, one in a line; "…" at the end: there are more."""
    quoted = [name if name == MORE else gettext("“%(name)s”") % {"name": name} for name in str(names).split("\n")]
    return ", ".join(quoted)


WRITERS: Mapping[str, Callable[[Parameter], str]] = {
    "arrived": local_time,
    "start": local_time,
    "until": local_time,
    "size": byte_size,
    "limit": byte_size,
    "list": defects,
    "found": sign,
    "control": control,
    "origin": origin,
    "set": control,
    "by_rule": shipped_name,
    "which": shipped_name,
    "condition": condition,
    "priority": priority,
    "filters": filters,
    "why": why,
    "whys": whys,
}

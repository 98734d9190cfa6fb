"""The sentence above a quotation: "On Friday Ann wrote:", in one to four lines and many languages."""

from __future__ import annotations

import re
from collections.abc import Sequence

# language: how it may begin | what the author did
SENTENCES = """
en: on, in a message dated, quoting, at, in article | wrote, writes, has written
nl: op                     | schreef, schreven, geschreven, schrijft
de: am, zitat von          | schrieb, schrieben, geschrieben, schreibt
fr: le, citation de        | a écrit, a ecrit, écrit, écrivait
es: el, con fecha          | escribió, escribio, ha escrito, escribía
it: il, in data, nel, quoto | ha scritto, scrive, scrisse, scritto
pt: em, a, no dia, na      | escreveu, escreve
ca: el                     | va escriure, ha escrit
pl: w dniu, dnia           | napisał, napisała, napisał(a), pisze, napisano
cs: dne, dňa               | napsal, napsala, napsal(a), napísal, napísala
hu: ekkor                  | írta, írt
ro: în, pe, la             | a scris
hr: dana, dne              | je napisao, je napisala, je napisao/la, napisao, je napisal, je napisala
da: den, d                 | skrev
no: på                     | skrev
sv: vid                    | skrev
fi: päivänä                | kirjoitti
et: kuupäeval              | kirjutas
lt: parašė                 | rašė, parašė
lv: datums                 | rakstīja
tr: tarihinde              | yazdı, şunu yazdı, şunları yazdı
el: στις, την              | έγραψε
ru: от, в                  | написал, написала, написал(а), пишет, писал, писала, написали
uk: о                      | написав, написала, пише, написали
bg: на                     | написа
vi: vào                    | đã viết, viết
id: pada                   | menulis
"""
# Languages that write without spaces: what the author did
UNSPACED_VERBS = "写道|寫道|写了|书写|書きました|のメール|님이 작성|작성|썼습니다|כתב|כתבה|‫כתב|كتب|เขียน"
# The days of the week as clients shorten them, followed by a date.
WEEKDAYS = (
    "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    "|ma(?:andag)?|di(?:nsdag)?|wo(?:ensdag)?|do(?:nderdag)?|vr(?:ijdag)?|za(?:terdag)?|zo(?:ndag)?"
    "|mo(?:ntag)?|dienstag|mi(?:ttwoch)?|donnerstag|fr(?:eitag)?|sa(?:mstag)?|so(?:nntag)?"
    "|lun(?:di|es)?|mar(?:di|tes)?|mer(?:credi)?|jeu(?:di)?|ven(?:dredi)?|sam(?:edi)?|dim(?:anche)?|jue(?:ves)?|vie(?:rnes)?"
    "|man(?:dag)?|tir(?:sdag)?|ons(?:dag)?|tor(?:s|sdag)?|fre(?:dag)?|lør(?:dag)?|søn(?:dag)?|mån(?:dag)?|tis(?:dag)?|lör(?:dag)?|sön(?:dag)?"
    "|seg|ter|qua|qui|sex|s[áa]b|dom|gio|mié|pon|wt|śr|czw|pt|sob|niedz|po|út|st|čt|pá|so|ne|пн|вт|ср|чт|пт|сб|вс|нд"
    "|ma|ti|ke|to|pe|la|su|pzt|sal|çar|per|cum|cmt|paz"
)
MAX_INTRODUCTION = 400
MAX_LINES = 4
MAX_AFTER_VERB = 120
LOOK_AHEAD = 20
ADDRESS = re.compile(r"[^\s<>()\[\]\"',:;]{1,100}@[^\s<>()\[\]\"',:;]{1,100}")
ADDRESS_AT_END = re.compile(
    r"[<(\[]\s?(?:mailto:)?[^\s<>()]{1,100}@[^\s<>()]{1,100}[>)\]](?:\s[^\s]{1,15}){0,2}\s?[:：]$"
)
NUMERIC_DATE = r"\d{1,4}[./-]\s?(?:\d{1,2}|[^\W\d]{3,5}\.?)[./-]\s?\d{1,4}"
DATE = re.compile(rf"(?<!\d)(?:(?:19|20)\d\d(?!\d)|{NUMERIC_DATE})")
TIME = re.compile(r"(?<!\d)\d{1,2}(?:[:.h]|\s?uhr)\s?\d{2}(?!\d)|(?<!\d)\d{1,2}\s?[ap]\.?m\b", re.I)
MARKS = "-_=*~>| \t\u00a0\u200e\u200f\u202a\u202b\u202c"


def _words(column: int) -> str:
    """The words of this column of the table as a pattern, longest first."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(_cells(column), key=len, reverse=True))


def _cells(column: int) -> set[str]:
    cells = (line.partition(":")[2].split("|")[column] for line in SENTENCES.strip().splitlines())
    return {word.strip() for cell in cells for word in cell.split(",")}


MAX_VERB = 20
LAST_WORDS = frozenset(word.split()[-1] for word in _cells(1))
STARTER = rf"(?:{_words(0)})(?=[\s.,])"
DATED_START = re.compile(
    rf"(?:{STARTER}[^\n]{{0,40}}?\d|(?:{WEEKDAYS})[.,]*\s[^\n]{{0,20}}?\d|\d{{1,4}}[./年-]|\d{{1,2}}\.?\s[^\W\d]|在\s?\d|在)",
    re.I,
)
NAMED_START = re.compile(r"(?:quoting|zitat von|citation de)\b", re.I)
VERB = re.compile(rf"(?<!\w)(?:{_words(1)})(?!\w)|{UNSPACED_VERBS}", re.I)
BROKEN_VERB = re.compile(r"[a-z]>?wrote(?!\w)", re.I)
SHARED_LINE = re.compile(rf"\s(?:{STARTER})\s+(?:(?:{WEEKDAYS})[.,]*\s|\d|[A-Z][a-z]{{2,8}}\.?\s\d)", re.I)
BARE_DATE_AND_ADDRESS = re.compile(r"\d{4}[/-]\d{1,2}[/-]\d{1,2}\s[^<>]{0,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>")


def may_end_introduction(line: str) -> bool:
    """A cheap look at a stripped line: could it be the end of an introduction?"""
    last = line[-1:]
    if last in ":：":
        return True
    if last in "->":
        return line[:1] in "-0123456789"
    return "@" in line and line[-MAX_VERB:].rpartition(" ")[2].lower() in LAST_WORDS


def introduction_start(lines: Sequence[str], number: int, earliest: int, *, before_quote: bool) -> int:
    """The line where the introduction that ends at `number` begins, -1 if none ends there. `lines` are stripped."""
    line = lines[number]
    if len(line) > MAX_INTRODUCTION:
        return -1
    if is_introduction(line, before_quote=before_quote, must_be_dated=True):
        return number
    joined = line
    for first in range(number - 1, max(earliest, number - MAX_LINES + 1) - 1, -1):
        above = lines[first]
        if not above or len(above) + len(joined) > MAX_INTRODUCTION or above[-1] in ".?!":
            break
        joined = f"{above} {joined}"
        if is_introduction(joined, before_quote=before_quote, must_be_dated=True):
            return first
    return number if is_introduction(line, before_quote=before_quote, must_be_dated=False) else -1


def is_introduction(joined: str, *, before_quote: bool, must_be_dated: bool) -> bool:
    """Is this whole text an introduction? Without a quotation below it must name a date or an address.

    `must_be_dated`: it has to begin as dated ones do, so that no words of an answer are taken with it.
    """
    core = joined.strip(MARKS)
    is_dashed = joined[:2] == "--" and joined[-2:] == "--"
    if not core or not (core[-1] in ":：" or is_dashed or _ends_in_verb(core)):
        return before_quote and BARE_DATE_AND_ADDRESS.fullmatch(joined) is not None
    begins = DATED_START.match(core.lstrip("\"'(")) is not None
    if must_be_dated and not begins:
        return False
    if before_quote:
        return _is_plausible(core, begins=begins)
    return _is_certain(core, begins=begins)


def _ends_in_verb(core: str) -> bool:
    """Some clients leave the colon out; then an address must stand directly before the verb."""
    before, _, last = core.rpartition(" ")
    return last.lower() in LAST_WORDS and "@" in before.rpartition(" ")[2]


def _is_plausible(core: str, *, begins: bool) -> bool:
    """A quotation follows, so little is needed: a verb or an address."""
    has_address = ADDRESS.search(core) is not None
    if _after_verb(core) is None:
        return has_address and (begins or NAMED_START.match(core) is not None)
    return begins or has_address or DATE.search(core) is not None or len(core.split()) <= 8


def _is_certain(core: str, *, begins: bool) -> bool:
    """Everything below would be taken for the original message, so it must be what a client writes."""
    has_address = ADDRESS.search(core) is not None
    dated = DATE.search(core) is not None
    timed = TIME.search(core) is not None
    after = _after_verb(core)
    if after is None:
        return begins and (dated or timed) and ADDRESS_AT_END.search(core) is not None
    if not (begins or has_address) or not (has_address or dated or timed):
        return False
    return _small_words(after) <= 3 and (has_address or timed or _small_words(core) <= 6)


def _small_words(text: str) -> int:
    """Words in lower case; a name, a date and an address have few, a sentence has many."""
    return sum(1 for word in text.split() if word[0].islower() and "@" not in word)


def shared_column(line: str) -> int:
    """Where an introduction begins in the middle of a line: "Yes. On Fri, 1 May Ann wrote:"; -1 if nowhere."""
    if len(line) > MAX_INTRODUCTION or DATED_START.match(line.strip(MARKS)):
        return -1
    for match in SHARED_LINE.finditer(line):
        if is_introduction(line[match.start() :].strip(), before_quote=True, must_be_dated=True):
            answer = line[: match.start()]
            return len(answer.rstrip(MARKS)) if answer[-2:] == "--" else len(answer) + 1
    return -1


def _after_verb(core: str) -> str | None:
    """What stands behind the last verb, None if no verb is near the end."""
    found = [*VERB.finditer(core), *BROKEN_VERB.finditer(core)]
    if not found or len(core) - found[-1].end() > MAX_AFTER_VERB:
        return None
    return core[found[-1].end() :]

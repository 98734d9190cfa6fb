"""Where the writer's words end: "-- ", sign-offs with a name block, "Sent from my phone", footers of lists.

Doubt goes to the writer: what might be a sentence stays new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# language: closings that carry no message of their own ("Thanks" does)
CLOSINGS = """
en: best regards, kind regards, kindest regards, warm regards, warmest regards, regards, best wishes, with best regards, with kind regards
en: many regards, sincerely, yours sincerely, sincerely yours, yours faithfully, yours truly, respectfully, cordially, all the best, rgds, br, kr
nl: met vriendelijke groet, met vriendelijke groeten, vriendelijke groet, vriendelijke groeten, met hartelijke groet, met hartelijke groeten
nl: hartelijke groet, hartelijke groeten, groet, groeten, groetjes, m.v.g., mvg, mvrgr, gr., hoogachtend, met beste groet, met beste groeten
nl: beste groeten, beste groet, met vr. gr., vr. gr., vr.gr., veel groeten, met groet, met groeten, met de meeste hoogachting, warme groet
de: mit freundlichen grüßen, mit freundlichen grüssen, mit freundlichem gruß, mit freundlichem gruss, mit freundlichen gruessen, freundliche grüße
de: freundliche grüsse, freundlicher gruß, mit besten grüßen, mit besten grüssen, beste grüße, beste grüsse, viele grüße, viele grüsse
de: viele liebe grüße, liebe grüße, liebe grüsse, herzliche grüße, herzliche grüsse, schöne grüße, schöne grüsse, mit herzlichen grüßen
de: mit lieben grüßen, mit vielen grüßen, hochachtungsvoll, gruß, gruss, grüße, grüsse, mfg, vg, lg, bg, glg
fr: cordialement, bien cordialement, très cordialement, bien à vous, meilleures salutations, sincères salutations, salutations distinguées
fr: sincèrement, amicalement, bien amicalement, cdlt, cdt
es: un saludo, saludos, saludos cordiales, un cordial saludo, cordialmente, atentamente, reciba un cordial saludo, muchos saludos
it: cordiali saluti, distinti saluti, saluti, un saluto, un cordiale saluto, cordialmente, i migliori saluti
pt: atenciosamente, cumprimentos, com os melhores cumprimentos, melhores cumprimentos, abraços, cordialmente, att
pl: pozdrawiam, z poważaniem, pozdrawiam serdecznie, serdecznie pozdrawiam, pozdrowienia
da: med venlig hilsen, venlig hilsen, mange hilsner, bedste hilsner, de bedste hilsner, mvh, vh
no: med vennlig hilsen, vennlig hilsen, hilsen, beste hilsen
sv: med vänlig hälsning, med vänliga hälsningar, vänliga hälsningar, vänlig hälsning, hälsningar, bästa hälsningar
fi: ystävällisin terveisin, terveisin, parhain terveisin, yt
cs: s pozdravem, s přátelským pozdravem, hezký den
hu: üdvözlettel, tisztelettel
ro: cu stimă, cu respect
tr: saygılarımla, iyi çalışmalar
ru: с уважением, с наилучшими пожеланиями
uk: з повагою
"""
# language: how a device signs
DEVICES = """
en: sent from, sent via, sent with, sent using, sent on, sent through, get outlook for, get the outlook app, sent by, composed on, written on my
nl: verzonden vanaf, verzonden vanuit, verzonden via, verzonden met, verzonden van, verstuurd vanaf, verstuurd vanuit, verstuurd via, verstuurd met
nl: verstuurd van, gestuurd vanaf, outlook voor ios downloaden, outlook voor android downloaden, outlook voor android, outlook voor ios
nl: download outlook voor
de: von meinem, von mein, gesendet von, gesendet mit, gesendet über, gesendet aus, diese nachricht wurde von, diese mail wurde von
de: holen sie sich outlook, outlook für ios, outlook für android, verschickt mit, verschickt von, versendet mit
fr: envoyé de, envoyé depuis, envoyé à partir, envoyé avec, envoyé via, envoyé par, télécharger outlook, obtenir outlook, obtenez outlook
fr: provenance :
es: enviado desde, enviado con, enviado mediante, enviado a través, obtener outlook, obtenga outlook, descargar outlook
it: inviato da, inviato dal, inviato con, inviato tramite, ottieni outlook, scarica outlook
pt: enviado do, enviado da, enviado de, enviado pelo, enviado via, enviado a partir, obter o outlook, obtenha o outlook, baixe o outlook
pl: wysłane z, wysłano z, pobierz outlook, pobierz program outlook, wysłane za
cs: odesláno z, odesláno ze, získejte outlook
da: sendt fra, hent outlook, sendt via
sv: skickat från, hämta outlook, skickad från, skickat via
fi: lähetetty, hanki outlook
hu: elküldve, küldve
ro: trimis de pe, trimis din
tr: edinin outlook, samsung mobile
ru: отправлено с, отправлено из, отправлено от
uk: надіслано з
zh: 发自, 從我的, 从我的, 來自我的, 發自, 傳送自
ko: 나의 iphone
"""
DEVICE_ENDS = (
    "gesendet",
    "から送信",
    "'umdan gönderildi",
    "gönderildi",
    "에서 보냄",
    "发送",
    "傳送",
    "versendet",
    "verschickt",
)  # noqa: E501
LIST_FOOTER = (
    "mailing list",
    "listinfo",
    "mailinglijst",
    "mailingliste",
    "unsubscribe",
    "afmelden",
    "abmelden",
    "liste de diffusion",
)
DELIMITERS = frozenset(["--", "---", "—", "–", "- -", "——", "––", "__"])
SURE_DELIMITER = "--"
MAX_SIGNATURE_LINES = 40
MAX_LOOSE_LINES = 8
MIN_BLOCK_LINES = 2
MAX_BLOCK_LINES = 15
MAX_LINE = 90
MAX_DEVICE_WORDS = 9
NAME_WORDS = re.compile(r"(?:[^\W\d_][^\s,;:!?]{0,24}|&|\+)(?:[ -]+(?:[^\W\d_][^\s,;:!?]{0,24}|&|\+)){0,4}[,.]?")
DASHED_NAME = re.compile(r"[-–—~]{1,2}\s?[^\W\d_a-zà-ÿ][^\W\d_]*\.?(?: [^\W\d_a-zà-ÿ][^\W\d_]*\.?){0,2}")
CONTACT = re.compile(r"[@\d|•·]|www\.|https?:", re.I)
REACHABLE = re.compile(r"[^\s@]@[^\s@]|www\.|https?:|(?:\d[ ()/.-]{0,2}){7}", re.I)
_PARTICLES = "van de der den von und en and & et y e el la le del di da do dos zu ter ten 't team"
PARTICLES = frozenset(_PARTICLES.split())
SALUTATION = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|day)|hallo|hoi|beste|geachte|dag|goede(?:morgen|middag)|lieve|guten tag|liebe[rs]?"
    r"|sehr geehrte[rs]?|moin|bonjour|cher|chère|hola|estimad[oa]s?|ciao|buongiorno|gentile|olá|dzień dobry|hej)\b[^.!?\n]{0,50}[,!:]?",
    re.I,
)
URL = re.compile(r"[<(\[]?(?:https?://|www\.)[^\s>)\]]{1,500}[>)\]]?", re.I)
POSTSCRIPT = re.compile(r"p\.? ?s\.?\b|n\.? ?b\.?\b", re.I)


def _phrases(table: str) -> tuple[str, ...]:
    cells = (line.partition(":")[2] for line in table.strip().splitlines())
    found = {phrase.strip() for cell in cells for phrase in cell.split(", ")}
    return tuple(sorted(found, key=len, reverse=True))


CLOSING_PHRASES = _phrases(CLOSINGS)
EXACT_CLOSINGS = frozenset(phrase.rstrip(".") for phrase in CLOSING_PHRASES)
DEVICE_STARTS = _phrases(DEVICES)


def is_device_line(line: str) -> bool:
    """ "Sent from my iPhone" in many languages, as the whole line: no clause may follow it."""
    words = URL.sub("", line).strip(" *_<>().-–—\u200b").lower()
    if not words or len(line) > 600 or len(words) > MAX_LINE:
        return False
    if not (words.startswith(DEVICE_STARTS) or words.endswith(DEVICE_ENDS)):
        return False
    return not any(mark in words for mark in (", ", "; ", "? ", ": ")) and len(words.split()) <= MAX_DEVICE_WORDS


def is_footer(paragraph: Sequence[str]) -> bool:
    """Is this last paragraph a device's line, a name behind a dash, or the footer of a mailing list?"""
    if len(paragraph) <= 2 and all(is_device_line(line) for line in paragraph):
        return True
    if len(paragraph) == 1:
        return DASHED_NAME.fullmatch(paragraph[0]) is not None
    if len(paragraph) > MAX_LOOSE_LINES or not is_underline(paragraph[0]):
        return False
    words = " ".join(paragraph[1:]).lower()
    return any(phrase in words for phrase in LIST_FOOTER)


def is_underline(line: str) -> bool:
    return len(line) >= 2 and not line.strip("_")


def delimiter_at(lines: Sequence[str], start: int, end: int) -> int:
    """The first "-- " whose rest is short enough for a signature, -1 if none; other dashes need contact data below."""
    if DELIMITERS.isdisjoint(lines[start:end]):
        return -1
    weight = 0
    found = -1
    has_contact = has_sentence = False
    for number in range(end - 1, start - 1, -1):
        line = lines[number]
        if weight > MAX_SIGNATURE_LINES:
            break
        if line in DELIMITERS:
            is_loose = has_contact and not has_sentence and weight <= MAX_LOOSE_LINES
            found = number if line == SURE_DELIMITER or is_loose else found
            continue
        weight += (len(line) + MAX_LINE - 1) // MAX_LINE
        has_contact = has_contact or REACHABLE.search(line[:MAX_LINE]) is not None
        has_sentence = has_sentence or (bool(line) and _is_sentence(line))
    return found


def signature_end(lines: Sequence[str], start: int, end: int) -> int:
    """A salutation below a signature begins a text of its own: another part of the mail."""
    after_gap = (number for number in range(start + 2, end) if lines[number] and not lines[number - 1])
    return next((number for number in after_gap if SALUTATION.fullmatch(lines[number])), end)


def closing_at(lines: Sequence[str], start: int, end: int) -> int:
    """The line of the sign-off ("Met vriendelijke groet,") if only a name block follows it up to `end`; else -1.

    A sign-off with no more than a name is the writer's own and stays: folding it would gain nothing.
    """
    block: list[str] = []
    for number in range(end - 1, start - 1, -1):
        line = lines[number]
        if not line:
            continue
        if is_closing(line):
            return number if _is_name_block(block[::-1]) and len(block) >= MIN_BLOCK_LINES else -1
        if len(block) >= MAX_BLOCK_LINES or _is_sentence(line):
            return -1
        block.append(line)
    return -1


def is_closing(line: str) -> bool:
    """ "Kind regards", "Groet, Jan", "Mit freundlichen Grüßen / Kind regards"."""
    if len(line) > MAX_LINE:
        return False
    words = line.lower().strip(" *_>,.!;\u00a0").replace("\u00a0", " ")
    if words in EXACT_CLOSINGS:
        return True
    if not words.startswith(CLOSING_PHRASES):
        return False
    phrase = next(phrase for phrase in CLOSING_PHRASES if words.startswith(phrase))
    rest = line.strip(" *_>")[len(phrase) :]
    if rest.strip(" ,.!") and rest[0].isalnum():
        return False
    if rest.lstrip()[:1] in ("/", "|"):
        return is_closing(rest.strip(" /|"))
    return _is_name(rest.strip(" ,.!*"))


def _is_name(text: str) -> bool:
    """One to five words, each with a capital or a particle of names."""
    if not NAME_WORDS.fullmatch(text):
        return False
    return all(word[0].isupper() or word.lower() in PARTICLES for word in text.split())


def _is_name_block(block: Sequence[str]) -> bool:
    """A name first, and then only short lines."""
    return bool(block) and len(block[0]) <= 60 and len(block[0].split()) <= 7


def _is_sentence(line: str) -> bool:
    """Could this line of a name block be something the writer says?"""
    if POSTSCRIPT.match(line) or line.endswith("?"):
        return True
    words = line.split()
    if CONTACT.search(line):
        return len(words) > 14 or len(line) > 3 * MAX_LINE
    if len(words) >= 9 or len(line) > MAX_LINE:
        return True
    if len(words) >= 4 and line[-1] in ".!":
        return True
    small = sum(1 for word in words if word[0].islower() and word not in PARTICLES)
    return small >= 4

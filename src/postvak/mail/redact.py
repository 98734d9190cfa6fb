"""Words of a raw mail are made unreadable: in headers, texts and HTML; everything else stays as it is, byte for byte.

Encoded parts are decoded, changed, and encoded again as they were; mails inside the mail are looked through, too. What lies
inside files (PDF, pictures, archives) can't be changed: such a file can only be removed as a whole.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from postvak.mail.headers import decode_text
from postvak.mail.tree import Part, build, strip_envelope

MARK = "*****"
LONGEST_WORD = 2000  # letters of one pattern
IBAN = r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0.-]?[A-Z0-9]{4}){2,7}(?:[ \u00a0.-]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
PHONE = (  # begins with + or 0, and is no date
    r"(?<![\w.,-])(?!\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b)"
    r"(?:\+\d{1,3}[ \u00a0]?(?:\(0\))?|\(?0)\d*(?:[ \u00a0./()-]{0,2}\d{1,5}){1,7}(?!\w)"
)
FEWEST_DIGITS = 8
GAP = r"(?:[\s>|\u00a0]|&nbsp;|&#160;|&#x[aA]0;)+"
TAGS = r"(?:<[^<>]{0,500}>)*"
TAG = re.compile(r"<[^<>]*>")
ENCODED = re.compile(r"=\?[^?\s]{1,40}\?[bBqQ]\?[^?\r\n]*\?=(?:\s+=\?[^?\s]{1,40}\?[bBqQ]\?[^?\r\n]*\?=)*")
FIELD = re.compile(rb"^(?!--)[!-9;-~]+:.*(?:\r?\n[ \t].*)*", re.M)
LOOSE = re.compile(rb"^(?!--).+$", re.M)
NAMED = re.compile(rb";\s*(?:file)?name\*?\d*\*?\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^;\s]+)", re.I)
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "@": "&commat;", ".": "&period;"}
REMOVED_TYPE = "text/plain"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is looked for, in plain text and in HTML. Call it by `words` and `shapes`."""

    text: re.Pattern[str]
    html: re.Pattern[str]

    def hide(self, text: str, *, is_html: bool = False) -> tuple[str, int]:
        """The text without them, and how many there were. Tags that stood in between stay."""
        count = 0

        def mark(match: re.Match[str]) -> str:
            nonlocal count
            if match.lastgroup == "phone" and sum(c.isdigit() for c in match.group()) < FEWEST_DIGITS:
                return match.group()
            count += 1
            return MARK + ("".join(TAG.findall(match.group())) if is_html else "")

        return (self.html if is_html else self.text).sub(mark, text), count


def pattern_of(words: Iterable[str], *, iban: bool = False, phone: bool = False) -> Pattern | None:
    """None: there is nothing to look for. Words are found in any case, across line breaks and marks of quotes."""
    wanted = sorted({" ".join(word.split())[:LONGEST_WORD] for word in words if word.strip()}, key=len, reverse=True)
    shapes = [f"(?P<iban>(?-i:{IBAN}))"] * iban + [f"(?P<phone>{PHONE})"] * phone
    plain = [GAP.join(re.escape(piece) for piece in word.split()) for word in wanted]
    marked = [(TAGS + GAP + TAGS).join(in_html(piece) for piece in word.split()) for word in wanted]
    if not plain and not shapes:
        return None
    return Pattern(
        re.compile("|".join([*map(alone, wanted, plain), *shapes]), re.I),
        re.compile("|".join([*map(alone, wanted, marked), *shapes]), re.I),
    )


def alone(word: str, expression: str) -> str:
    """“Ann” isn't found in “Annex”."""
    before = r"(?<!\w)" if word[0].isalnum() else ""
    after = r"(?!\w)" if word[-1].isalnum() else ""
    return f"{before}{expression}{after}"


def in_html(piece: str) -> str:
    return TAGS.join(letter_in_html(letter) for letter in piece)


def letter_in_html(letter: str) -> str:
    forms = [re.escape(letter), f"&#0*{ord(letter)};", f"&#x0*{ord(letter):x};"]
    if letter in ENTITIES:
        forms.append(ENTITIES[letter])
    return re.escape(letter) if letter.isalnum() and letter.isascii() else f"(?:{'|'.join(forms)})"


# -- the mail ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Redacted:
    """The new mail, how many places were made unreadable, and how many files were removed."""

    raw: bytes
    places: int
    removed: int = 0


def redact(raw: bytes, pattern: Pattern | None, *, remove: frozenset[int] = frozenset(), note: str = "") -> Redacted:
    """`remove`: indexes of parts (mail.tree) whose file goes; `note` stands in its place. Never raises for a mail."""
    mail = strip_envelope(raw)
    tree = build(mail)
    pieces: list[bytes] = []
    places = removed = at = 0
    for part in tree.parts:
        if part.is_multipart:
            continue
        between = mail[at : part.start]
        if part.index in remove:
            between, body, gone = without_file(between), note.encode(), 1
            count = 0
        else:
            body, count = redact_body(part, pattern)
            gone = 0
        head, more = redact_headers(between, pattern)
        pieces += [head, body]
        places, removed, at = places + count + more, removed + gone, part.start + len(part.body)
    rest, more = redact_headers(mail[at:], pattern)
    changed = b"".join([*pieces, rest])
    return Redacted(changed if changed != mail else raw, places + more, removed)


def redact_body(part: Part, pattern: Pattern | None) -> tuple[bytes, int]:
    if pattern is None:
        return part.body, 0
    if part.content_type in {"message/rfc822", "message/global", "message/news"}:
        inner = redact(part.content()[0], pattern)
        return (encoded(inner.raw, part), inner.places) if inner.places else (part.body, 0)
    if not part.content_type.startswith(("text/", "message/")) or part.is_rest:
        return part.body, 0
    content = part.content(is_shown=True)[0]
    changed, count = redact_text(content, part, pattern)
    return (encoded(changed, part), count) if count else (part.body, 0)


def redact_text(content: bytes, part: Part, pattern: Pattern) -> tuple[bytes, int]:
    """In its own charset. Bytes that don't fit it stay as they are: then the letters are looked for as bytes."""
    is_html = part.content_type in {"text/html", "application/xhtml+xml"}
    for charset in (part.parameters.get("charset", ""), "utf-8"):
        try:
            text = content.decode(charset or "utf-8")
            if text.encode(charset or "utf-8") == content:
                changed, count = pattern.hide(text, is_html=is_html)
                return changed.encode(charset or "utf-8"), count
        except (UnicodeError, LookupError):
            continue
    changed, count = pattern.hide(content.decode("latin-1"), is_html=is_html)
    return changed.encode("latin-1"), count


def encoded(content: bytes, part: Part) -> bytes:
    """With the part's own Content-Transfer-Encoding; its line ends, too."""
    encoding = part.headers.raw("content-transfer-encoding").split(b"(")[0].strip().strip(b'";').lower()
    line_end = b"\r\n" if b"\r\n" in part.body or b"\n" not in part.body else b"\n"
    last = line_end if part.body.endswith(b"\n") else b""
    if encoding == b"base64":
        lines = base64.encodebytes(content).rstrip(b"\n").replace(b"\n", line_end)
        return lines + last
    if encoding == b"quoted-printable":
        packed = binascii.b2a_qp(content.replace(b"\r\n", b"\n"), istext=True)
        return packed.replace(b"\n", line_end)
    return content


# -- headers ----------------------------------------------------------------------------


def redact_headers(block: bytes, pattern: Pattern | None) -> tuple[bytes, int]:
    """Headers, delimiters, and texts outside of the parts. Delimiters stay as they are."""
    if pattern is None or not block.strip():
        return block, 0
    count = 0

    def change(match: re.Match[bytes]) -> bytes:
        nonlocal count
        changed, more = redact_field(match.group(), pattern)
        count += more
        return changed

    def change_loose(match: re.Match[bytes]) -> bytes:
        nonlocal count
        changed, more = pattern.hide(match.group().decode("utf-8", "surrogateescape"))
        count += more
        return changed.encode("utf-8", "surrogateescape") if more else match.group()

    return LOOSE.sub(change_loose, FIELD.sub(change, block)), count


def redact_field(field: bytes, pattern: Pattern) -> tuple[bytes, int]:
    """Encoded words and encoded names of files are read first."""
    found = 0
    text = field.decode("utf-8", "surrogateescape")

    def words(match: re.Match[str]) -> str:
        nonlocal found
        plain, count = pattern.hide(decode_text(match.group().encode("utf-8", "surrogateescape"), ""))
        found += count
        return encoded_word(plain) if count else match.group()

    text = ENCODED.sub(words, text)
    text, count = pattern.hide(text)
    changed = text.encode("utf-8", "surrogateescape")
    if b"name*" in changed.lower():
        changed, more = redact_name(changed, pattern)
        count += more
    return changed, found + count


def encoded_word(text: str) -> str:
    """RFC 2047, cut into words that are short enough."""
    pieces = [text[start : start + 12] for start in range(0, len(text), 12)]
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(piece.encode()).decode()}?=" for piece in pieces)


def redact_name(field: bytes, pattern: Pattern) -> tuple[bytes, int]:
    """RFC 2231: name*0*=utf-8''… in pieces. If the whole has one of the words, the pieces give way to one plain name."""
    pieces = NAMED.findall(field)
    joined = b"".join(piece.partition(b"=")[2].strip().strip(b'"') for piece in pieces)
    name = unquote_to_bytes(joined.rpartition(b"''")[2] if b"''" in joined else joined).decode("utf-8", "replace")
    hidden, count = pattern.hide(name)
    if not count:
        return field, 0
    plain = hidden.encode("ascii", "replace").replace(b'"', b"_").replace(b"\\", b"_").replace(b"?", b"_")
    is_file = b"filename" in field.lower()
    return NAMED.sub(b"", field) + b"; " + (b"filename" if is_file else b"name") + b'="' + plain + b'"', count


def without_file(between: bytes) -> bytes:
    """The header of a removed file: its name stays, so that everybody sees what was there."""
    mark = between.rfind(b"\n--")
    start = (between.find(b"\n", mark + 1) + 1) if mark >= 0 else between.find(b"\n") + 1 if between[:2] == b"--" else 0
    before, header = between[:start], between[start:]
    line_end = b"\r\n" if b"\r\n" in between else b"\n"
    lines = [line for line in FIELD.findall(header) if not line.lower().startswith(b"content-")]
    name = file_name(header)
    own = [f"Content-Type: {REMOVED_TYPE}; charset=utf-8".encode(), b"Content-Transfer-Encoding: 8bit"]
    disposition = b"Content-Disposition: attachment" + (b'; filename="' + name + b'.removed.txt"' if name else b"")
    return before + line_end.join([*lines, *own, disposition]) + line_end * 2


def file_name(header: bytes) -> bytes:
    part = build(header + b"\n\n").root
    return part.filename.encode("ascii", "replace").replace(b'"', b"_").replace(b"?", b"_")[:150]

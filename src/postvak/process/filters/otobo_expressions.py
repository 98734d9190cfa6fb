"""Perl's regular expressions as RE2 reads them: the same meaning in other words, or a reason why not.

What RE2 lacks altogether (looking around, back references, possessive repetition) stays as it is: check.py refuses it
and says what to write. Here are the constructs that both know and understand differently. Decision 010.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

WORD = r"\pL\pM\pN_"
SPACE = r"\s\pZ"
OUTSIDE = {
    r"\w": f"[{WORD}]",
    r"\W": f"[^{WORD}]",
    r"\s": f"[{SPACE}]",
    r"\S": f"[^{SPACE}]",
    r"\h": r"[\t\p{Zs}]",
    r"\H": r"[^\t\p{Zs}]",
    r"\v": r"[\n\x0B\f\r]",
    r"\V": r"[^\n\x0B\f\r]",
    r"\R": r"(?:\r\n|[\n\x0B\f\r])",
    r"\N": r"[^\n]",
    r"\Z": r"\n?\z",
    r"\e": r"\x1B",
}
INSIDE = {
    r"\w": WORD,
    r"\s": SPACE,
    r"\h": r"\t\p{Zs}",
    r"\v": r"\n\x0B\f\r",
    r"\b": r"\x08",
    r"\e": r"\x1B",
    "[:alpha:]": r"\pL\pM",
    "[:alnum:]": r"\pL\pM\pN",
    "[:upper:]": r"\pL",  # letter case is ignored, as there
    "[:lower:]": r"\pL",
    "[:space:]": SPACE,
    "[:word:]": WORD,
}
TOKEN = re.compile(
    r"\\[xpPoN]\{[^}]*\}|\\c.|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?\#[^)]*\)|\(\?'[A-Za-z_]\w*'|.", re.DOTALL
)
IN_CLASS = re.compile(r"\[:\^?\w+:\]|\\[xpPoN]\{[^}]*\}|\\c.|\\.|.", re.DOTALL)
BOUNDS = {r"\b", r"\B"}
LINES_FLAG = re.compile(r"\(\?[a-z]*m[a-z]*(?:-[a-z]*)?[:)]")


@dataclass(frozen=True, slots=True)
class Translated:
    """`faults`: why it can't be taken over as it is; `text` is then what comes nearest."""

    text: str
    faults: tuple[str, ...] = ()


def translated(expression: str, *, has_lines: bool) -> Translated:
    """`has_lines`: it looks at a text of several lines, where `$` also fits before the last line end."""
    tokens = [found[0] for found in TOKEN.finditer(expression)]
    dollar = r"\n?$" if has_lines and not LINES_FLAG.search(expression) else "$"
    text = "".join(dollar if part == "$" else outside(part) for part in tokens)
    return Translated(text, tuple(faults(tokens)))


def outside(token: str) -> str:
    if token in OUTSIDE:
        return OUTSIDE[token]
    if token.startswith("["):
        return character_class(token)
    if token.startswith("(?'"):
        return f"(?P<{token[3:-1]}>"
    return "" if token.startswith("(?#") else escape(token)


def character_class(token: str) -> str:
    start = re.match(r"\[\^?\]?", token)
    head = start[0] if start else "["
    return head + "".join(INSIDE.get(part, escape(part)) for part in IN_CLASS.findall(token[len(head) :]))


def escape(token: str) -> str:
    """A backslash before what needs none, and control characters by their letter."""
    if re.fullmatch(r"\\c[@-_a-z]", token):
        return f"\\x{{{ord(token[2].upper()) ^ 64:X}}}"
    if token.startswith(r"\o{"):
        return f"\\x{{{int(token[3:-1], 8):X}}}" if re.fullmatch(r"[0-7]{1,6}", token[3:-1]) else token
    return token[1] if len(token) == 2 and token[0] == "\\" and ord(token[1]) > 127 else token


def faults(tokens: list[str]) -> list[str]:
    """What is understood differently and can't be written in other words."""
    found = []
    classes = [token for token in tokens if token.startswith("[")]
    if {r"\Q", r"\E"} & set(tokens):
        found.append(_(r"\Q and \E mean something else here. Put a backslash before each character instead."))
    if re.search(r"(?<!\\)\{,\d+\}", "".join(tokens)):
        found.append(_("A repetition needs its least number here: write {0,3} instead of {,3}."))
    if re.search(r"\(\?[a-z]*x[a-z]*(?:-[a-z]*)?[:)]", "".join(tokens)):
        found.append(_("Blanks and comments within an expression (?x) don't exist here. Write it without them."))
    if any(r"\W" in token and r"\w" not in token for token in classes):
        found.append(_(r"\W within […] knows only the letters A–Z here. Write [^\pL\pN_] outside of brackets."))
    if any(re.search(r"\\[RNVHZ]|\[:\^(?:al|up|lo|sp|wo)", token) for token in classes):
        found.append(_("A class within […] can't be taken over. Write its characters one by one."))
    if any(ord(token[-1]) > 127 for token in beside_bounds(tokens)):
        found.append(
            _(r"\b knows only the letters A–Z here. Write (^|[^\pL\pN_]) before, or ([^\pL\pN_]|$) after the word.")
        )
    return found


def beside_bounds(tokens: list[str]) -> set[str]:
    r"""What stands next to a \b."""
    pairs = list(zip(tokens, tokens[1:], strict=False))
    return {a for a, b in pairs if b in BOUNDS} | {b for a, b in pairs if a in BOUNDS}


def knows_only_ascii_bounds(expression: str) -> bool:
    """Does it look for the bounds of words that may have letters such as ü?"""
    tokens = [found[0] for found in TOKEN.finditer(expression)]
    has_words = any(r"\w" in token or ord(token[-1]) > 127 for token in tokens)
    return has_words and any(token in BOUNDS for token in tokens)


def has_alternatives_outside_groups(expression: str) -> bool:
    depth = 0
    for found in TOKEN.finditer(expression):
        depth += {"(": 1, ")": -1}.get(found[0][0], 0) if found[0] not in {"\\(", "\\)"} else 0
        if found[0] == "|" and depth == 0:
            return True
    return False

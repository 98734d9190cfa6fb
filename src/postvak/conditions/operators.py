"""How conditions compare. Each operator makes a test of a value once; the test runs for every mail. Spec 03."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import re2
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.conditions.field import FieldKind, bare
from postvak.mail.addresses import ascii_domain

LONGEST = 4000  # characters of an expression
MEMORY = 4 << 20  # bytes that RE2 may use for one expression


class BadValue(ValueError):
    """The value doesn't fit the operator; the text is for people."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a true condition found: its first group, or the address; and named groups."""

    group: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


FOUND = Hit()
Values = tuple[str, ...]
TextTest = Callable[[Values], Hit | None]
RawTest = Callable[[tuple[bytes, ...]], Hit | None]


@dataclass(frozen=True, slots=True)
class Test:
    """`form` says what the test wants: a form of field.in_form, or "raw": UTF-8 bytes."""

    form: str
    text: TextTest | None = None
    raw: RawTest | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    label: str | Promise
    kinds: frozenset[FieldKind]
    make: Callable[[str], Test]
    takes_value: bool = True


def expression(value: str) -> "re2._Regexp[bytes]":
    """Compile for RE2 (linear time), letter case ignored. Raises BadValue with RE2's words and what to write instead."""
    if len(value) > LONGEST:
        raise BadValue(_("The expression is longer than %(limit)s characters.") % {"limit": LONGEST})
    return compiled(value)


@lru_cache(maxsize=4096)
def compiled(value: str) -> "re2._Regexp[bytes]":
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = MEMORY
    options.log_errors = False
    try:
        return re2.compile(value.encode(), options)
    except re2.error as error:
        raise BadValue(explanation(value, error)) from error


LACKS = (
    (re.compile(r"\(\?<?[=!]"), gettext_lazy("looking ahead or behind ((?=…), (?!…), (?<=…)): add a second, negated condition")),
    (re.compile(r"\\[1-9]"), gettext_lazy("references to earlier groups (\\1)")),
    (re.compile(r"[*+?}]\+"), gettext_lazy("possessive repetition (*+): write * instead")),
    (re.compile(r"\(\?[a-z]*x"), gettext_lazy("free spacing ((?x)): write it without blanks and comments")),
    (re.compile(r"\\K"), gettext_lazy("\\K: put what should be found into a group")),
    (re.compile(r"\(\?>"), gettext_lazy("atomic groups ((?>…)): write (?:…) instead")),
    (re.compile(r"\(\?\(|\(\?R|\(\?&|\(\?\d"), gettext_lazy("conditions and recursion in expressions")),
)  # fmt: skip


def explanation(value: str, error: Exception) -> str:
    """Why RE2 refuses: what it lacks on purpose, else its own words."""
    for sign, what in LACKS:
        if sign.search(value):
            return _("This expression can't be used, because expressions here lack %(what)s.") % {"what": what}
    said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
    return _("This is no regular expression: %(said)s.") % {"said": said}


def matches(value: str) -> Test:
    search = expression(value).search

    def test(values: tuple[bytes, ...]) -> Hit | None:
        for raw in values:
            found = search(raw)
            if found is not None:
                return hit_of(found)
        return None

    return Test("raw", raw=test)


def hit_of(found: "re2._Match[bytes]") -> Hit:
    groups = found.groups()
    first = groups[0].decode("utf-8", "replace") if groups and groups[0] is not None else None
    named: Mapping[bytes, bytes | None] = found.groupdict()  # names of an expression in bytes are bytes, too
    return Hit(first, {name.decode(): raw.decode("utf-8", "replace") for name, raw in named.items() if raw is not None})


def folded(compare: Callable[[str, str], bool]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        wanted = value.casefold()

        def test(values: Values) -> Hit | None:
            for v in values:
                if compare(v, wanted):
                    return FOUND
            return None

        return Test("folded", text=test)

    return make


def is_empty(value: str) -> Test:
    return Test("text", text=lambda values: None if any(v.strip() for v in values) else FOUND)


def one_of(value: str) -> Test:
    """Words separated by commas, semicolons or lines."""
    wanted = {word.strip().casefold() for word in re.split(r"[,;\n]", value) if word.strip()}
    if not wanted:
        raise BadValue(_("Give at least one word; separate several by commas."))
    return Test("folded", text=lambda values: FOUND if any(v.strip() in wanted for v in values) else None)


def is_address(value: str) -> Test:
    wanted = {bare(word) for word in re.split(r"[,;\s]+", value) if word}
    if not wanted or not all("@" in word for word in wanted):
        raise BadValue(_("Give a whole e-mail address, such as ann@customer.example."))

    def test(values: Values) -> Hit | None:
        for email in values:
            if email in wanted:
                return Hit(email)
        return None

    return Test("emails", text=test)


def in_domain(value: str) -> Test:
    """Also below it: mail.customer.example is in customer.example."""
    wanted = tuple(ascii_domain(word.lstrip("@.").lower()) for word in re.split(r"[,;\s]+", value) if word.lstrip("@."))
    if not wanted:
        raise BadValue(_("Give a domain, such as customer.example."))
    below = tuple("." + word for word in wanted)

    def test(values: Values) -> Hit | None:
        for email in values:
            domain = email.rpartition("@")[2]
            if domain in wanted or domain.endswith(below):
                return Hit(email)
        return None

    return Test("emails", text=test)


def address_matches(value: str) -> Test:
    """An expression that must fit a bare address from beginning to end; the address is what it finds."""
    expression(value)  # by itself, so that no bracket of it ends ours
    search = expression(f"^(?:{value})$").search

    def test(values: tuple[bytes, ...]) -> Hit | None:
        for raw in values:
            email = bare(raw.decode("utf-8", "replace"))
            found = search(email.encode()) if email else None
            if found is not None:
                return Hit(email, {"email": email, **hit_of(found).names})
        return None

    return Test("raw", raw=test)


def number(compare: Callable[[float, float], bool]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        wanted = as_number(value) if WANTED.fullmatch(value) else None
        if wanted is None:
            raise BadValue(_("Give a number. Sizes may be written as 300 KB or 5 MB."))

        def test(values: Values) -> Hit | None:
            numbers = (as_number(v) for v in values)
            return FOUND if any(n is not None and compare(n, wanted) for n in numbers) else None

        return Test("text", text=test)

    return make


SIZES = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*([kmg]?b?)\b.*", re.IGNORECASE | re.DOTALL)
WANTED = re.compile(r"\s*[+-]?\d+(?:[.,]\d+)?\s*[kmg]?b?\s*", re.IGNORECASE)  # mails may have words behind it


def as_number(value: str) -> float | None:
    """ "5 MB" -> 5242880.0; stars count themselves, as X-Spam-Level writes scores."""
    if value and set(value) == {"*"}:
        return float(len(value))
    found = NUMBER.fullmatch(value.replace(",", "."))
    unit = found.group(2).lower() if found else ""
    unit = unit if unit in SIZES else unit + "b"
    return float(found.group(1)) * SIZES[unit] if found else None


def time_of_day(compare: Callable[[str, str], bool]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        found = re.fullmatch(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*", value)
        if not found:
            raise BadValue(_("Give a time of day such as 17:30."))
        wanted = f"{int(found.group(1)):02}:{found.group(2)}"
        return Test("text", text=lambda values: FOUND if any(v and compare(v, wanted) for v in values) else None)

    return make


def is_yes(value: str) -> Test:
    if value not in {"yes", "no"}:
        raise BadValue(_("Choose yes or no."))
    return Test("text", text=lambda values: FOUND if value in values else None)


WORDS = frozenset({FieldKind.text, FieldKind.address})
TEXTS = WORDS | {FieldKind.choice}

OPERATORS: Mapping[str, Operator] = {
    "contains": Operator(gettext_lazy("contains"), WORDS, folded(lambda v, w: w in v)),
    "equals": Operator(gettext_lazy("is"), TEXTS, folded(lambda v, w: v == w)),
    "starts": Operator(gettext_lazy("begins with"), WORDS, folded(lambda v, w: v.startswith(w))),
    "ends": Operator(gettext_lazy("ends with"), WORDS, folded(lambda v, w: v.endswith(w))),
    "one_of": Operator(gettext_lazy("is one of"), TEXTS, one_of),
    "empty": Operator(gettext_lazy("is empty"), TEXTS, is_empty, takes_value=False),
    "is_address": Operator(gettext_lazy("is the address"), WORDS, is_address),
    "in_domain": Operator(gettext_lazy("is in the domain"), WORDS, in_domain),
    "matches": Operator(gettext_lazy("matches the expression"), TEXTS, matches),
    "address_matches": Operator(gettext_lazy("is an address that matches"), WORDS, address_matches),
    "above": Operator(gettext_lazy("is more than"), frozenset({FieldKind.number, FieldKind.text}), number(lambda v, w: v > w)),
    "below": Operator(gettext_lazy("is less than"), frozenset({FieldKind.number, FieldKind.text}), number(lambda v, w: v < w)),
    "number": Operator(gettext_lazy("is exactly"), frozenset({FieldKind.number}), number(lambda v, w: v == w)),
    "after": Operator(gettext_lazy("is at or after"), frozenset({FieldKind.time}), time_of_day(lambda v, w: v >= w)),
    "before": Operator(gettext_lazy("is before"), frozenset({FieldKind.time}), time_of_day(lambda v, w: v < w)),
    "is": Operator(gettext_lazy("is"), frozenset({FieldKind.switch}), is_yes),
}  # fmt: skip

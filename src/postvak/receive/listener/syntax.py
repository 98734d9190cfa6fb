"""The arguments of MAIL and RCPT (RFC 5321 section 4.1.2), tolerant: `FROM:<ann@example.org> SIZE=1 BODY=8BITMIME`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PATH = re.compile(
    r"""\s* (?: < (?:@[^:<>\s]*:)?  (?P<angle> (?: "(?:[^"\\]|\\.)*" | [^<>"\s] )* ) >  # a source route is ignored
              | (?P<bare>[^<>"\s]+) )
        (?: \s+ (?P<parameters>.*) )? \s*""",
    re.VERBOSE,
)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Path:
    """An address ("" for the null sender) and the parameters after it, names in capitals."""

    address: str
    parameters: Mapping[str, str]


def read_path(argument: str | None, keyword: str) -> Path | None:
    """None: it isn't written as it must be. `keyword` is "FROM:" or "TO:"."""
    text = argument or ""
    if text[: len(keyword)].upper() != keyword or CONTROL.search(text):
        return None
    match = PATH.fullmatch(text[len(keyword) :])
    if match is None:
        return None
    pairs = (word.partition("=") for word in (match["parameters"] or "").split())
    # Bytes that are no UTF-8 come as lone surrogates, which no database takes.
    address = (match["angle"] or match["bare"] or "").encode("utf-8", "replace").decode()
    return Path(address, {name.upper(): value for name, _equals, value in pairs})

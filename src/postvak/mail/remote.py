"""What an HTML mail would fetch from other servers when it is shown: pictures, and pixels that only tell that it was read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from postvak.mail.html import MAX_LENGTH, is_too_deep
from postvak.mail.html_rules import REMOTE

PIXEL = 2  # pictures of at most so many pixels in both directions show nothing
SIZE = re.compile(r"\s*(\d+)(?:\.\d+)?\s*(?:px)?\s*(?:!important)?\s*", re.I)
DECLARED = re.compile(r"(?<![-\w])(max-)?(width|height)\s*:\s*([^;]+)", re.I)
INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$|!)", re.I)


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """`hosts`: the servers of the pictures, in the order of the mail. `pixels`: addresses of pictures that nobody can see,
    `trackers`: their servers."""

    pictures: int
    hosts: tuple[str, ...]
    pixels: frozenset[str]
    trackers: tuple[str, ...]


def remote_content(html: str) -> RemoteContent:
    """Pictures and backgrounds of elements; what style sheets would load is never let through in the first place. What is too
    large or too deep is shown as text and loads nothing."""
    if "//" not in html or len(html) > MAX_LENGTH or is_too_deep(html):
        return RemoteContent(0, (), frozenset(), ())
    pictures = [(url, node) for node in LexborHTMLParser(html).css("img, [background]") if (url := source_of(node))]
    pixels = frozenset(url for url, node in pictures if is_pixel(node))
    visible = [url for url, _node in pictures if url not in pixels]
    hidden = [url for url, _node in pictures if url in pixels]
    return RemoteContent(len(visible), hosts_of(visible), pixels, hosts_of(hidden))


def hosts_of(urls: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host for url in urls if (host := host_of(url))))


def source_of(node: LexborNode) -> str:
    for name in ("src", "srcset", "background"):
        source = (node.attributes.get(name) or "").strip()
        if REMOTE.match(source):
            return source
    return ""


def host_of(url: str) -> str:
    try:
        return (urlsplit(url if ":" in url.partition("//")[0] else f"https:{url}").hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def is_pixel(node: LexborNode) -> bool:
    style = node.attributes.get("style") or ""
    if INVISIBLE.search(style):
        return True
    sizes = {name: number(node.attributes.get(name) or "") for name in ("width", "height")}
    for _most, name, value in DECLARED.findall(style):
        sizes[name.lower()] = number(value)
    return 0 in sizes.values() or all(size is not None and size <= PIXEL for size in sizes.values())


def number(text: str) -> int | None:
    found = SIZE.fullmatch(text)
    return int(found[1]) if found else None

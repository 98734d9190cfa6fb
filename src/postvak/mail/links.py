"""What the HTML of a mail would fetch, what it shows of the mail itself, and links that pretend. Never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from postvak.mail.charsets import storable
from postvak.mail.html import MAX_LENGTH, is_too_deep
from postvak.mail.html_rules import REMOTE

FETCHING = {
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "iframe": ("src",),
    "embed": ("src",),
    "script": ("src",),
    "input": ("src",),
    "object": ("data",),
    "link": ("href",),
}
FETCHERS = ",".join(FETCHING) + ",[background]"
STYLED = ",[style],style"
STYLE_URL = re.compile(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]{1,2000})", re.I)
ANY_URL = re.compile(r"(?:src|background|href)\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]{1,2000})", re.I)
TINY = re.compile(r"\s*[01](?:px)?\s*", re.I)
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(?:width|height)\s*:\s*[01]px", re.I)
SHOWN_ADDRESS = re.compile(
    r"(?:(?:https?://|www\.)[^\s]{1,500}|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,5}[a-z]{2,24}(?:[/?#][^\s]{0,500})?"
    r"|[^\s@<>]{1,64}@[a-z0-9.-]{3,200})",
    re.I,
)
MAX_FOUND = 500
MAX_SHOWN = 600


@dataclass
class Findings:
    """Remote addresses, each once; those of them that only tell the sender that the mail was read; Content-IDs
    of shown parts; links as (shown, target) that lead elsewhere than they say."""

    remote: list[str] = field(default_factory=list)
    tracking: list[str] = field(default_factory=list)
    content_ids: list[str] = field(default_factory=list)
    misleading: list[tuple[str, str]] = field(default_factory=list)


def examine(html: str) -> Findings:
    """Look through HTML as it came (not sanitised); at most 500 of each."""
    found = Findings()
    if len(html) > MAX_LENGTH or is_too_deep(html):
        found.remote = _limited(ANY_URL.findall(html[: 2 * MAX_LENGTH]))
        return found
    page = LexborHTMLParser(html)
    for node in page.css(FETCHERS + STYLED if _has_style_url(html.lower()) else FETCHERS):
        _look_at(node, found)
    for node in page.css("a[href]"):
        shown = node.text().strip()
        if "." in shown and len(shown) <= MAX_SHOWN and " " not in shown:
            _look_at_link(shown, node, found)
    found.remote, found.tracking = _limited(found.remote), _limited(found.tracking)
    found.content_ids = _limited(found.content_ids)
    return found


def _has_style_url(lower: str) -> bool:
    return "url(" in lower or "@import" in lower


def _limited(found: list[str]) -> list[str]:
    return list(dict.fromkeys(map(storable, found)))[:MAX_FOUND]


def _look_at(node: LexborNode, found: Findings) -> None:
    tag, attributes = node.tag or "", node.attributes
    names = (*FETCHING.get(tag, ()), "background")
    addresses = [(attributes.get(name) or "").strip() for name in names]
    if tag == "style":
        addresses += STYLE_URL.findall(node.text()[:MAX_LENGTH])
    addresses += STYLE_URL.findall(attributes.get("style") or "")
    for address in filter(None, addresses):
        if address[:4].lower() == "cid:":
            found.content_ids.append(unquote(address[4:]).strip("<> "))
        elif REMOTE.match(address):
            found.remote.append(address)
            if tag == "img" and _is_invisible(attributes):
                found.tracking.append(address)


def _is_invisible(attributes: dict[str, str | None]) -> bool:
    sizes = [attributes.get(name) for name in ("width", "height")]
    tiny = any(TINY.fullmatch(size) for size in sizes if size)
    return tiny or bool(HIDDEN.search(attributes.get("style") or ""))


def _look_at_link(shown: str, node: LexborNode, found: Findings) -> None:
    target = (node.attributes.get("href") or "").strip()
    if len(found.misleading) < MAX_FOUND and SHOWN_ADDRESS.fullmatch(shown) and _leads_elsewhere(shown, target):
        found.misleading.append((storable(shown), storable(target)))


def _leads_elsewhere(shown: str, target: str) -> bool:
    """Another host, neither a part of the other."""
    there, here = _host(target), _host(shown)
    if not here or not there:
        return False
    return not (here == there or here.endswith(f".{there}") or there.endswith(f".{here}"))


def _host(address: str) -> str:
    if address[:7].lower() == "mailto:" or ("@" in address and "/" not in address):
        return address.partition("?")[0].rpartition("@")[2].lower()
    try:
        host = urlsplit(address if "://" in address else f"https://{address}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.").rstrip(".")

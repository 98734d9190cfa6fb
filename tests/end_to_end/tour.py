"""A tour of all pages that somebody can open: one address per page of the URL configuration, found by following links.

Addresses without parameters are asked outright; of the others the first one that a page links to. Fragments, downloads
and addresses that only take what is posted are left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, URLPattern, resolve
from playwright.sync_api import BrowserContext

from postvak.urls_with_api import urlpatterns

LEAVES = {
    "logout",
    "language",
    "setup",
    "setup_hint",
    "health",
    "live",
}  # these end the tour, change what it sees, or never end
FOREIGN = {"body"}  # a customer's mail in its frame
HREF = re.compile(r'<a\b[^>]*\bhref="([^"#]+)')
LISTS = ("open", "closed", "spam", "trash")  # the others look like these


@dataclass(frozen=True, slots=True)
class Stop:
    name: str
    path: str


def tour(context: BrowserContext, base: str, first: Mapping[str, str]) -> list[Stop]:
    """All pages by the name of their pattern; of those in `first` this path."""
    found: dict[str, Stop] = {}
    asked: set[str] = set()
    todo = [*first.values(), "/", *plain_addresses()]
    while todo:
        path = todo.pop(0)
        name = name_of(path)
        if name is None or name in found or path in asked:
            continue
        asked.add(path)
        html = page_at(context, base + path)
        if html:
            found[name] = Stop(name, path)
            todo += links(html, path)
    return sorted(found.values(), key=lambda stop: stop.path)


def plain_addresses() -> Iterator[str]:
    for pattern in urlpatterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLPattern) and "<" not in route:
            yield f"/{route}"


def name_of(path: str) -> str | None:
    """None: not on the tour."""
    try:
        match = resolve(urlsplit(path).path)
    except Resolver404:
        return None
    if match.url_name in LEAVES | FOREIGN:
        return None
    list_id = match.kwargs.get("list_id")
    if list_id:
        kind = list_id.partition("-")[0]
        return f"list-{kind}" if kind in {*LISTS, "queue", "view"} else "list"
    return match.url_name


def page_at(context: BrowserContext, url: str) -> str:
    """ "" unless it is a whole page."""
    answer = context.request.get(url, max_redirects=0)
    is_page = answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html")
    html = answer.text() if is_page else ""
    return html if "<html" in html else ""


def links(html: str, path: str) -> Iterator[str]:
    for href in HREF.findall(html):
        parts = urlsplit(urljoin(path, unescape(href)))
        if not parts.netloc:
            yield parts.path + (f"?{parts.query}" if parts.query else "")

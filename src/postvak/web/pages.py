"""The Jinja2 environment of all pages, and `render`. Formats of dates and sizes are in web.formats."""

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, npgettext, pgettext
from jinja2 import Environment
from markupsafe import Markup

from postvak.jobs.said import said_by
from postvak.tickets.access import NOTHING, May, may_on, may_somewhere
from postvak.tickets.queue_tree import parts_of, path_of
from postvak.web import due, formats
from postvak.web.absence_words import absence
from postvak.web.desk.mention_chips import chips
from postvak.web.desk.navigation import navigation
from postvak.web.flash import take_messages
from postvak.web.frame import frame_of
from postvak.web.manual_pages import manual_url
from postvak.web.shelf import address_of

CAMEL = re.compile(r"[a-z]+[A-Z]")


def is_demo() -> bool:
    """`postvak demo` filled this installation: its mails go no further than to web.demo."""
    return bool(settings.CONFIGURATION.demo.is_dir())


def environment(**options: Any) -> Environment:
    """What templates can call; README.md beside the templates lists it for page authors."""
    options["extensions"] = sorted({*options.get("extensions", ()), "jinja2.ext.i18n", "jinja2.ext.do"})
    options |= {"trim_blocks": True, "lstrip_blocks": True}
    env = Environment(**{**options, "autoescape": True})  # noqa: S701 - it is on, but not where ruff looks
    env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    env.globals.update(
        url=url,
        static=address_of,
        icon=icon,
        mark=mark,
        languages=settings.LANGUAGES,
        language=get_language,
        due_clock_of=due.due_clock,
        service_level=due.service_level,
        is_demo=is_demo,
        manual_url=manual_url,
    )
    env.filters.update(
        ago=formats.ago,
        since=formats.since,
        left=formats.left,
        when=formats.when,
        weekday_date=formats.weekday_date,
        on_clock=formats.on_clock,
        size=formats.size,
        number=formats.number,
        duration=formats.duration,
        initials=formats.initials,
        capitalize_first=capitalize_first,
        absence=absence,
        mentions=chips,
        job_said=said_by,
        queue_parts=parts_of,
        queue_path=path_of,
    )
    return env


def capitalize_first(text: str) -> str:
    """A name with a large letter inside, such as osTicket, stays as it is written."""
    return text if CAMEL.match(str(text)) else capfirst(text)


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page or a fragment. `agent`, and computed only when used: `nav`, `messages`, `frame`, and of it `unread` (notices)
    and `alarms`; `may`: what the agent may do in the queue of the page's `ticket`, on other pages in any queue. A view that
    has a frame already gives it in its context."""
    agent = request.user if request.user.is_authenticated else None
    given = context or {}
    frame = given.get("frame") or SimpleLazyObject(lambda: frame_of(agent)) if agent else None
    everywhere = {
        "agent": agent,
        "nav": SimpleLazyObject(lambda: navigation(request)),
        "messages": SimpleLazyObject(lambda: take_messages(request)),
        "frame": frame,
        "may": SimpleLazyObject(lambda: may_here(agent, given.get("ticket"))) if agent else NOTHING,
        "unread": SimpleLazyObject(lambda: frame.unread) if frame is not None else None,
        "alarms": SimpleLazyObject(lambda: frame.alarms(timezone.now())) if frame is not None else (),
    }
    return HttpResponse(render_to_string(template, {**everywhere, **given}, request), status=status)


def may_here(agent: Any, ticket: Any) -> May:
    return may_on(ticket, agent) if ticket else may_somewhere(agent)


def url(name: str, *args: object, **kwargs: object) -> str:
    return reverse(name, args=args or None, kwargs=kwargs or None)


def icon(name: str) -> Markup:
    """A line icon of icons.svg; the word beside it (or a title on the button) says what it means."""
    return icon_of(address_of("icons.svg"), name)


@cache
def icon_of(sheet: str, name: str) -> Markup:
    """Lists show hundreds of them."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(sheet, name)


def mark(status: str, label: object = "") -> Markup:
    """The shape and colour of a ticket status, with its word for those who don't see it (none where it stands beside)."""
    return mark_of(address_of("icons.svg"), status, str(label))


@cache
def mark_of(sheet: str, status: str, label: str) -> Markup:
    if not label:
        return Markup('<svg class="mark" data-st="{0}" aria-hidden="true"><use href="{1}#m-{0}"/></svg>').format(
            status, sheet
        )
    return Markup(
        '<svg class="mark" data-st="{0}" role="img" aria-label="{1}"><title>{1}</title><use href="{2}#m-{0}"/></svg>'
    ).format(status, label, sheet)

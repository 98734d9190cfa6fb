"""The audit: who did what in the administration, newest first; filters, and all that they show as CSV. Spec 07."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.log.audit import exported
from postvak.models import Agent, AuditEntry
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.audit_words import KINDS, LONG, changes_in_words, kind_words, origin_words, page_of
from postvak.web.desk.outbox_rows import as_key
from postvak.web.desk.reports import Echo, harmless
from postvak.web.session import asking

PAGE = 50
COMMAND, NOBODY = "command", "nobody"
TONES = {"deleted": "alert", "login_refused": "warn", "created": "good"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for. `who`: key of an agent, "command" or "nobody" (refused log-ins)."""

    who: str = ""
    action: str = ""
    kind: str = ""
    key: int = 0
    first: date | None = None
    last: date | None = None
    text: str = ""

    @property
    def query(self) -> str:
        """As it stands in the address, without the place in the list."""
        given = {
            "who": self.who, "action": self.action, "kind": self.kind, "key": self.key or "", "first": self.first or "",
            "last": self.last or "", "q": self.text,
        }  # fmt: skip
        return urlencode({name: value for name, value in given.items() if value})


def wanted(request: HttpRequest) -> Wanted:
    get = request.GET
    action, kind = get.get("action", ""), get.get("kind", "")
    return Wanted(
        who=get.get("who", "")[:20],
        action=action if action in AuditEntry.Action.values else "",
        kind=kind if kind in KINDS else "",
        key=as_key(get.get("key", "")),
        first=day(get.get("first", "")),
        last=day(get.get("last", "")),
        text=get.get("q", "").replace("\0", "").strip()[:200],
    )


def day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def rows_of(wish: Wanted) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.order_by("-pk")
    for name in ("action", "kind", "key"):
        if value := getattr(wish, name):
            rows = rows.filter(**{name: value})
    if wish.first:
        rows = rows.filter(at__gte=midnight(wish.first))
    if wish.last:
        rows = rows.filter(at__lt=midnight(wish.last + timedelta(days=1)))
    if wish.text:
        text = wish.text
        rows = rows.filter(Q(name__icontains=text) | Q(who__icontains=text) | Q(remote_ip__startswith=text))
    return by(rows, wish.who)


def by(rows: QuerySet[AuditEntry], who: str) -> QuerySet[AuditEntry]:
    if who == COMMAND:
        return rows.filter(origin=AuditEntry.Origin.COMMAND)
    if who == NOBODY:
        return rows.filter(agent=None, who="").exclude(origin=AuditEntry.Origin.COMMAND)
    return rows.filter(agent=as_key(who)) if as_key(who) else rows


def midnight(on: date) -> datetime:
    return timezone.make_aware(datetime.combine(on, time.min))  # noqa: DTZ001 - make_aware gives it the reader's zone


@require_GET
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """`before`: key of the last entry of the page above."""
    wish, before = wanted(request), as_key(request.GET.get("before", ""))
    rows = rows_of(wish)
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    context = {
        "lines": [line_of(entry) for entry in found[:PAGE]],
        "older": found[PAGE - 1].pk if len(found) > PAGE else 0,
        "is_first": not before,
        "wish": wish,
        "subject": subject_of(wish),
        "people": Agent.objects.order_by("name").only("name"),
        "actions": AuditEntry.Action.choices,
        "kinds": sorted(((kind, kind_words(kind)) for kind in KINDS), key=lambda pair: pair[1].casefold()),
        "long": LONG,
    }
    return admin_page(request, "audit.html", "audit", context)


def line_of(entry: AuditEntry) -> dict[str, object]:
    return {
        "entry": entry,
        "who": origin_words(entry),
        "kind": kind_words(entry.kind),
        "href": page_of(entry),
        "tone": TONES.get(entry.action, ""),
        "changes": list(changes_in_words(entry)),
    }


def subject_of(wish: Wanted) -> str:
    """The name of the one thing that is asked for."""
    if not wish.kind or not wish.key:
        return ""
    newest = AuditEntry.objects.filter(kind=wish.kind, key=wish.key).order_by("-pk").first()
    return newest.name if newest else ""


@require_GET
@admin_only
def table(request: HttpRequest) -> StreamingHttpResponse:
    """What the filters show, as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets see it). It is an export, too."""
    wish = wanted(request)
    exported(asking(request), "audit", wish.query)
    name = f"postvak-audit-{timezone.localdate()}.csv"
    language = translation.get_language() or "en"
    return StreamingHttpResponse(
        written(rows_of(wish), language),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def written(rows: QuerySet[AuditEntry], language: str) -> Iterator[str]:
    """One line per changed field; times in UTC."""
    writer = csv.writer(Echo())
    with translation.override(language):
        heads = (_("Time (UTC)"), _("Who"), _("Door"), _("IP address"), _("Action"), _("Kind"), _("Key"), _("Name"), _("Field"), _("Before"), _("After"))  # fmt: skip
        yield "\ufeff" + writer.writerow(heads)
        for entry in rows.iterator(chunk_size=500):
            first = (
                f"{entry.at:%Y-%m-%d %H:%M:%S}", origin_words(entry), entry.get_origin_display(), entry.remote_ip,
                entry.get_action_display(), kind_words(entry.kind), entry.key or "", entry.name,
            )  # fmt: skip
            for change in list(changes_in_words(entry)) or [("", "", "")]:
                yield writer.writerow([harmless(str(cell)) for cell in (*first, *change)])

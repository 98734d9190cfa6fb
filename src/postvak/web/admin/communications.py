"""The communication log: every talk with a mail server, and how the accounts are. Spec 07. One talk: communication_page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from postvak.log.talk_search import communications_with
from postvak.models import Channel, Communication, Mailbox
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.communication_figures import figures_of
from postvak.web.admin.communication_rows import COLUMNS, MOST_PAGES, PERIODS, Wanted, page_of
from postvak.web.admin.communication_words import STATES, length_of, spoken, start_of
from postvak.web.pages import render
from postvak.web.session import is_htmx

LOOK = 15  # seconds between two looks at the first page of the table


@require_GET
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """The numbers of a long time, or of many, come behind the table, or at once with `numbers` in the address. htmx asks for the table alone,
    again and again while its first page is seen."""
    wanted = Wanted.of(request.GET)
    if is_htmx(request):
        return render(request, "admin/_communication_table.html", table_of(wanted))
    table = table_of(wanted)
    is_later = (wanted.is_long or table["page"].is_cut) and "numbers" not in request.GET
    context = {
        **({} if is_later else figures_of(wanted)),
        **table,
        "is_later": is_later,
        "is_live": wanted.page == 1 and not wanted.text,
        "look": LOOK,
        "states": Communication.State.choices,
        "periods": [*((key, label) for key, (label, _span) in PERIODS.items()), ("own", _("own"))],
        "directions": Communication.Direction.choices,
        "accounts": account_names(wanted),
        "is_empty": not Communication.objects.exists(),
    }
    return admin_page(request, "communications.html", "communications", context)


def table_of(wanted: Wanted) -> dict[str, Any]:
    hits = communications_with(wanted.text, spoken())
    return {
        "wanted": wanted,
        "marks": STATES,
        "page": page_of(wanted, hits),
        "hits": hits,
        "last_page": MOST_PAGES,
        "columns": columns(),
        "start_of": start_of,
        "length_of": length_of,
    }


@require_GET
@admin_only
def figures(request: HttpRequest) -> HttpResponse:
    """The numbers again, for a page that is being looked at."""
    return render(request, "admin/_communication_figures.html", figures_of(Wanted.of(request.GET)))


def columns() -> list[tuple[str, str]]:
    names = (
        _("State"),
        _("Direction"),
        _("Transport"),
        _("Account"),
        pgettext("time", "Start"),
        pgettext("time", "End"),
        _("Duration"),
        _("Mails"),
    )
    return list(zip(COLUMNS, names, strict=True))


def account_names(wanted: Wanted) -> list[str]:
    """To choose from; one that was renamed or is gone stays while it is chosen."""
    names = {*Mailbox.objects.values_list("name", flat=True), *Channel.objects.values_list("name", flat=True)}
    return sorted(names | {wanted.account} - {""}, key=str.casefold)

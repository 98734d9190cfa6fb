"""Who changed which filter when, in words, and the way back."""

from django.core.paginator import Paginator
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.conditions.condition import Malformed
from postvak.log.audit import recording
from postvak.models import Filter, FilterVersion, Mailbox
from postvak.process.filters.store import undo
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.filters_choices import load_lists
from postvak.web.admin.filters_words import changes_in_words
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

PER_PAGE = 50


@require_GET
@admin_only
def history(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Of one filter, or of all, also of those that were deleted."""
    row = get_object_or_404(Filter, pk=pk) if pk else None
    versions = FilterVersion.objects.select_related("agent", "filter")
    page = Paginator(versions.filter(filter=row) if row else versions, PER_PAGE).get_page(request.GET.get("page"))
    lists = load_lists()
    lines = [
        {
            "version": version,
            "name": name_of(version),
            "kind": "made" if version.before is None else "deleted" if version.after is None else "changed",
            "changes": changes_in_words(version.before, version.after, lists),
        }
        for version in page
    ]
    return admin_page(request, "filter_history.html", "filters", {"row": row, "page": page, "lines": lines})


def name_of(version: FilterVersion) -> str:
    """As it was called at that time."""
    kept = version.after or version.before
    return str(kept.get("name", "")) if isinstance(kept, dict) else ""


@require_POST
@admin_only
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the filter what it was before this change; that is a change, too, with a way back of its own."""
    version = get_object_or_404(FilterVersion.objects.select_related("filter"), pk=pk)
    name = name_of(version)
    try:
        with recording(asking(request), *([version.filter] if version.filter else [])) as made:
            row = undo(version, by=agent_of(request))
            made += [row] if row else []
    except IntegrityError:
        say(request, _("Another filter is called “%(name)s” now. Rename it first.") % {"name": name}, tone="alert")
    except Mailbox.DoesNotExist:
        say(request, _("A mailbox that “%(name)s” was for is gone.") % {"name": name}, tone="alert")
    except Malformed:
        say(request, _("What “%(name)s” was can't be read any more.") % {"name": name}, tone="alert")
    else:
        text = _("“%(name)s” is again what it was.") if row else _("“%(name)s” is deleted: it didn't exist before.")
        say(request, text % {"name": row.name if row else name})
    return redirect("admin_filters")

"""Administration of tags: two that mean the same can be merged."""

from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Tag, Tagging
from postvak.tickets.vocabulary import merge_tags
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.vocabulary import TagForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, counted, listed
from postvak.web.flash import say
from postvak.web.session import asking

COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "tickets": Column(gettext_lazy("Tickets"), "tickets_count"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Tag.objects.annotate(tickets_count=counted(Tagging, "tag")).order_by(Lower("name"))
    return admin_page(request, "tags.html", "tags", {"list": listed(request, rows, ("name",), COLUMNS, valid=None)})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    tag = get_object_or_404(Tag, pk=pk) if pk else None
    form = TagForm(request.POST or None, instance=tag)
    if request.method == "POST" and form.is_valid():
        say(request, _("The tag “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_tags")
    others = Tag.objects.exclude(pk=tag.pk) if tag else Tag.objects.none()
    context = {"form": form, "tag": tag, "others": others, "count": tag.taggings.count() if tag else 0}
    return admin_page(request, "tag.html", "tags", context)


@require_POST
@admin_only
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    tag = get_object_or_404(Tag, pk=pk)
    wanted = request.POST.get("into", "")
    into = Tag.objects.filter(pk=wanted).exclude(pk=pk).first() if wanted.isdecimal() else None
    if into is None:
        say(request, _("Choose the tag that stays."), tone="alert")
        return redirect("admin_tag", pk)
    with recording(asking(request), tag):
        count = merge_tags(tag, into=into)
    text = ngettext(
        "“%(name)s” is now “%(into)s” on %(num)s ticket.", "“%(name)s” is now “%(into)s” on %(num)s tickets.", count
    )
    say(request, text % {"name": tag.name, "into": into.name, "num": count})
    return redirect("admin_tags")


delete = deletion_of(Tag, page="admin_tag", listing="admin_tags")

"""Web hooks: which programs are told what, their secrets, and the log of what was posted to them."""

import json

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Webhook, WebhookDelivery
from postvak.tickets.hooks import deliver
from postvak.tickets.hooks.events import NAMES
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.webhooks import WebhookForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import PER_PAGE, Column, counted, listed
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

State = WebhookDelivery.State
COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "url": Column(gettext_lazy("Address"), "url"),
    "state": Column(gettext_lazy("State"), "failing_since"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    waiting = counted(WebhookDelivery, "webhook", state=State.PENDING)
    hooks = Webhook.objects.annotate(waiting=waiting).order_by("-is_valid", "name")
    found = listed(request, hooks, ("name", "url"), COLUMNS)
    return admin_page(request, "webhooks.html", "webhooks", {"list": found, "names": NAMES})


@never_cache
@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new one gets a secret, which the next page shows once."""
    hook = get_object_or_404(Webhook, pk=pk) if pk else Webhook(created_at=timezone.now())
    form = WebhookForm(request.POST or None, instance=hook)
    if request.method == "POST" and form.is_valid():
        if pk:
            say(request, _("The web hook “%(name)s” is saved.") % {"name": save(request, form)})
            return redirect("admin_webhook", pk)
        return with_new_secret(request, form.instance, form)
    waiting = hook.deliveries.filter(state=State.PENDING).count() if pk else 0
    context = {"form": form, "hook": hook if pk else None, "waiting": waiting}
    return admin_page(request, "webhook.html", "webhooks", context)


@require_POST
@never_cache
@admin_only
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """The old one signs nothing any more."""
    return with_new_secret(request, get_object_or_404(Webhook, pk=pk))


def with_new_secret(request: HttpRequest, hook: Webhook, form: WebhookForm | None = None) -> HttpResponse:
    """The only page that ever shows it."""
    made = deliver.new_secret()
    hook.secret = made
    if form is not None:
        save(request, form)
    else:
        with recording(asking(request), hook):
            hook.save(update_fields=["sealed_secret"])
    return admin_page(request, "webhook_secret.html", "webhooks", {"hook": hook, "secret": made})


@require_POST
@admin_only
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Post something that means nothing, at once."""
    hook = get_object_or_404(Webhook, pk=pk)
    delivery = deliver.test(hook, agent_of(request))
    if delivery.state == State.DELIVERED:
        say(request, _("The other side took the test: it answered %(status)s.") % {"status": delivery.status})
    else:
        answer = f"{delivery.status or ''} {delivery.said}".strip()
        say(request, _("The other side did not take the test: %(answer)s") % {"answer": answer}, tone="alert")
    return redirect("admin_webhook_log", pk)


@admin_only
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """What was posted and what still waits, the newest first."""
    hook = get_object_or_404(Webhook, pk=pk)
    wanted = request.GET.get("state", "")
    found = hook.deliveries.select_related("ticket").order_by("-pk")
    counts = dict(hook.deliveries.order_by().values_list("state").annotate(count=Count("pk")))
    if wanted in State.values:
        found = found.filter(state=wanted)
    rows = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    states = [(value, label, counts.get(value, 0)) for value, label in State.choices]
    context = {"hook": hook, "rows": rows, "states": states, "wanted": wanted, "names": NAMES}
    return admin_page(request, "webhook_log.html", "webhooks", context)


@admin_only
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them, with what was posted and the answer."""
    row = get_object_or_404(WebhookDelivery.objects.select_related("webhook", "ticket"), pk=pk)
    pretty = json.dumps(json.loads(row.body), ensure_ascii=False, indent=2)
    return admin_page(request, "webhook_delivery.html", "webhooks", {"row": row, "names": NAMES, "pretty": pretty})


@require_POST
@admin_only
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """One, or with "all" every one of its web hook that failed."""
    row = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=pk)
    rows = row.webhook.deliveries.filter(state=State.FAILED) if "all" in request.POST else [row]
    count = deliver.again(list(rows))
    say(request, ngettext("%(num)s event is sent again.", "%(num)s events are sent again.", count) % {"num": count})
    return redirect("admin_webhook_log", row.webhook_id)


@require_POST
@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    hook = get_object_or_404(Webhook, pk=pk)
    with recording(asking(request), hook):
        hook.delete()
    say(request, _("“%(name)s” is deleted.") % {"name": hook.name})
    return redirect("admin_webhooks")

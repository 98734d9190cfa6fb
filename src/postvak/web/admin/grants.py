"""Administration of connected accounts (OAuth 2): registration, "Sign in", the way back, health.

The page opens nothing sealed, so it works with a broken grant, too. State and verifier of a sign-in wait in the
agent's session, are used once, and not after `SIGN_IN_SECONDS`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time
from typing import Any

from django.conf import settings
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from postvak.connect import disconnect, sign_in
from postvak.connect.set_up import set_up
from postvak.crypto.sealing import CannotOpen
from postvak.log.audit import recording, snapshot, stored, write_difference
from postvak.log.grants import remedy_for
from postvak.models import Address, Channel, Grant, Mailbox, Queue
from postvak.net.connection import ConnectionProblem
from postvak.net.oauth import Refusal
from postvak.net.oauth_providers import OAUTH_PROVIDERS
from postvak.send.pace import wake
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.grants import ConnectForm, GrantForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import asking

PENDING = "sign_in"  # in the session
SIGN_IN_SECONDS = 30 * 60
COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "provider": Column(gettext_lazy("Provider"), "provider"),
    "account": Column(gettext_lazy("Account"), "account"),
    "state": Column(gettext_lazy("State"), "failing_since"),
    "renewed": Column(gettext_lazy("Last renewed"), "refreshed_at"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Grant.objects.order_by("name", "pk")
    found = listed(request, rows, ("name", "account", "provider"), COLUMNS, valid=None)
    return admin_page(request, "grants.html", "grants", {"list": found})


@sensitive_post_parameters("client_secret")
@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    grant = get_object_or_404(Grant, pk=pk) if pk else None
    name = grant.name if grant else _("New connected account")
    form = GrantForm(request.POST or None, instance=grant)
    if request.method == "POST" and form.is_valid():
        saved = save(request, form)
        say(request, _("The connected account %(name)s is saved.") % {"name": saved.name})
        return redirect("admin_grant", saved.pk)
    return admin_page(
        request, "grant.html", "grants", {"form": form, "grant": grant, "name": name, **about(request, grant)}
    )


def about(request: HttpRequest, grant: Grant | None) -> dict[str, Any]:
    """What the page shows beside the form."""
    return {
        "connect_form": ConnectForm(initial={"sets_up": bool(grant and not grant.is_connected)}),
        "redirect_address": redirect_address(request),
        "remedy": remedy_for(grant.last_said) if grant and grant.failing_since else "",
        "registrations": {name: provider.registrations for name, provider in OAUTH_PROVIDERS.items()},
        "users": users_of(grant) if grant else [],
    }


def users_of(grant: Grant) -> list[tuple[str, str]]:
    """(name, address of the page) of what logs in with it."""
    return [
        (row.name, reverse("admin_mailbox" if isinstance(row, Mailbox) else "admin_channel", args=[row.pk]))
        for row in disconnect.users_of(grant)
    ]


def redirect_address(request: HttpRequest) -> str:
    """As it has to stand in the registration; under the public address, if there is one."""
    path = reverse("admin_grant_callback")
    return settings.CONFIGURATION.url + path if settings.CONFIGURATION.url else request.build_absolute_uri(path)


@require_POST
@admin_only
def connect(request: HttpRequest, pk: int) -> HttpResponse:
    """ "Sign in" and "Connect again": off to the provider, or with the application's own secret."""
    grant = get_object_or_404(Grant, pk=pk)
    wish = ConnectForm(request.POST)
    queue = wish.cleaned_data["queue"] if wish.is_valid() and wish.cleaned_data["sets_up"] else None
    if grant.flow == Grant.Flow.CLIENT:
        return connect_application(request, grant, queue)
    address = redirect_address(request)
    start = sign_in.begin(grant, address)
    request.session[PENDING] = {
        "state": start.state,
        "verifier": start.verifier,
        "grant": grant.pk,
        "redirect": address,
        "queue": queue.pk if queue else None,
        "at": time(),
    }
    # No 302: browsers apply our form-action rule to the whole chain of redirects that a form starts.
    answer = render(request, "admin/grant_leave.html", {"grant": grant, "address": start.url})
    answer.headers["Refresh"] = f"0; url={start.url}"
    return answer


def connect_application(request: HttpRequest, grant: Grant, queue: Queue | None) -> HttpResponse:
    try:
        with followed(request, grant):
            refusal = sign_in.connect_application(grant)
    except CannotOpen as error:
        return not_connected(request, grant, str(error))
    return finished(request, grant, refusal, queue)


@never_cache
@sensitive_variables("pending", "code")
@admin_only
def callback(request: HttpRequest) -> HttpResponse:
    """The provider sent the browser back: with a code, or with an error (RFC 6749 section 4.1.2)."""
    pending: dict[str, Any] = request.session.pop(PENDING, None) or {}
    grant = Grant.objects.filter(pk=pending.get("grant", 0)).first()
    expected = constant_time_compare(request.GET.get("state", ""), pending.get("state", ""))
    if grant is None or not expected or time() - pending["at"] > SIGN_IN_SECONDS:
        say(request, _("This sign-in is not the one that was started here, or too old. Start it again."), tone="alert")
        return redirect("admin_grant", grant.pk) if grant else redirect("admin_grants")
    code = request.GET.get("code", "")
    if not code:
        return finished(request, grant, sign_in.keep(grant, told_by(request)), None)
    try:
        with followed(request, grant):
            refusal = sign_in.finish(grant, code, pending["verifier"], pending["redirect"])
    except CannotOpen as error:
        return not_connected(request, grant, str(error))
    return finished(request, grant, refusal, Queue.objects.filter(pk=pending["queue"]).first())


def told_by(request: HttpRequest) -> Refusal:
    """The provider's words, which came through the browser."""
    code, text = (request.GET.get(name, "")[:900] for name in ("error", "error_description"))
    return Refusal(code or "nonsense", f"{code}: {text}" if text else code or "the provider sent no code")


def finished(request: HttpRequest, grant: Grant, refusal: Refusal | None, queue: Queue | None) -> HttpResponse:
    if refusal is not None:
        return not_connected(request, grant, refusal.said)
    grant.refresh_from_db()
    try_everything(grant)
    say(request, _("%(name)s is connected as %(account)s.") % {"name": grant.name, "account": grant.account or "?"})
    if grant.flow == Grant.Flow.CODE and not grant.sealed_refresh_token:
        say(request, remedy_for("no_refresh_token"), tone="warn")
    if queue is None:
        return redirect("admin_grant", grant.pk)
    return everything_set_up(request, grant, queue)


def not_connected(request: HttpRequest, grant: Grant, said: str) -> HttpResponse:
    say(request, _("%(name)s is not connected: %(said)s") % {"name": grant.name, "said": said[:300]}, tone="alert")
    return redirect("admin_grant", grant.pk)


@require_POST
@admin_only
def disconnection(request: HttpRequest, pk: int) -> HttpResponse:
    grant = get_object_or_404(Grant, pk=pk)
    done = _("%(name)s is disconnected: its tokens are deleted here.") % {"name": grant.name}
    return given_up(request, grant, disconnect.disconnect, done)


@require_POST
@admin_only
def deletion(request: HttpRequest, pk: int) -> HttpResponse:
    grant = get_object_or_404(Grant, pk=pk)
    return given_up(request, grant, disconnect.remove, _("%(name)s is deleted.") % {"name": grant.name})


def given_up(request: HttpRequest, grant: Grant, give_up: Callable[[Grant], None], done: str) -> HttpResponse:
    """Back to the page, which says what still uses it, or to the list once it is gone."""
    try:
        with followed(request, grant):
            give_up(grant)
    except disconnect.InUse as error:
        said = _("Not possible: %(names)s still log in with %(name)s. Choose another way of logging in there first.")
        say(request, said % {"names": error, "name": grant.name}, tone="alert")
    except ConnectionProblem:
        say(request, _("%(name)s is just being renewed. Try again in a minute.") % {"name": grant.name}, tone="warn")
    else:
        say(request, done)
    still_there = Grant.objects.filter(pk=grant.pk).exists()
    return redirect("admin_grant", grant.pk) if still_there else redirect("admin_grants")


@contextmanager
def followed(request: HttpRequest, grant: Grant) -> Iterator[None]:
    """For what talks with the provider, in no transaction: what changed is written afterwards."""
    key, before = grant.pk, snapshot(stored(grant, grant.pk))
    yield
    write_difference(asking(request), grant, key, before)


def others_of(grant: Grant) -> list[Model]:
    """What is set up for the account of a grant, or was there already."""
    return [
        *Mailbox.objects.filter(Q(grant=grant) | Q(username__iexact=grant.account)),
        *Channel.objects.filter(Q(grant=grant) | Q(username__iexact=grant.account)),
        *Address.objects.filter(email=grant.account.lower()),
    ]


def try_everything(grant: Grant) -> None:
    """What waited for this account is due now."""
    Mailbox.objects.filter(grant=grant).update(next_fetch_at=None)
    for channel in Channel.objects.filter(grant=grant):
        wake(channel, timezone.now())


def everything_set_up(request: HttpRequest, grant: Grant, queue: Queue) -> HttpResponse:
    if "@" not in grant.account:
        say(request, _("Enter the e-mail address of the account, then connect again to set up the rest."), tone="warn")
        return redirect("admin_grant", grant.pk)
    with recording(asking(request), *others_of(grant)) as made:
        mailbox = set_up(grant, queue)
        made += others_of(grant)
    say(request, _("Mailbox, address and sending channel for %(account)s are set up.") % {"account": grant.account})
    return redirect("admin_mailbox", mailbox.pk)

"""Administration of the log-in: who needs a second factor, and the providers that agents may log in with."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.log import audit
from postvak.log.audit import recording
from postvak.models import Agent, LoginProvider, Options
from postvak.tickets.login import sessions
from postvak.tickets.login.factors import FACTORS, remove_all
from postvak.web.account.by_provider import redirect_address
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.login import LoginProviderForm, SecondFactorForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.session import asking

COLUMNS = {"name": Column(gettext_lazy("Name"), "name"), "kind": Column(gettext_lazy("Provider"), "kind")}


@admin_only
def show(request: HttpRequest) -> HttpResponse:
    form = SecondFactorForm(request.POST or None, instance=Options.objects.get())
    if request.method == "POST" and form.is_valid():
        save(request, form)
        say(request, _("The rule for the log-in is saved. It holds from the next log-in on."))
        return redirect("admin_login")
    return admin_page(request, "login.html", "login", {"form": form, **figures(request)})


def figures(request: HttpRequest) -> dict[str, object]:
    has_one = Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS))
    agents = Agent.objects.filter(is_active=True)
    return {
        "list": listed(request, LoginProvider.objects.order_by("-is_valid", "name"), ("name", "domains"), COLUMNS),
        "agents_count": agents.count(),
        "protected_count": agents.filter(has_one).count(),
        "bare_admins": list(agents.filter(~has_one, is_admin=True).order_by("name")[:10]),
    }


@sensitive_post_parameters("client_secret")
@admin_only
def provider(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(LoginProvider, pk=pk) if pk else None
    form = LoginProviderForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        saved = save(request, form)
        said = _("%(name)s is saved. It answered as %(issuer)s.") if form.found else _("%(name)s is saved.")
        say(request, said % {"name": saved.name, "issuer": form.found.issuer if form.found else ""})
        return redirect("admin_login")
    name = form.initial.get("name") or _("New way to log in")
    context = {"form": form, "provider": row, "name": name, "redirect_address": redirect_address(request)}
    return admin_page(request, "login_provider.html", "login", context)


@require_POST
@admin_only
def delete_provider(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing refers to it: agents are found by their address."""
    row = get_object_or_404(LoginProvider, pk=pk)
    with recording(asking(request), row):
        LoginProvider.objects.filter(pk=pk).delete()
    say(request, _("%(name)s is deleted.") % {"name": row.name})
    return redirect("admin_login")


# ---- of one agent ------------------------------------------------------------------------


@require_POST
@admin_only
def remove_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """For a colleague who lost telephone and codes. He is logged out, and sets up a new one if he has to."""
    subject = get_object_or_404(Agent, pk=pk)
    remove_all(subject, asking(request))
    sessions.end(subject, but=request.session.session_key)
    say(request, _("The second factors of %(name)s are removed.") % {"name": subject.name})
    return redirect("admin_agent", pk)


@require_POST
@admin_only
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Everywhere, but for the administrator's own one here."""
    subject = get_object_or_404(Agent, pk=pk)
    sessions.end(subject, but=request.session.session_key)
    audit.record(asking(request), audit.Action.LOGGED_OUT, subject)
    say(request, _("%(name)s is logged out everywhere.") % {"name": subject.name})
    return redirect("admin_agent", pk)

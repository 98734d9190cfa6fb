"""Inviting colleagues: the form, who is invited, again, not any more. A link is shown once where no mail can go out."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from postvak.models import Invitation, Queue, Role
from postvak.tickets import invitations
from postvak.tickets.invitations import Guest, open_invitations
from postvak.web.account.links import address_of
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.invitations import InvitationForm
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

COLUMNS = {
    "name": Column(gettext_lazy("E-mail address"), "email"),
    "invited": Column(gettext_lazy("Invited"), "created_at"),
    "until": Column(gettext_lazy("Works until"), "expires_at"),
}
LINKS = "invitation_links"  # in the session: those that are shown once on the next page


@never_cache
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """The invitations that nobody has accepted yet, and the links that a mail couldn't carry."""
    context = {
        "list": listed(request, open_invitations(), ("email", "name"), COLUMNS, usual="", valid=None),
        "links": request.session.pop(LINKS, []),
        "now": timezone.now(),
    }
    return admin_page(request, "invitations.html", "agents", context)


@admin_only
def invite(request: HttpRequest) -> HttpResponse:
    form = form_of(request)
    if request.method != "POST" or not form.is_valid():
        return admin_page(request, "invite.html", "agents", {"form": form})
    facts = form.cleaned_data
    failed = ""
    for name, email in facts["addresses"]:
        invitation, token = made(request, form, name=name, email=email)
        failed = deliver(request, invitation, token) or failed
    tell(request, len(facts["addresses"]), failed)
    return redirect("admin_invitations")


def form_of(request: HttpRequest) -> InvitationForm:
    usual = Role.objects.filter(key="agent").first()
    initial: dict[str, object] = {"role": usual.pk if usual else None, "language": get_language()}
    queues = list(Queue.objects.filter(is_valid=True).values_list("pk", flat=True)[:2])
    if len(queues) == 1:
        initial["queues"] = queues
    return InvitationForm(request.POST if request.method == "POST" else None, initial=initial)


def made(request: HttpRequest, form: InvitationForm, *, name: str, email: str) -> tuple[Invitation, str]:
    facts = form.cleaned_data
    wanted = {field: facts[field] for field in ("language", "is_admin", "role", "queues", "teams")}
    return invitations.invite(Guest(email=email, name=name, **wanted), by=asking(request))


def deliver(request: HttpRequest, invitation: Invitation, token: str) -> str:
    """By mail, else the link is shown once; returns why no mail goes out."""
    link = address_of(request, reverse("invitation", args=[token]))
    problem = invitations.mail_link(invitation, link, by=agent_of(request))
    if problem:
        request.session[LINKS] = [*request.session.get(LINKS, []), [invitation.email, link]]
    return problem


def tell(request: HttpRequest, number: int, failed: str) -> None:
    if failed:
        say(request, _("No mail can go out: %(why)s Pass the links on yourself.") % {"why": failed}, tone="warn")
        return
    said = ngettext("%(num)s invitation is on its way.", "%(num)s invitations are on their way.", number)
    say(request, said % {"num": number})


@require_POST
@admin_only
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """With a new link; the one of the earlier mail says no more."""
    invitation = get_object_or_404(Invitation, pk=pk, accepted_at=None, withdrawn_at=None)
    renewed = invitations.renew(invitation, by=asking(request))
    tell(request, 1, deliver(request, invitation, renewed))
    return redirect("admin_invitations")


@require_POST
@admin_only
def show_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link, to pass on by other means."""
    invitation = get_object_or_404(Invitation, pk=pk, accepted_at=None, withdrawn_at=None)
    link = address_of(request, reverse("invitation", args=[invitations.renew(invitation, by=asking(request))]))
    request.session[LINKS] = [[invitation.email, link]]
    return redirect("admin_invitations")


@require_POST
@admin_only
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=pk, accepted_at=None)
    invitations.withdraw(invitation, by=asking(request))
    say(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})
    return redirect("admin_invitations")

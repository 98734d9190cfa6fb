"""Trust: which authorities are believed, and what they have revoked; and how mails are protected in general. Spec 05."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from postvak.keys.keyring import system_anchors
from postvak.keys.revocations import CannotTake, is_overdue, keep, number_in, take
from postvak.log import audit
from postvak.log.audit import recording
from postvak.log.crypto_sentences import list_sentence
from postvak.models import CryptoKey, Options, Revocation
from postvak.setup import revocation_lists
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.keys import ProtectionForm, RevocationListForm, TrustForm
from postvak.web.admin.keys_rows import listed_keys
from postvak.web.admin.recording import save
from postvak.web.flash import say
from postvak.web.session import agent_of, asking


@dataclass(frozen=True, slots=True)
class ListShown:
    row: Revocation
    number: int
    is_overdue: bool


@admin_only
def trust(request: HttpRequest) -> HttpResponse:
    """The authorities; POST: whether those of the operating system count."""
    form = TrustForm(request.POST if request.method == "POST" else None, instance=Options.objects.get())
    if request.method == "POST" and form.is_valid():
        save(request, form)
        say(request, _("The trust in authorities is saved."))
        return redirect("admin_keys_trust")
    return trust_page(request, form)


def trust_page(request: HttpRequest, form: TrustForm, list_form: RevocationListForm | None = None) -> HttpResponse:
    now = timezone.now()
    authorities = CryptoKey.objects.exclude(role=CryptoKey.Role.PERSON).filter(state=CryptoKey.State.IN_USE)
    rows = Revocation.objects.order_by("name")
    context = {
        "form": form,
        "list": listed_keys(request, authorities.order_by("role"), now),
        "system": len(system_anchors()),
        "list_form": list_form or RevocationListForm(),
        "revocations": [ListShown(row, number_in(row) or 0, is_overdue(row, now)) for row in rows],
    }
    response = admin_page(request, "keys_trust.html", "keys", context)
    if list_form is not None and list_form.errors:
        response.status_code = 422
    return response


@require_POST
@admin_only
def add_list(request: HttpRequest) -> HttpResponse:
    form = RevocationListForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            row = take(form.cleaned_data["list"])
        except CannotTake as problem:
            form.add_error("list", list_sentence(problem.code, problem.name))
        else:
            with recording(asking(request), row):
                keep(row)
            number = number_in(row) or 0
            text = ngettext("It revokes %(num)s certificate.", "It revokes %(num)s certificates.", number)
            say(request, f"{_('The list of “%(name)s” is added.') % {'name': row.name}} {text % {'num': number}}")
            return redirect("admin_keys_trust")
    return trust_page(request, TrustForm(instance=Options.objects.get()), form)


@require_POST
@admin_only
def fetch_lists(request: HttpRequest) -> HttpResponse:
    """Now, and not only tomorrow."""
    job = revocation_lists.ask(agent_of(request))
    if job is None:
        say(request, _("The revocation lists are being fetched already."))
    else:
        audit.record(asking(request), audit.Action.CREATED, job)
        say(request, _("The revocation lists are being fetched. Look here again in a moment."))
    return redirect("admin_keys_trust")


@require_POST
@admin_only
def delete_list(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Revocation, pk=pk)
    with recording(asking(request), row):
        Revocation.objects.filter(pk=pk).delete()
    say(request, _("The list is deleted."))
    return redirect("admin_keys_trust")


@admin_only
def protection(request: HttpRequest) -> HttpResponse:
    """How mails are protected, whatever address or queue says."""
    form = ProtectionForm(request.POST if request.method == "POST" else None, instance=Options.objects.get())
    if request.method == "POST" and form.is_valid():
        save(request, form)
        say(request, _("The options are saved."))
        return redirect("admin_keys_protection")
    return admin_page(request, "keys_protection.html", "keys", {"form": form})

"""What else is done from the page of a receipt: think the decision over with today's rules, mark its sender as spam, or no more."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.mail.addresses import normalise
from postvak.models import Receipt, Trace
from postvak.process.again import think_again
from postvak.tickets.access import visible_receipts
from postvak.web.desk.bulk_rules import allow_again, make_rule, named_already
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx


def find(request: HttpRequest, pk: int) -> Receipt:
    receipts = visible_receipts(agent_of(request)).select_related("mailbox", "first__ticket", "ticket")
    return get_object_or_404(receipts, pk=pk)


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Writes nothing. A mail whose bytes are gone can't be read again."""
    receipt = find(request, pk)
    context: dict[str, object] = {"receipt": receipt}
    if receipt.blob_id:
        trace = Trace.objects.filter(receipt=receipt).first()
        entries = trace.entries if trace else []
        context["again"] = think_again(receipt, store.get(str(receipt.blob_id)), entries)
    return render(request, "desk/_again.html" if is_htmx(request) else "desk/again.html", context)


@require_POST
def block_sender(request: HttpRequest, pk: int) -> HttpResponse:
    """A filter marks the next mails of this sender as spam. Only administrators make filters."""
    receipt, agent = find(request, pk), agent_of(request)
    if not agent.is_admin:
        raise PermissionDenied
    sender = normalise(receipt.author_email)
    if not sender or sender in named_already():
        say(request, _("There is a filter for this sender already."), tone="warn")
        return redirect("receipt", pk=pk)
    rule = make_rule([sender], by=agent)
    say(request, _("The next mails from %(sender)s are marked as spam.") % {"sender": sender})
    return redirect("admin_filter", rule.pk) if rule else redirect("receipt", pk=pk)


@require_POST
def allow_sender(request: HttpRequest, pk: int) -> HttpResponse:
    """No filter marks this sender as spam any more, as far as it names him. Only administrators change filters."""
    receipt, agent = find(request, pk), agent_of(request)
    if not agent.is_admin:
        raise PermissionDenied
    sender = normalise(receipt.author_email)
    changed = allow_again(sender, by=agent) if sender else []
    if changed:
        text = _("%(sender)s is allowed again. Changed: %(filters)s. The history of the filters can undo it.")
        say(request, text % {"sender": sender, "filters": ", ".join(changed)})
    else:
        say(request, _("No filter names this sender."), tone="warn")
    return redirect("receipt", pk=pk)

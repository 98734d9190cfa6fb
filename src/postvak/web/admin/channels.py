"""Administration of sending channels: list, form with test buttons, state, "try now"."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.crypto.sealing import CannotOpen
from postvak.log.problems import sentence
from postvak.models import Address, Brand, Channel, Mailbox, OutgoingMail, SigningKey
from postvak.send.copies import copies_of, copy_again
from postvak.send.pace import wake
from postvak.send.providers import webhook_address
from postvak.setup.checks import NOT_HEARD, Check, check_channel, place_of, send_test_mail
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.channels import ChannelForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "server": Column(gettext_lazy("Server"), "host"),
    "state": Column(gettext_lazy("State"), "failures"),
    "success": Column(gettext_lazy("Last success"), "last_success_at"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Channel.objects.select_related("grant").order_by("-is_valid", "-is_default", "name")
    found = listed(request, rows, ("name", "host", "provider", "username"), COLUMNS, usual="")
    context = {"list": found, "problem_of": problem_of, "place_of": place_of, "now": timezone.now()}
    context["senders"] = senders([row.pk for row in found.page])
    return admin_page(request, "channels.html", "channels", context)


def senders(channels: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Channel -> (address of the page, name) of the valid addresses, mailboxes and brands that send by it."""
    boxes = Mailbox.objects.filter(reply_via__in=channels).exclude(validity=Mailbox.Validity.INVALID)
    sorts = (
        ("admin_brand", Brand.objects.filter(channel__in=channels).values_list("channel", "pk", "name")),
        ("admin_mailbox", boxes.values_list("reply_via", "pk", "name")),
        (
            "admin_address",
            Address.objects.filter(channel__in=channels, is_valid=True).values_list("channel", "pk", "email"),
        ),
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for page, rows in sorts:
        for channel, key, name in rows:
            found.setdefault(channel, []).append((reverse(page, args=[key]), name))
    return found


@sensitive_post_parameters()
@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """ "Check and save" saves only what works; "save without check" saves anyway."""
    channel = get_object_or_404(Channel, pk=pk) if pk else None
    state = state_of(channel) if channel else None
    form = ChannelForm(request.POST or None, instance=channel)
    check = None
    if request.method == "POST" and form.is_valid():
        check = check_channel(form.instance) if "check" in request.POST else None
        if check is None or check.ok:
            return saved(request, save(request, form, *Channel.objects.filter(is_default=True)), check)
    context = {"form": form, "channel": channel, "state": state, "check": check, "hook": hook_of(request, channel)}
    return admin_page(request, "channel.html", "channels", context)


def saved(request: HttpRequest, channel: Channel, check: Check | None) -> HttpResponse:
    if check:
        text = _("The channel %(name)s is saved, and the connection works.")
    else:
        text = _("The channel %(name)s is saved.")
    say(request, text % {"name": channel.name})
    return redirect("admin_channel", channel.pk)


@require_POST
@sensitive_post_parameters()
@admin_only
def check(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The test button: the form's present values, saved nowhere."""
    channel = get_object_or_404(Channel, pk=pk) if pk else None
    form = ChannelForm(request.POST, instance=channel)
    result = check_channel(form.instance) if form.can_connect() else None
    return render(request, "admin/check.html", {"check": result, "form": form})


@require_POST
@sensitive_post_parameters()
@admin_only
def mail_me(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A real mail to the agent who asks, with the form's present values."""
    channel = get_object_or_404(Channel, pk=pk) if pk else None
    form = ChannelForm(request.POST, instance=channel)
    ready = form.can_connect() and form.cleaned_data.get("kind") != Channel.Kind.FILE
    result = send_test_mail(form.instance, agent_of(request)) if ready else None
    return render(request, "admin/check.html", {"check": result, "form": form})


@require_POST
@admin_only
def try_now(request: HttpRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    wake(channel, timezone.now())
    say(request, _("%(name)s is tried again now. Reload the page in a moment.") % {"name": channel.name})
    return redirect("admin_channel", pk)


@require_POST
@admin_only
def copy_now(request: HttpRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    if copy_again(channel):
        say(request, _("The copies are tried again now. Reload the page in a moment."))
    return redirect("admin_channel", pk)


def problem_of(channel: Channel) -> tuple[str, str]:
    """(what is wrong, what to do)"""
    grant = {"grant": channel.grant.name} if channel.grant else {}
    return sentence(channel.last_problem, {"host": place_of(channel), "port": str(channel.port), **grant})


def hook_of(request: HttpRequest, channel: Channel | None) -> str:
    """Where the stored channel's provider reports what became of the mails; "" where there is no such address."""
    stored = Channel.objects.filter(pk=channel.pk).first() if channel else None
    try:
        return webhook_address(stored, request.build_absolute_uri("/")) if stored else ""
    except CannotOpen:
        return ""


def state_of(channel: Channel) -> dict[str, object]:
    """As stored, before a form changes the object."""
    what, remedy = problem_of(channel) if channel.last_problem else ("", "")
    return {
        "name": channel.name,
        "kind": channel.kind,
        "signed": list(SigningKey.objects.filter(is_on=True).values_list("domain", flat=True)),
        "is_paused": channel.paused_until is not None and channel.paused_until > timezone.now(),
        "is_disturbed": channel.failures > 0,
        "what": what,
        "remedy": remedy,
        "said": channel.last_said,
        "host": place_of(channel),
        "copies": copies_of(channel).count(),
        "waiting_copy": copies_of(channel).exclude(said="").order_by("next_attempt_at", "pk").first(),
        "heard": channel.last_problem not in NOT_HEARD,
        "waiting": OutgoingMail.objects.filter(channel=channel, next_attempt_at__isnull=False).count(),
    }

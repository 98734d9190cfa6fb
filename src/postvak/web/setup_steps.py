"""Set-up after the first agent: mailbox, channel, address and queue. Each step may be left for later."""

from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from postvak.log.audit import recording
from postvak.models import Address, Brand, Channel, Mailbox, Queue
from postvak.net.providers import provider_with
from postvak.process.preview import preview
from postvak.receive.go_live import go_live, waiting
from postvak.setup.checks import check_channel, check_mailbox
from postvak.web.admin.access import admin_only
from postvak.web.admin.forms.channels import ChannelForm
from postvak.web.admin.forms.connection import CONNECTION_WIDGETS
from postvak.web.admin.forms.mailboxes import MailboxForm
from postvak.web.admin.preview import NOW, StartForm
from postvak.web.admin.recording import save
from postvak.web.pages import render
from postvak.web.session import asking
from postvak.web.setup import steps

SHOWN = 100  # mails of the preview
SHIPPED_QUEUE = "Inbox"  # as the first migration calls it
SERVER = ("kind", "host", "port", "security", "verify_tls", "ca_pem", "username")


def free_name(model: type[Mailbox] | type[Channel], wanted: str) -> str:
    """`wanted`, or "wanted (2)" and so on if that name is taken."""
    taken = set(model.objects.values_list("name", flat=True))
    name, number = wanted[:90], 2
    while name in taken:
        name, number = f"{wanted[:90]} ({number})", number + 1
    return name


class FirstMailboxForm(MailboxForm):
    """Only what a first mailbox needs; the rest keeps its default."""

    interval = None  # type: ignore[assignment]
    size_limit = None  # type: ignore[assignment]

    class Meta(MailboxForm.Meta):
        fields = SERVER  # type: ignore[assignment]
        widgets: ClassVar[dict[str, object]] = {**CONNECTION_WIDGETS}

    def save(self, commit: bool = True) -> Mailbox:
        if not self.instance.pk:
            self.instance.name = free_name(Mailbox, self.cleaned_data["username"] or self.cleaned_data["host"])
        return super().save(commit=commit)


class FirstChannelForm(ChannelForm):
    """An empty password means: the mailbox's, if the user is the same."""

    megabytes = None  # type: ignore[assignment]

    class Meta(ChannelForm.Meta):
        fields = SERVER  # type: ignore[assignment]

    def __init__(self, *args: Any, mailbox: Mailbox | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mailbox = mailbox
        if mailbox and mailbox.sealed_password:
            self.fields["password"].help_text = _("Leave it empty to use the mailbox's password.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        same = self.mailbox is not None and cleaned.get("username") == self.mailbox.username
        if self.mailbox is not None and same and not cleaned.get("password"):
            self.instance.sealed_password = self.mailbox.sealed_password
        return cleaned

    def save(self, commit: bool = True) -> Channel:
        if not self.instance.pk:
            self.instance.name = free_name(Channel, self.cleaned_data["host"] or gettext("Files"))
            self.instance.is_default = not Channel.objects.filter(is_default=True).exists()
        return super().save(commit=commit)


class FirstAddressForm(forms.Form):
    email = forms.EmailField(
        label=_("e-mail address"), max_length=254, help_text=_("Customers write to it, and answers come from it.")
    )
    display_name = forms.CharField(
        label=_("display name"), max_length=200, required=False, help_text=_("Customers see it as the sender.")
    )
    queue = forms.CharField(
        label=_("queue"), max_length=100, help_text=_("The tray in which its tickets land, such as Service or Sales.")
    )

    @transaction.atomic
    def save(self) -> Address:
        """The default queue gets this name and sends from this address."""
        queue = Queue.objects.select_for_update().get(is_default=True)
        facts = {"display_name": self.cleaned_data["display_name"], "queue": queue, "is_valid": True}
        email = self.cleaned_data["email"].strip().lower()
        address, _made = Address.objects.update_or_create(email=email, defaults=facts)
        queue.name, queue.address = self.cleaned_data["queue"].strip(), address
        queue.save(update_fields=["name", "address"])
        return address

    def clean_queue(self) -> str:
        name: str = self.cleaned_data["queue"].strip()
        if Queue.objects.filter(name=name, is_default=False).exists():
            raise forms.ValidationError(gettext("There is already a queue with this name."))
        return name


@sensitive_post_parameters("password")
@admin_only
def mailbox_step(request: HttpRequest) -> HttpResponse:
    form = FirstMailboxForm(request.POST or None, instance=first_mailbox())
    check = None
    if request.method == "POST" and form.is_valid():
        check = check_mailbox(form.instance) if "check" in request.POST else None
        if check is None or check.ok:
            save(request, form)
            return redirect("setup_channel")
    return step(request, "mailbox", {"form": form, "check": check})


@sensitive_post_parameters("password")
@admin_only
def channel_step(request: HttpRequest) -> HttpResponse:
    mailbox, channel = first_mailbox(), Channel.objects.order_by("pk").first()
    guess = {} if channel else guess_channel(mailbox)
    form = FirstChannelForm(request.POST or None, mailbox=mailbox, instance=channel, initial=guess)
    check = None
    if request.method == "POST" and form.is_valid():
        check = check_channel(form.instance) if "check" in request.POST else None
        if check is None or check.ok:
            save(request, form)
            return redirect("setup_address")
    return step(request, "channel", {"form": form, "check": check})


def first_mailbox() -> Mailbox | None:
    """The one that an earlier step made: going back changes it and makes no second."""
    mailbox: Mailbox | None = Mailbox.objects.fetched().order_by("pk").first()
    return mailbox


def guess_channel(mailbox: Mailbox | None) -> dict[str, object]:
    """As we know it of the provider; else most call their servers imap.… or pop.… and smtp.…"""
    if mailbox is None:
        return {}
    provider = provider_with(mailbox.host, mailbox.username)
    if provider is not None:
        smtp = provider.smtp
        known = {"host": smtp.host, "port": smtp.port, "security": smtp.security.value}
        return {**known, "username": mailbox.username}
    first, dot, domain = mailbox.host.partition(".")
    host = f"smtp.{domain}" if dot and first in {"imap", "pop", "pop3", "imap4"} else mailbox.host
    return {"host": host, "username": mailbox.username}


@admin_only
def address_step(request: HttpRequest) -> HttpResponse:
    form = FirstAddressForm(request.POST or None, initial=guess_address())
    if request.method == "POST" and form.is_valid():
        stored = Address.objects.filter(email=form.cleaned_data["email"].strip().lower())
        with recording(asking(request), *Queue.objects.filter(is_default=True), *stored) as made:
            made.append(form.save())
        return redirect("setup_preview" if looking() else "setup_done")
    return step(request, "address", {"form": form})


def guess_address() -> dict[str, object]:
    mailbox = first_mailbox()
    brand, queue = Brand.objects.order_by("pk").first(), Queue.objects.get(is_default=True)
    user = mailbox.username if mailbox else ""
    return {
        "email": user if "@" in user else "",
        "display_name": brand.name if brand else "",
        "queue": gettext("Inbox") if queue.name == SHIPPED_QUEUE else queue.name,
    }


def looking() -> Mailbox | None:
    """The first mailbox that only looks."""
    mailbox: Mailbox | None = Mailbox.objects.fetched().filter(is_look_only=True).order_by("pk").first()
    return mailbox


@admin_only
def preview_step(request: HttpRequest) -> HttpResponse:
    """What would become of the mails that are there, and going live."""
    mailbox = looking()
    if mailbox is None:
        return redirect("setup_done")
    form = StartForm(request.POST or None, initial={"start": NOW})
    if request.method == "POST" and form.is_valid():
        with recording(asking(request), mailbox):
            go_live(mailbox, start_at=form.start_at())
        return redirect("setup_done")
    return step(request, "preview", {"form": form, "mailbox": mailbox, "reading": not mailbox.last_success_at})


@admin_only
def preview_part(request: HttpRequest) -> HttpResponse:
    """How far the reading is; once everything is there, what the newest mails would become."""
    mailbox = looking()
    if mailbox is None:
        return HttpResponse(status=286)  # htmx: stop asking
    if not mailbox.last_success_at and not mailbox.failing_since:
        return render(request, "door/preview_part.html", {"mailbox": mailbox, "stored": waiting(mailbox).count()})
    found = preview(mailbox, start_at=None, limit=SHOWN)
    return render(request, "door/preview_part.html", {"mailbox": mailbox, "preview": found}, status=286)


@admin_only
def done(request: HttpRequest) -> HttpResponse:
    """What is set up, and what isn't yet, with the way there."""
    context = {
        "mailboxes": Mailbox.objects.fetched(),
        "channels": Channel.objects.filter(is_valid=True),
        "addresses": Address.objects.filter(is_valid=True).select_related("queue"),
    }
    return step(request, "done", context)


def step(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    form = context.get("form")
    status = 422 if form is not None and form.errors else 200
    return render(request, f"door/{name}.html", {"steps": steps(name), **context}, status=status)

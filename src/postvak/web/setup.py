"""Set-up: the one-time link that `postvak serve` prints, then four steps that can be left for later.

The link works as long as there is no agent; it needs no storage, because it is made of the installation's secret.
"""

from typing import Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from postvak.log import audit
from postvak.log.audit import By, Origin
from postvak.models import Address, Agent, Brand, Channel, Mailbox
from postvak.web.pages import render
from postvak.web.session import asking, client_ip, public

PURPOSE = "postvak.web.setup: the first administrator"
TOKEN_LENGTH = 32
STEPS = (
    ("organisation", _("Who you are")),
    ("mailbox", _("Connect a mailbox")),
    ("channel", _("Send answers")),
    ("address", _("Address and queue")),
    ("preview", _("Look first")),
    ("done", _("Done")),
)


def setup_token() -> str:
    """The secret part of the one-time link."""
    return salted_hmac(PURPOSE, "", algorithm="sha256").hexdigest()[:TOKEN_LENGTH]


class OrganisationForm(forms.Form):
    organisation = forms.CharField(
        label=_("organisation"), max_length=100, help_text=_("Customers see this name under your answers.")
    )
    name = forms.CharField(label=_("your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label=_("your e-mail address"),
        max_length=254,
        help_text=_("You log in with it. It may be the same as a mailbox that Postvak reads."),
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("password"),
        max_length=1024,
        strip=False,
        help_text=_("At least 12 characters; a few unrelated words are easy to remember and hard to guess."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("password"):
            try:
                validate_password(
                    cleaned["password"], Agent(name=cleaned.get("name", ""), email=cleaned.get("email", ""))
                )
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


@public
def hint(request: HttpRequest) -> HttpResponse:
    """Before there is an agent: where to find the link."""
    if Agent.objects.exists():
        return redirect("start")
    return render(request, "door/hint.html")


@public
@never_cache
@sensitive_post_parameters("password")
def first(request: HttpRequest, token: str) -> HttpResponse:
    """Step 1. Afterwards the link is worth nothing."""
    if not constant_time_compare(token, setup_token()):
        raise Http404
    if Agent.objects.exists():
        return redirect("start")
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        agent = make_first_agent(form.cleaned_data, By(origin=Origin.BROWSER, ip=client_ip(request)))
        if agent is not None:
            login(request, agent, backend="django.contrib.auth.backends.ModelBackend")
            audit.logged_in(asking(request))
        return redirect("setup_mailbox")
    context = {"form": form, "steps": steps("organisation")}
    return render(request, "door/organisation.html", context, status=422 if form.errors else 200)


@transaction.atomic
def make_first_agent(facts: dict[str, Any], by: By) -> Agent | None:
    """The administrator and the name of the brand; None if somebody else was quicker (the lock decides)."""
    brand = Brand.objects.select_for_update().order_by("pk").first() or Brand()
    if Agent.objects.exists():
        return None
    language = get_language() or "en"
    brand.name, brand.language = facts["organisation"].strip(), language
    brand.save()
    agent = Agent.objects.create_user(facts["email"], facts["password"], name=facts["name"], is_admin=True)
    agent.language = language
    agent.save(update_fields=["language"])
    audit.write_difference(by, agent, agent.pk, None)
    return agent


def steps(current: str) -> list[dict[str, object]]:
    """The shelf: which steps are done (a step left for later is not), which one is open."""
    done = {
        "organisation": Agent.objects.exists(),
        "mailbox": Mailbox.objects.fetched().exists(),
        "channel": Channel.objects.exists(),
        "address": Address.objects.exists(),
        "preview": Mailbox.objects.fetched().filter(is_look_only=False).exists(),
    }
    return [
        {
            "number": place,
            "label": label,
            "done": done.get(key, False) and key != current,
            "current": key == current,
        }
        for place, (key, label) in enumerate(STEPS, start=1)
    ]

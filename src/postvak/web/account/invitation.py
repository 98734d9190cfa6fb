"""The page behind the link of an invitation: name, password, language – and in."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from postvak.log.audit import By, Origin
from postvak.models import Agent, Brand, Invitation, LoginProvider
from postvak.tickets.invitations import digest_of
from postvak.web.account.entering import enter
from postvak.web.account.joining import accept, state_of
from postvak.web.account.passwords import NewPasswordForm, password_field
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import client_ip, public


class AcceptForm(NewPasswordForm):
    name = forms.CharField(
        label=gettext_lazy("your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = password_field(gettext_lazy("password"))
    language = forms.ChoiceField(label=gettext_lazy("language"), choices=settings.LANGUAGES)
    field_order = ("name", "password", "language")

    def __init__(self, invitation: Invitation, data: object = None) -> None:
        super().__init__(Agent(email=invitation.email, name=invitation.name), data)
        self.initial = {"name": invitation.name, "language": invitation.language or translation.get_language()}


@public
@never_cache
@sensitive_post_parameters("password")
def show(request: HttpRequest, token: str) -> HttpResponse:
    invitation = Invitation.objects.select_related("created_by").filter(digest=digest_of(token)).first()
    state = state_of(invitation, timezone.now())
    if invitation is None or state != "open":
        return render(request, "door/link_over.html", {"what": state, "agent": None}, status=410)
    form = AcceptForm(invitation, request.POST or None)
    if request.method == "POST" and form.is_valid():
        by = By(origin=Origin.BROWSER, ip=client_ip(request))
        agent = accept(invitation, by, **{name: form.cleaned_data[name] for name in ("name", "password", "language")})
        if agent is None:
            return render(request, "door/link_over.html", {"what": "accepted", "agent": None}, status=410)
        say(request, gettext("Welcome, %(name)s. This is your account now.") % {"name": agent.name})
        return enter(request, agent, stay=False, next_url=reverse("start"))
    return page(request, invitation, form)


def page(request: HttpRequest, invitation: Invitation, form: AcceptForm) -> HttpResponse:
    context: dict[str, Any] = {
        "agent": None,
        "invitation": invitation,
        "form": form,
        "brand": Brand.objects.order_by("pk").first(),
        "providers": LoginProvider.objects.filter(is_valid=True),
    }
    return render(request, "door/invitation.html", context, status=422 if form.errors else 200)

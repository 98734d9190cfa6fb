""" "Forgot your password?": a mail with a link that works once, for an hour. The answer is the same whether there is such an account."""

import logging

from django import forms
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from postvak.blobs.store import VaultUnreachable
from postvak.log import audit
from postvak.log.audit import By, Origin
from postvak.models import Agent
from postvak.notify.account_letters import Reader, account_sender, draft_of, send_password_link
from postvak.send.sender import CannotAnswer
from postvak.tickets.login import throttle
from postvak.tickets.login.sessions import end
from postvak.tickets.programs.tokens import usable
from postvak.web.account.entering import enter
from postvak.web.account.links import address_of, is_sure_of_its_name
from postvak.web.account.passwords import NewPasswordForm
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import client_ip, public

log = logging.getLogger("postvak.web")


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )


@public
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Without a public address of ours no link goes out: whoever asks could write his own host into it."""
    form = ForgottenForm(request.POST or None)
    if not is_sure_of_its_name():
        return render(request, "door/forgotten.html", {"form": form, "is_off": True})
    if request.method == "POST" and form.is_valid():
        email, ip = form.cleaned_data["email"].lower(), client_ip(request)
        if wait := throttle.refusal(f"new password:{email}", ip):
            form.add_error(None, wait)
        else:
            throttle.failed(f"new password:{email}", ip)
            send_link(request, email)
            return render(request, "door/forgotten_sent.html", {"email": email})
    return render(request, "door/forgotten.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_variables("link")
def send_link(request: HttpRequest, email: str) -> None:
    """To a valid agent. For others a mail is written, too, and thrown away, so that it takes about as long."""
    agent = Agent.objects.filter(email=email, is_active=True).first()
    try:
        if agent is None:
            draft_of(Reader("", email), account_sender(), "", ["https://example.org"], "")
            return
        link = address_of(request, reverse("new-password", args=[agent.pk, default_token_generator.make_token(agent)]))
        send_password_link(Reader(agent.name, agent.email, agent.language), link)
    except (CannotAnswer, VaultUnreachable) as error:
        log.warning("no mail for a new password went out: %s", error)


@public
@never_cache
@sensitive_post_parameters("password")
def choose(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """The page behind the link. Every other session of the agent ends, the second factor is still asked for."""
    agent = Agent.objects.filter(pk=pk, is_active=True).first()
    if agent is None or not default_token_generator.check_token(agent, token):
        return render(request, "door/link_over.html", {"what": "password"}, status=410)
    form = NewPasswordForm(agent, request.POST or None)
    if request.method == "POST" and form.is_valid():
        agent.set_password(form.cleaned_data["password"])
        with audit.recording(By(agent, Origin.BROWSER, client_ip(request)), agent):
            agent.save(update_fields=["password"])
        end(agent)
        throttle.succeeded(agent.email)
        say(request, gettext("Your new password holds. Other browsers have to log in again."))
        if usable(timezone.now()).filter(agent=agent).exists():
            said = gettext(
                "Programs that have a token of yours go on. Withdraw in your preferences what you don't know."
            )
            say(request, said, tone="warn")
        return enter(request, agent, stay=False, next_url=reverse("start"))
    return render(
        request, "door/new_password.html", {"form": form, "person": agent}, status=422 if form.errors else 200
    )

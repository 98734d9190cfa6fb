"""How an agent logs in, as he sets it himself: authenticator app, passkeys, recovery codes, and where he is logged in."""

import time

from allauth.mfa.models import Authenticator
from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.models import Agent, Brand
from postvak.tickets.login import factors, totp
from postvak.tickets.login.devices import device_of
from postvak.tickets.login.factors import factors_of, must_have_one
from postvak.tickets.login.sessions import end, sessions_of
from postvak.web.account import passkeys
from postvak.web.account.confirmation import confirmed, render_own
from postvak.web.account.second_step import CODE_FIELD
from postvak.web.account.sessions import move
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import MUST_SET_UP, agent_of, asking, before_set_up

SECRET = "totp_secret"  # noqa: S105 - in the session: of the app that is being set up
CODES = "new_recovery_codes"  # in the session: shown once, on the next page


class AppForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("code that the app shows"),
        max_length=20,
        widget=forms.TextInput(attrs={**CODE_FIELD, "inputmode": "numeric"}),
    )


@never_cache
def show(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    context = {
        "factors": factors_of(agent),
        "must": must_have_one(agent),
        "sessions": sessions_of(agent, request.session.session_key),
        "passkey_name": device_of(request.headers.get("User-Agent", "")).name,
    }
    return render(request, "account/own_login.html", context)


@before_set_up
def set_up(request: HttpRequest) -> HttpResponse:
    """For those who must have a second factor and have none: nothing else goes before they do."""
    agent = agent_of(request)
    if MUST_SET_UP not in request.session:
        return redirect("own-login")
    if factors.has_factor(agent):
        return redirect(request.session.pop(MUST_SET_UP))
    name = device_of(request.headers.get("User-Agent", "")).name
    return render(request, "account/set_up.html", {"passkey_name": name, "agent": None})


# ---- authenticator app -------------------------------------------------------------------


@before_set_up
@never_cache
@sensitive_post_parameters("code")
@confirmed
def app(request: HttpRequest) -> HttpResponse:
    """The secret is kept in the session until a code shows that the app has it."""
    agent = agent_of(request)
    secret = request.session.get(SECRET) or totp.new_secret()
    request.session[SECRET] = secret
    form = AppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = "".join(form.cleaned_data["code"].split())
        counter = totp.matching_counter(secret, code, time.time())
        if counter is not None:
            factors.keep_app(agent, secret, counter, asking(request))
            del request.session[SECRET]
            return first_factor_kept(request, agent, gettext("From now on the log-in asks for a code of your app."))
        form.add_error("code", gettext("The app shows another code. Is the clock of the device right?"))
    brand = Brand.objects.order_by("pk").first()
    link = totp.address(secret, agent.email, brand.name if brand else "Postvak")
    context = {"form": form, "secret": totp.grouped(secret), "picture": totp.picture(link), "link": link}
    context |= {"is_renewal": factors_of(agent).app is not None}
    return render_own(request, "account/app.html", context, status=422 if form.errors else 200)


def first_factor_kept(request: HttpRequest, agent: Agent, said: str) -> HttpResponse:
    """Sessions begin anew with more proof than before: this one under a new key. The first time there are recovery codes."""
    move(request)
    say(request, said)
    if factors_of(agent).codes_left is None:
        request.session[CODES] = factors.renew_codes(agent, asking(request))
        return redirect("recovery-codes")
    return redirect(request.session.pop(MUST_SET_UP, None) or "own-login")


# ---- recovery codes ----------------------------------------------------------------------


@before_set_up
@never_cache
def codes(request: HttpRequest) -> HttpResponse:
    """Once, right after they were made: they can't be read again, as only their hashes are kept."""
    shown = request.session.pop(CODES, None)
    if shown is None:
        return redirect(request.session.pop(MUST_SET_UP, None) or "own-login")
    answer = render_own(request, "account/codes.html", {"codes": shown, "after": request.session.get(MUST_SET_UP)})
    request.session.pop(MUST_SET_UP, None)
    return answer


@require_POST
@confirmed
def renew_codes(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    if not factors_of(agent):
        return redirect("own-login")
    request.session[CODES] = factors.renew_codes(agent, asking(request))
    return redirect("recovery-codes")


# ---- passkeys ----------------------------------------------------------------------------


@before_set_up
@require_POST
@confirmed
def passkey_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(passkeys.begin_making(request, agent_of(request)))


@before_set_up
@require_POST
@confirmed
def new_passkey(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    name = request.POST.get("name", "").strip() or gettext("Passkey")
    try:
        passkeys.finish_making(request, agent, request.POST.get("answer", ""), name, asking(request))
    except passkeys.Refused:
        say(request, gettext("The browser made no passkey. Try once more, or another device."), tone="alert")
        return redirect("second-factor-set-up")
    return first_factor_kept(
        request, agent, gettext("The passkey is kept. You can log in with it, also without your password.")
    )


@require_POST
@confirmed
def removal(request: HttpRequest, pk: int) -> HttpResponse:
    """Of the app or a passkey. Who must have a factor keeps the last one."""
    agent = agent_of(request)
    row = get_object_or_404(Authenticator, pk=pk, user=agent, type__in=factors.FACTORS)
    if factors.is_needed(agent, row):
        said = gettext("You need a second factor here. Set up another one before you remove this.")
        say(request, said, tone="alert")
        return redirect("own-login")
    name = factors.name_of(row)
    factors.remove(agent, row, asking(request))
    say(request, gettext("%(name)s is removed.") % {"name": name})
    return redirect("own-login")


# ---- sessions ----------------------------------------------------------------------------


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    agent = agent_of(request)
    end(agent, keys=[pk], but=request.session.session_key)
    say(request, gettext("That browser is logged out."))
    return redirect("own-login")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    ended = end(agent, but=request.session.session_key)
    said = ngettext("%(num)s browser is logged out.", "%(num)s browsers are logged out.", ended)
    say(request, said % {"num": ended})
    return redirect("own-login")

"""The log-in page: password, passkey, and the ways by other providers; log-out; the choice of a language before it.

What follows the password is in web.account.entering, what slows guessing down in tickets.login.throttle.
"""

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.log import audit
from postvak.models import Agent, Brand, LoginProvider
from postvak.tickets.login import throttle
from postvak.web.account import passkeys, sessions
from postvak.web.account.entering import enter, let_in, stop_waiting
from postvak.web.pages import render
from postvak.web.session import asking, before_set_up, client_ip, public

LANGUAGE_COOKIE_AGE = 31_536_000


class LoginForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=gettext_lazy("password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    stay = forms.BooleanField(label=gettext_lazy("stay logged in on this computer"), required=False, initial=True)


@public
@never_cache
@sensitive_post_parameters("password")
def log_in(request: HttpRequest) -> HttpResponse:
    """The log-in page. Every refusal is the same sentence, whatever was wrong."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    if not Agent.objects.exists():
        return redirect("setup_hint")
    stop_waiting(request)
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        agent = check(request, form)
        if agent is not None:
            return enter(request, agent, stay=form.cleaned_data["stay"], next_url=next_page(request))
    return page(request, form)


def page(request: HttpRequest, form: LoginForm, problem: str = "") -> HttpResponse:
    context = {
        "form": form,
        "problem": problem,
        "greeting": greeting(),
        "brand": Brand.objects.first(),
        "next": next_page(request),
        "providers": LoginProvider.objects.filter(is_valid=True),
    }
    return render(request, "door/login.html", context, status=422 if form.errors or problem else 200)


def check(request: HttpRequest, form: LoginForm) -> Agent | None:
    """The agent, or None with an error on the form. Django hashes for unknown addresses, too: same time."""
    email, ip = form.cleaned_data["email"].lower(), client_ip(request)
    if wait := throttle.refusal(email, ip):
        form.add_error(None, wait)
        return None
    agent = authenticate(request, username=email, password=form.cleaned_data["password"])
    if isinstance(agent, Agent):
        throttle.succeeded(email)
        return agent
    throttle.failed(email, ip)
    audit.login_refused(form.cleaned_data["email"], ip=ip)
    form.add_error(None, gettext("E-mail address or password is wrong, or the account is not valid any more."))
    return None


@public
@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """For "Log in with a passkey": the browser shows those that it has for this address."""
    return JsonResponse(passkeys.begin_asking(request))


@public
@never_cache
@require_POST
def by_passkey(request: HttpRequest) -> HttpResponse:
    """It knows its owner by PIN, finger or face, so it is both factors at once."""
    ip, form = client_ip(request), LoginForm()
    if wait := throttle.refusal(f"passkey from {ip}", ip):
        return page(request, form, wait)
    try:
        agent = passkeys.answered_by(request, request.POST.get("answer", ""))
    except passkeys.Refused:
        agent = None
    if agent is None or not agent.is_active:
        throttle.failed(f"passkey from {ip}", ip)
        audit.login_refused(agent.email if agent else "", ip=ip)
        return page(request, form, gettext("This passkey is not known here, or the account is not valid any more."))
    return let_in(request, agent, stay=True, next_url=next_page(request))


def greeting() -> str:
    hour = timezone.localtime().hour
    if hour < 12:
        return gettext("Good morning")
    return gettext("Good afternoon") if hour < 18 else gettext("Good evening")


def next_page(request: HttpRequest) -> str:
    """Where to go after the log-in: only ever an address of our own."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("start")


@before_set_up
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    audit.logged_out(asking(request))
    sessions.forget(request)
    logout(request)
    return redirect("login")


@public
def choose_language(request: HttpRequest, code: str) -> HttpResponse:
    """Remember the language in a cookie: for the pages before the log-in."""
    response = redirect(next_page(request))
    if code in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=LANGUAGE_COOKIE_AGE,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response

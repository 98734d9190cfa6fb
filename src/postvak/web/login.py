"""Log-in, log-out and the choice of a language before it. Guessing is slowed down, by e-mail address and by IP.

Five failures close together make an address wait one minute, each further one doubles the wait. An IP may belong to
a whole office, so it gets more. While one waits, the password isn't even looked at.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.log import audit
from postvak.models import Agent, Brand, FailedLogin
from postvak.web.pages import render
from postvak.web.session import asking, client_ip, public

FREE_BY_EMAIL, FREE_BY_IP = 5, 20
CLOSE = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=1)
KEPT = timedelta(days=1)
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
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        agent = check(request, form)
        if agent is not None:
            login(request, agent)
            audit.logged_in(asking(request))
            request.session.set_expiry(None if form.cleaned_data["stay"] else 0)
            return redirect(next_page(request))
    context = {"form": form, "greeting": greeting(), "brand": Brand.objects.first(), "next": next_page(request)}
    return render(request, "door/login.html", context, status=422 if form.errors else 200)


def check(request: HttpRequest, form: LoginForm) -> Agent | None:
    """The agent, or None with an error on the form. Django hashes for unknown addresses, too: same time."""
    email, ip, now = form.cleaned_data["email"].lower(), client_ip(request), timezone.now()
    wait = longest_wait(email, ip, now)
    if wait:
        form.add_error(None, too_often(wait))
        return None
    agent = authenticate(request, username=email, password=form.cleaned_data["password"])
    if isinstance(agent, Agent):
        FailedLogin.objects.filter(email=email).delete()
        return agent
    FailedLogin.objects.filter(at__lt=now - KEPT).delete()
    FailedLogin.objects.create(email=email, ip=ip)
    audit.login_refused(form.cleaned_data["email"], ip=ip)
    form.add_error(None, gettext("E-mail address or password is wrong, or the account is not valid any more."))
    return None


def longest_wait(email: str, ip: str, now: datetime) -> timedelta:
    """How long this address and this IP still have to wait; zero if they may try."""
    recent = FailedLogin.objects.filter(at__gte=now - KEPT).order_by("at").values_list("at", flat=True)
    return max(
        remaining_wait(recent.filter(email=email), FREE_BY_EMAIL, now),
        remaining_wait(recent.filter(ip=ip), FREE_BY_IP, now),
    )


def remaining_wait(failures: Iterable[datetime], free: int, now: datetime) -> timedelta:
    """`failures` in order of time. A pause of ten minutes beyond the wait ends a row of failures."""
    row, last = 0, now
    for at in failures:
        row = row + 1 if at - last <= CLOSE + wait_after(row, free) else 1
        last = at
    return max(last + wait_after(row, free) - now, timedelta()) if row else timedelta()


def wait_after(row: int, free: int) -> timedelta:
    if row < free:
        return timedelta()
    return min(timedelta(minutes=2 ** min(row - free, 10)), LONGEST_WAIT)


def too_often(wait: timedelta) -> str:
    minutes = int(wait.total_seconds() // 60) + 1
    text: str = ngettext(
        "There were too many wrong attempts. Wait %(minutes)s minute, then try again.",
        "There were too many wrong attempts. Wait %(minutes)s minutes, then try again.",
        minutes,
    )
    return text % {"minutes": minutes}


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


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    audit.logged_out(asking(request))
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

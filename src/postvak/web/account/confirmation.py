""" "Confirm it's you": before somebody changes how he logs in, at a browser that was left open."""

from collections.abc import Callable
from functools import wraps
from time import time
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.models import Agent
from postvak.tickets.login.factors import factors_of
from postvak.tickets.login.proof import proof_problem, typed_problem
from postvak.web.account import passkeys
from postvak.web.account.second_step import passkey_problem
from postvak.web.pages import render
from postvak.web.session import CONFIRMED_AT, MUST_SET_UP, agent_of, before_set_up, client_ip, has_confirmed

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


class ConfirmationForm(forms.Form):
    """What the agent has: his password, a code, or both fields where he may choose."""

    proof = forms.CharField(
        label=gettext_lazy("password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


def confirmed(view: View[P]) -> View[P]:
    """Only for those who proved who they are within the last ten minutes; others do it first, and start anew."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if has_confirmed(request):
            return view(request, *args, **kwargs)
        back = request.get_full_path() if request.method == "GET" else reverse("own-login")
        return redirect(f"{reverse('confirmation')}?{urlencode({'next': back})}")

    return cast("View[P]", guarded)


def render_own(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A page of the own account; without navigation while no other page may be seen."""
    alone = {"layout": "account/alone.html", "agent": None} if MUST_SET_UP in request.session else {}
    return render(request, template, {"layout": "page.html", **context, **alone}, status=status)


@before_set_up
@never_cache
@sensitive_post_parameters("proof", "answer")
def confirm(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    form = ConfirmationForm(request.POST if "proof" in request.POST else None)
    problem = problem_of(request, agent, form) if request.method == "POST" else ""
    if request.method == "POST" and not problem and not form.errors:
        request.session[CONFIRMED_AT] = time()
        return redirect(next_of(request))
    factors = factors_of(agent)
    by_code = not agent.has_usable_password() and factors.app is not None
    if by_code:
        form.fields["proof"].label = gettext("code")
    context = {
        "form": form,
        "problem": problem,
        "next": next_of(request),
        "factors": factors,
        "has_field": by_code or agent.has_usable_password(),
    }
    return render_own(request, "account/confirmation.html", context, status=422 if problem or form.errors else 200)


@before_set_up
@require_POST
def options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(passkeys.begin_asking(request, agent_of(request)))


def problem_of(request: HttpRequest, agent: Agent, form: ConfirmationForm) -> str:
    """As at the log-in, with its throttle."""
    if "answer" in request.POST:
        return proof_problem(agent, client_ip(request), lambda: passkey_problem(request, agent))
    if form.is_valid():
        return proof_problem(agent, client_ip(request), lambda: typed_problem(agent, form.cleaned_data["proof"]))
    return ""


def next_of(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("own-login")

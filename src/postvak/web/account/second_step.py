"""The second step of the log-in: a code of the app, a recovery code, or a passkey."""

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.models import Agent
from postvak.tickets.login import proof
from postvak.tickets.login.factors import Factors, Type, factors_of, takes
from postvak.web.account import passkeys
from postvak.web.account.entering import Waiting, let_in, waiting_in
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import client_ip, public

CODE_FIELD = {"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "none", "autofocus": True}


class CodeForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("code"), max_length=40, widget=forms.TextInput(attrs=CODE_FIELD))


@public
@never_cache
@sensitive_post_parameters("code", "answer")
def second_step(request: HttpRequest) -> HttpResponse:
    waiting = waiting_in(request)
    if waiting is None:
        say(request, gettext("That took too long. Log in once more."), tone="warn")
        return redirect("login")
    form = CodeForm(request.POST if "code" in request.POST else None)
    problem = ""
    if request.method == "POST":
        problem = proof_problem(request, waiting.agent, form)
        if not problem and not form.errors:
            return let_in(request, waiting.agent, stay=waiting.stay, next_url=waiting.next)
    return page(request, waiting, form, problem)


def page(request: HttpRequest, waiting: Waiting, form: CodeForm, problem: str) -> HttpResponse:
    context = {"form": form, "problem": problem, "factors": factors_of(waiting.agent), "person": waiting.agent}
    return render(request, "door/second_step.html", context, status=422 if problem or form.errors else 200)


@public
@require_POST
def options(request: HttpRequest) -> HttpResponse:
    waiting = waiting_in(request)
    if waiting is None:
        return HttpResponseBadRequest()
    return JsonResponse(passkeys.begin_asking(request, waiting.agent))


def proof_problem(request: HttpRequest, agent: Agent, form: CodeForm) -> str:
    """Why what was typed, or what the passkey answered, doesn't prove that it is `agent`; "" if it does."""
    if "answer" in request.POST:
        return proof.proof_problem(agent, client_ip(request), lambda: passkey_problem(request, agent))
    if form.is_valid():
        return proof.proof_problem(
            agent, client_ip(request), lambda: code_problem(request, agent, form.cleaned_data["code"])
        )
    return ""


def passkey_problem(request: HttpRequest, agent: Agent) -> str:
    try:
        passkeys.answered_by(request, request.POST.get("answer", ""), agent)
    except passkeys.Refused:
        return gettext("That was none of your passkeys.")
    return ""


def code_problem(request: HttpRequest, agent: Agent, code: str) -> str:
    kind = takes(agent, code)
    if not kind:
        return gettext("This code is wrong, was used already, or is too old.")
    if kind == Type.RECOVERY_CODES:
        warn_of_few(request, factors_of(agent))
    return ""


def warn_of_few(request: HttpRequest, factors: Factors) -> None:
    """Whoever uses them up has to make new ones in time."""
    said = gettext("You used a recovery code. %(left)s are left; make new ones in your preferences in time.")
    say(request, said % {"left": factors.codes_left or 0}, tone="warn")

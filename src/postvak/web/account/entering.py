"""From "it is he" to a session. The one place that logs agents in: with a second factor before it where there is one, under a new session
key each time (nobody who planted a key beforehand knows it), with its line in the audit.

    password, new password, invitation   -> second factor, if he has one                 -> in
    OpenID Connect                       -> likewise; the provider's own factors are its affair -> in
    passkey that knows its owner         -> in

Who has to have a second factor and has none is in, but gets no other page until he has one (web.middleware).
"""

from dataclasses import dataclass
from time import time

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from postvak.log import audit
from postvak.models import Agent
from postvak.tickets.login.factors import has_factor, must_have_one
from postvak.web.account import sessions
from postvak.web.session import CONFIRMED_AT, MUST_SET_UP, asking

BACKEND = "django.contrib.auth.backends.ModelBackend"
WAITING = "waits_for_second_factor"  # in the session
WAITING_SECONDS = 10 * 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who proved the first half. `stay`: longer than the browser runs; `next`: an address of ours."""

    agent: Agent
    stay: bool
    next: str


def enter(request: HttpRequest, agent: Agent, *, stay: bool, next_url: str, by_provider: bool = False) -> HttpResponse:
    """After the first factor. The agent is valid."""
    if has_factor(agent):
        wait(request, agent, stay=stay, next_url=next_url)
        return redirect("second-factor")
    return let_in(request, agent, stay=stay, next_url=next_url, must_set_up=not by_provider and must_have_one(agent))


def let_in(request: HttpRequest, agent: Agent, *, stay: bool, next_url: str, must_set_up: bool = False) -> HttpResponse:
    """With everything proven. Whoever was logged in here before isn't any more: django's login() makes a new session."""
    sessions.forget(request)
    request.session.pop(WAITING, None)
    login(request, agent, backend=BACKEND)
    request.session[CONFIRMED_AT] = time()
    if must_set_up:
        request.session[MUST_SET_UP] = next_url
    request.session.set_expiry(None if stay else 0)
    sessions.note(request, agent, timezone.now())
    audit.logged_in(asking(request))
    return redirect("second-factor-set-up" if must_set_up else next_url)


def wait(request: HttpRequest, agent: Agent, *, stay: bool, next_url: str) -> None:
    """Remember who it is, under a new key. A password that is changed meanwhile ends it."""
    request.session.cycle_key()
    request.session[WAITING] = {
        "agent": agent.pk, "proof": agent.get_session_auth_hash(), "stay": stay, "next": next_url, "at": time(),
    }  # fmt: skip


def waiting_in(request: HttpRequest) -> Waiting | None:
    """Null: nobody waits here, or for too long, or he may not come in any more."""
    kept = request.session.get(WAITING)
    if not kept or not 0 <= time() - kept["at"] <= WAITING_SECONDS:
        return None
    agent = Agent.objects.filter(pk=kept["agent"], is_active=True).first()
    if agent is None or not constant_time_compare(kept["proof"], agent.get_session_auth_hash()):
        return None
    return Waiting(agent, bool(kept["stay"]), str(kept["next"]))


def stop_waiting(request: HttpRequest) -> None:
    request.session.pop(WAITING, None)

"""Logging in with an account elsewhere (OpenID Connect, code flow with PKCE, state and nonce).

/login/with/1/   remember state, verifier, nonce -> provider      /login/callback/   code -> ID token -> whose address -> in, or why not
"""

import secrets
from dataclasses import dataclass
from time import time

from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from postvak.crypto.sealing import CannotOpen
from postvak.log import audit
from postvak.log.audit import By, Origin
from postvak.mail.charsets import storable
from postvak.models import Agent, Brand, Invitation, LoginProvider
from postvak.net import oauth, oidc
from postvak.web.account import vouching
from postvak.web.account.entering import enter
from postvak.web.account.issuers import discovered, registration_of
from postvak.web.account.joining import accept, made_by_provider
from postvak.web.account.links import address_of
from postvak.web.pages import render
from postvak.web.session import client_ip, public

PENDING = "sign_in_elsewhere"  # in the session
SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class No:
    """Why somebody doesn't come in. `said`: in the provider's words; `email`: as far as it is known."""

    code: str
    said: str = ""
    email: str = ""


@public
@never_cache
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Off to the provider."""
    provider = get_object_or_404(LoginProvider, pk=pk, is_valid=True)
    found = discovered(provider)
    if isinstance(found, oidc.Trouble):
        return refused(request, provider, No("provider", f"{found.code}: {found.said}"))
    nonce = secrets.token_urlsafe(24)
    address = redirect_address(request)
    try:
        start = oauth.sign_in(registration_of(provider, found, nonce=nonce, prompt="select_account"), address)
    except CannotOpen as error:
        return refused(request, provider, No("provider", str(error)))
    request.session[PENDING] = {
        "provider": pk, "state": start.state, "verifier": start.verifier, "nonce": nonce, "redirect": address, "at": time(),
        "next": request.GET.get("next", ""),
    }  # fmt: skip
    return redirect(start.url)


def redirect_address(request: HttpRequest) -> str:
    """As it has to stand in the registration."""
    return address_of(request, reverse("login-callback"))


@public
@never_cache
@sensitive_variables("pending", "code")
def callback(request: HttpRequest) -> HttpResponse:
    """The provider sent the browser back, with a code or with an error."""
    pending = request.session.pop(PENDING, None) or {}
    provider = LoginProvider.objects.filter(pk=pending.get("provider", 0), is_valid=True).first()
    expected = constant_time_compare(request.GET.get("state", ""), pending.get("state", ""))
    if provider is None or not expected or not 0 <= time() - pending["at"] <= SECONDS:
        return refused(request, provider, No("state"))
    code = request.GET.get("code", "")
    if not code:
        words = (request.GET.get(name, "")[:300] for name in ("error", "error_description"))
        return refused(request, provider, No("provider", ": ".join(filter(None, words))))
    claims = claims_of(provider, code, pending)
    agent = claims if isinstance(claims, No) else agent_named(request, provider, *claims)
    if isinstance(agent, No):
        return refused(request, provider, agent)
    return enter(request, agent, stay=True, next_url=next_of(request, pending["next"]), by_provider=True)


@sensitive_variables("pending", "code", "tokens")
def claims_of(provider: LoginProvider, code: str, pending: dict[str, str]) -> tuple[oidc.Claims, str] | No:
    """What the checked ID token says, and by which issuer."""
    found = discovered(provider)
    if isinstance(found, oidc.Trouble):
        return No("provider", f"{found.code}: {found.said}")
    try:
        registration = registration_of(provider, found)
    except CannotOpen as error:
        return No("provider", str(error))
    tokens = oauth.exchange(registration, code, pending["verifier"], pending["redirect"])
    if isinstance(tokens, oauth.Refusal):
        return No("provider", tokens.said)
    claims = oidc.check_id_token(tokens.id_token, found, client_id=provider.client_id, nonce=pending["nonce"])
    if isinstance(claims, oidc.Trouble):
        return No("provider", f"{claims.code}: {claims.said}")
    return claims, found.issuer


def agent_named(request: HttpRequest, provider: LoginProvider, claims: oidc.Claims, issuer: str) -> Agent | No:
    """By his confirmed address: known, invited, or of a domain whose people get an account."""
    person = vouching.person_in(claims, provider.kind, issuer)
    if isinstance(person, vouching.Doubt):
        return No(person.code, email=person.email)
    agent = Agent.objects.filter(email=person.email).first()
    if agent is not None:
        return agent if agent.is_active else No("invalid", email=person.email)
    by = By(origin=Origin.BROWSER, ip=client_ip(request))
    name = storable(person.name)[:200]
    invited = Invitation.objects.filter(
        email__iexact=person.email, accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    ).first()
    if invited is not None and (joined := accept(invited, by, name=name, password=None)):
        return joined
    if not (person.is_of_house and vouching.is_of_domain(provider, person.email)):
        return No("stranger", email=person.email)
    try:
        return made_by_provider(provider, person.email, name, by)
    except IntegrityError:  # he came by two windows at once
        return Agent.objects.filter(email=person.email, is_active=True).first() or No("invalid", email=person.email)


def next_of(request: HttpRequest, wanted: str) -> str:
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe and wanted else reverse("start")


# ---- why not -----------------------------------------------------------------------------


def refused(request: HttpRequest, provider: LoginProvider | None, no: No) -> HttpResponse:
    name = provider.name if provider else ""
    with translation.override(settings.LANGUAGE_CODE):
        reason = " ".join(filter(None, [sentence(no, name), storable(no.said)[:500]]))
    by = By(origin=Origin.BROWSER, ip=client_ip(request))
    title = storable(no.email or name)[:100]
    audit.record(by, audit.Action.LOGIN_REFUSED, kind="agent", name=title, changes={"reason": ["", reason]})
    context = {"sentence": sentence(no, name), "said": storable(no.said)[:500], "brand": Brand.objects.first()}
    return render(request, "door/refused.html", context, status=403)


def sentence(no: No, name: str) -> str:
    values = {"name": name, "email": no.email}
    sentences = {
        "state": _("This log-in was not started in this browser, or it took too long. Start it again."),
        "provider": _("The log-in at %(name)s did not work. Try again, or tell your administrator what it says here:"),
        "no_address": _("%(name)s doesn't tell us your e-mail address. Your administrator has to allow that there."),
        "unconfirmed": _("%(name)s has not confirmed that %(email)s is your address, so it can't tell us who you are."),
        "other_tenant": _("Your account belongs to another organisation than the one that may log in here."),
        "guest": _("You are a guest in that organisation; only its own people may log in here."),
        "invalid": _("Your account here (%(email)s) is not valid any more. Ask your administrator."),
        "stranger": _("There is no account for %(email)s here. Ask your administrator to invite you."),
    }
    return sentences[no.code] % values

"""Programs: an agent's own tokens for the API. A token is shown once, on the page that answers its making."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postvak.mail.charsets import storable
from postvak.models import Agent, ApiToken
from postvak.tickets.programs.scopes import SCOPES
from postvak.tickets.programs.tokens import Wish, make_token, withdraw
from postvak.web.account.confirmation import confirmed
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, asking

FOR_ADMINISTRATORS = frozenset({"logs:read", "settings:read", "settings:write", "people:write", "exports:write"})
API_DOCS = "/api/v1/docs"  # no name: the addresses of the API are only known to requests that ask for them
NEVER = 0
DAYS = (30, 90, 365)


def scope_choices(agent: Agent) -> list[tuple[str, str]]:
    """What he could use himself."""
    return [(name, str(words)) for name, words in SCOPES.items() if agent.is_admin or name not in FOR_ADMINISTRATORS]


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("name"),
        max_length=100,
        help_text=gettext_lazy("What the program is, so that you know later which token may go."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("what the program may do"), widget=forms.CheckboxSelectMultiple, choices=()
    )
    days = forms.TypedChoiceField(label=gettext_lazy("valid"), coerce=int, initial=90)

    def __init__(self, agent: Agent, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        fields: dict[str, Any] = self.fields
        fields["scopes"].choices = scope_choices(agent)
        fields["days"].choices = [
            *((days, _("for %(number)s days") % {"number": days}) for days in DAYS),
            (NEVER, _("until it is withdrawn")),
        ]

    def wish(self) -> Wish:
        days = self.cleaned_data["days"]
        expires_at = timezone.now() + timedelta(days=days) if days else None
        return Wish(storable(self.cleaned_data["name"]), self.cleaned_data["scopes"], expires_at)


@never_cache
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    tokens = of(agent_of(request))
    return render(request, "programs.html", {"tokens": tokens, "docs": API_DOCS})


def of(agent: Agent) -> Sequence[ApiToken]:
    """Those that can be used first, then those that are over or withdrawn; each with `is_over`."""
    return sorted_by_use(ApiToken.objects.filter(agent=agent))


def sorted_by_use(tokens: Any) -> list[Any]:
    now, rows = timezone.now(), list(tokens)
    for row in rows:
        row.is_over = row.expires_at is not None and row.expires_at <= now
        row.is_usable = row.withdrawn_at is None and not row.is_over
        row.is_soon_over = row.is_usable and row.expires_at is not None and row.expires_at < now + timedelta(days=7)
    return sorted(rows, key=lambda row: not row.is_usable)


@never_cache
@require_http_methods(["GET", "POST"])
@confirmed
def new(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    form = TokenForm(agent, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        token, secret = make_token(agent, form.wish(), by=asking(request))
        return render(request, "program_token.html", {"token": token, "secret": secret, "docs": API_DOCS})
    context = {"form": form, "hints": {name: name for name in SCOPES}}
    return render(request, "program_new.html", context, status=422 if form.errors else 200)


@require_POST
def withdrawal(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, agent=agent_of(request))
    withdraw(token, by=asking(request))
    say(request, _("The token “%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect("programs")

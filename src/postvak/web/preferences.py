"""What each agent sets for himself: display, reading, writing, notices, absence, signature, password."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.models import Agent, Wording
from postvak.tickets.absence import is_away
from postvak.web.absence_fields import ABSENCE, AbsenceFields
from postvak.web.account import sessions
from postvak.web.flash import say
from postvak.web.identity_preview import Typed, brand_for, languages_of, preview_of
from postvak.web.pages import render
from postvak.web.placeholders import PLACEHOLDERS
from postvak.web.rule_choices import choice_lines, save_choices
from postvak.web.session import agent_of
from postvak.web.wording_fields import WordingFields

SHORTER = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")

PARTS = (Wording.Part.SIGNATURE,)
CHOICES = ("theme", "density", "after_sending")


def language_choices() -> list[tuple[str, object]]:
    return [("", gettext_lazy("like the browser")), *settings.LANGUAGES]


def zone_choices() -> list[tuple[str, object]]:
    zones = sorted(name for name in available_timezones() if name.startswith(SHORTER) or name == "UTC")
    like = gettext("like the installation (%(zone)s)") % {"zone": settings.TIME_ZONE}
    return [("", like), *((name, name.replace("_", " ")) for name in zones)]


class PreferencesForm(AbsenceFields):
    """What a page doesn't send of the choices stays as it is."""

    language = forms.ChoiceField(label=gettext_lazy("language"), required=False, choices=language_choices)
    time_zone = forms.ChoiceField(label=gettext_lazy("time zone"), required=False, choices=zone_choices)

    class Meta:
        model = Agent
        fields = (
            "language", "time_zone", "theme", "density", "newest_first", "after_sending", "undo_seconds",
            "has_shortcuts", "has_desktop_notices", "has_sound", *ABSENCE,
        )  # fmt: skip
        labels = {  # noqa: RUF012
            "newest_first": gettext_lazy("show the newest message on top"),
            "has_shortcuts": gettext_lazy("keys of one letter, such as r for an answer"),
            "has_desktop_notices": gettext_lazy("show notices of the system, too"),
            "has_sound": gettext_lazy("play a sound with a notice"),
        }
        help_texts = {  # noqa: RUF012
            "undo_seconds": gettext_lazy("0 to 60; with 0 it goes out at once."),
            "has_shortcuts": gettext_lazy(
                "They work while you are not writing. Switch them off if you use a screen reader or dictate."
            ),
            "has_desktop_notices": gettext_lazy("When Postvak is open, but you look at something else."),
        }
        widgets = {name: forms.RadioSelect for name in CHOICES}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in CHOICES:
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        return cleaned | {name: cleaned.get(name) or self.initial[name] for name in CHOICES}


class PasswordForm(forms.Form):
    """The old password, so that a forgotten screen doesn't give the account away, and the new one."""

    old = forms.CharField(
        label=gettext_lazy("present password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("new password"),
        help_text=gettext_lazy("At least 12 characters; a few unrelated words are easy to remember and hard to guess."),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, agent: Agent, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.agent = agent

    def clean_old(self) -> str:
        old: str = self.cleaned_data["old"]
        if not self.agent.check_password(old):
            raise ValidationError(gettext("This is not your present password."))
        return old

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.agent)
        return new


def preferences(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    data = request.POST if request.method == "POST" else None
    form, wordings = PreferencesForm(data, instance=agent), WordingFields(agent, PARTS, data)
    if data is not None and all([form.is_valid(), wordings.is_valid()]):
        with transaction.atomic():
            form.save()
            wordings.save(agent)
            save_choices(agent, request.POST)
        say(request, gettext("Your preferences are saved."))
        return redirect("preferences")
    return page(request, form, PasswordForm(agent), wordings)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """A mail of the agent with the signature that he types now; nothing is saved."""
    agent = agent_of(request)
    rows = WordingFields(agent, PARTS, request.POST).rows(agent)
    return preview_of(request, Typed("agent", rows, brand=brand_for(agent)))


@sensitive_post_parameters("old", "new")
def change_password(request: HttpRequest) -> HttpResponse:
    """Other sessions of the agent end; this one stays."""
    agent = agent_of(request)
    form = PasswordForm(agent, request.POST or None)
    if request.method == "POST" and form.is_valid():
        agent.set_password(form.cleaned_data["new"])
        agent.save(update_fields=["password"])
        sessions.password_changed(request, agent)
        say(request, gettext("Your password is changed. Other browsers have to log in again."))
        return redirect("preferences")
    return page(request, PreferencesForm(instance=agent), form, WordingFields(agent, PARTS))


def page(
    request: HttpRequest, form: PreferencesForm, password_form: PasswordForm, wordings: WordingFields
) -> HttpResponse:
    status = 422 if form.errors or password_form.errors or not wordings.is_valid() else 200
    away = is_away(Agent.objects.get(pk=form.instance.pk), timezone.now())
    context = {"form": form, "away": away, "password_form": password_form, "wordings": wordings}
    context |= {"placeholders": PLACEHOLDERS, "preview_languages": languages_of(wordings)}
    context |= {"choice_lines": choice_lines(form.instance)}
    return render(request, "preferences.html", context, status=status)

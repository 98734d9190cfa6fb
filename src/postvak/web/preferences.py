"""What each agent sets for himself: language, time zone, colours, time for undoing, password."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from postvak.models import Agent
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

SHORTER = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def language_choices() -> list[tuple[str, object]]:
    return [("", gettext_lazy("like the browser")), *settings.LANGUAGES]


def zone_choices() -> list[tuple[str, object]]:
    zones = sorted(name for name in available_timezones() if name.startswith(SHORTER) or name == "UTC")
    like = gettext("like the installation (%(zone)s)") % {"zone": settings.TIME_ZONE}
    return [("", like), *((name, name.replace("_", " ")) for name in zones)]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    language = forms.ChoiceField(label=gettext_lazy("language"), required=False, choices=language_choices)
    time_zone = forms.ChoiceField(label=gettext_lazy("time zone"), required=False, choices=zone_choices)

    class Meta:
        model = Agent
        fields = ("language", "time_zone", "theme", "undo_seconds")
        help_texts = {"undo_seconds": gettext_lazy("0 to 60; with 0 it goes out at once.")}  # noqa: RUF012
        widgets = {"theme": forms.RadioSelect}  # noqa: RUF012


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
        help_text=gettext_lazy("At least 10 characters; a few unrelated words are easy to remember and hard to guess."),
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
    form = PreferencesForm(request.POST or None, instance=agent)
    if request.method == "POST" and form.is_valid():
        form.save()
        say(request, gettext("Your preferences are saved."))
        return redirect("preferences")
    return page(request, form, PasswordForm(agent))


@sensitive_post_parameters("old", "new")
def change_password(request: HttpRequest) -> HttpResponse:
    """Other sessions of the agent end; this one stays."""
    agent = agent_of(request)
    form = PasswordForm(agent, request.POST or None)
    if request.method == "POST" and form.is_valid():
        agent.set_password(form.cleaned_data["new"])
        agent.save(update_fields=["password"])
        update_session_auth_hash(request, agent)
        say(request, gettext("Your password is changed. Other browsers have to log in again."))
        return redirect("preferences")
    return page(request, PreferencesForm(instance=agent), form)


def page(request: HttpRequest, form: PreferencesForm, password_form: PasswordForm) -> HttpResponse:
    status = 422 if form.errors or password_form.errors else 200
    return render(request, "preferences.html", {"form": form, "password_form": password_form}, status=status)

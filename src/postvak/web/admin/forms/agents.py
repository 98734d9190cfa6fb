"""The form of an agent."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Agent, Membership, Queue, Team
from postvak.tickets import people
from postvak.web.absence_fields import ABSENCE, AbsenceFields
from postvak.web.admin.forms.given_roles import GivenRoles
from postvak.web.preferences import language_choices

NEW_PASSWORD = _("At least 12 characters; a few unrelated words are easy to remember and hard to guess.")


class AgentForm(AbsenceFields):
    """`by`: who is changing; nobody shuts himself out."""

    language = forms.ChoiceField(label=_("language"), required=False, choices=language_choices)
    password = forms.CharField(
        label=_("password"),
        strip=False,
        max_length=1024,
        help_text=NEW_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    teams = forms.ModelMultipleChoiceField(
        label=_("teams"),
        queryset=Team.objects.none(),
        required=False,
        help_text=_("He has what they may do in their queues, too."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Agent
        fields = ("name", "email", "is_admin", "is_active", "language", *ABSENCE)
        widgets: ClassVar = {"email": forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})}
        help_texts: ClassVar = {
            "email": _("The agent logs in with it."),
            "is_admin": _("Sees every queue and changes everything in the administration."),
            "is_active": _("Agents who are not valid can't log in; their answers and notes stay."),
        }

    def __init__(self, *args: Any, by: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.add_places()
        if self.instance.pk:
            self.fields["password"].required = False
            self.fields["password"].label = _("new password")
            self.fields["password"].help_text = _("Leave it empty to keep the present one.")

    def add_places(self) -> None:
        """Queues with the agent's own role, and teams; invalid ones only where he is in them already."""
        mine = Membership.objects.filter(agent=self.instance.pk).select_related("queue").order_by("queue__name")
        has = {row.queue: role for row, role in people.own_roles(mine)}
        self.queues = GivenRoles(
            self,
            "queue",
            there=has,
            others=Queue.objects.filter(is_valid=True).exclude(pk__in=[queue.pk for queue in has]),
            label=_("more queues"),
        )
        teams: Any = self.fields["teams"]
        there = Q(members=self.instance) if self.instance.pk else Q(pk=None)
        teams.queryset = Team.objects.filter(Q(is_valid=True) | there).distinct()
        teams.initial = list(self.instance.teams.values_list("pk", flat=True)) if self.instance.pk else []

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        if Agent.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("There is already an agent with the address %(email)s.") % {"email": email})
        return email

    def clean_is_admin(self) -> bool:
        wanted: bool = self.cleaned_data["is_admin"]
        others = Agent.objects.filter(is_admin=True, is_active=True).exclude(pk=self.instance.pk)
        if self.instance.pk and not wanted and self.stored("is_admin") and not others.exists():
            raise ValidationError(gettext("This is the last administrator. Make somebody else one first."))
        return wanted

    def clean_is_active(self) -> bool:
        active: bool = self.cleaned_data["is_active"]
        if not active and self.instance.pk == self.by.pk:
            raise ValidationError(gettext("You can't make yourself invalid. Ask another administrator."))
        return active

    def stored(self, name: str) -> object:
        return self.initial.get(name)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("password"):
            try:
                about = Agent(name=cleaned.get("name", ""), email=cleaned.get("email", ""))
                validate_password(cleaned["password"], about)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned

    @transaction.atomic
    def save(self, commit: bool = True) -> Agent:
        if self.cleaned_data["password"]:
            self.instance.set_password(self.cleaned_data["password"])
        agent: Agent = super().save(commit=commit)
        people.set_queues(agent, self.queues.chosen())
        if self.add_prefix("teams") in self.data or "places" in self.data:
            people.set_teams_of(agent, list(self.cleaned_data["teams"]))
        return agent

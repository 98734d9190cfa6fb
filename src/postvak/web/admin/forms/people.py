"""The forms of roles and teams."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Agent, Queue, QueueTeam, Role, Team
from postvak.models.people import SHIPPED_ROLES
from postvak.tickets import people
from postvak.web.admin.forms.given_roles import GivenRoles

OWN_NAME = _("Empty: the name that comes with Postvak, in the language of each reader.")
RIGHTS = {
    "may_answer": _("Writes mails, internal notes and tickets by phone; takes back what waits in the outbox."),
    "may_move": _("Puts tickets into other queues that he sees, and gives them to colleagues or takes them himself."),
    "may_close": _("Also merges tickets, takes them apart, and moves messages between them."),
    "may_delete": _("Also takes them out again, and marks tickets as spam."),
    "may_administer": _("Changes this queue's settings, and who works in it. Nothing else in the administration."),
    "is_lead": _("Also hears of late tickets that nobody has."),
}


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Role
        fields = ("name", *RIGHTS)
        help_texts: ClassVar = RIGHTS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shipped, name = SHIPPED_ROLES.get(self.instance.key), self.fields["name"]
        name.required = shipped is None
        if shipped:
            name.help_text = OWN_NAME
            name.widget.attrs["placeholder"] = str(shipped)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name and Role.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("There is already a role “%(name)s”.") % {"name": name})
        return name

    def save(self, commit: bool = True) -> Role:
        role: Role = super().save(commit=False)
        if role.pk is None:
            last = Role.objects.order_by("-position").values_list("position", flat=True).first()
            role.position = (last or 0) + 10
        people.save_role(role)
        return role


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]
    members = forms.ModelMultipleChoiceField(
        label=_("members"), queryset=Agent.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Team
        fields = ("name", "is_valid", "comment")
        help_texts: ClassVar = {
            "is_valid": _("An invalid team gives no rights; its members keep those of their own roles."),
            "comment": _("For administrators only."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = Q(teams=self.instance) if self.instance.pk else Q(pk=None)
        members: Any = self.fields["members"]
        members.queryset = Agent.objects.filter(Q(is_active=True) | there).distinct().order_by("name", "pk")
        members.initial = [agent.pk for agent in self.instance.members.all()] if self.instance.pk else []
        rows = QueueTeam.objects.filter(team=self.instance.pk).select_related("queue").order_by("queue__name")
        has = {row.queue: row.role_id for row in rows}
        self.queues = GivenRoles(
            self,
            "queue",
            there=has,
            others=Queue.objects.filter(is_valid=True).exclude(pk__in=[queue.pk for queue in has]),
            label=_("more queues"),
        )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Team.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("There is already a team “%(name)s”.") % {"name": name})
        return name

    @transaction.atomic
    def save(self, commit: bool = True) -> Team:
        team: Team = super().save(commit=False)
        people.save_team(team, list(self.cleaned_data["members"]), self.queues.chosen())
        return team

"""The forms of queues and addresses."""

from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Address, Agent, Channel, Membership, NameMode, Queue, QueueTeam, Team
from postvak.tickets import people
from postvak.web.admin.forms.checked import refuse_while_needed
from postvak.web.admin.forms.given_roles import GivenRoles


class QueueForm(forms.ModelForm):  # type: ignore[type-arg]
    follow_up_days = forms.IntegerField(
        label=_("how many days this holds after closing"),
        required=False,
        min_value=1,
        max_value=36500,
        help_text=_("A mail on a ticket that has been closed for longer always opens a new, linked ticket. Empty: no limit."),
    )  # fmt: skip

    class Meta:
        model = Queue
        fields = (
            "name", "colour", "brand", "address", "follow_up", "follow_up_days", "auto_assign", "is_default", "is_valid",
        )  # fmt: skip
        widgets: ClassVar = {
            "colour": forms.RadioSelect,
            "follow_up": forms.RadioSelect,
            "auto_assign": forms.RadioSelect,
        }
        help_texts: ClassVar = {
            "address": _("Answers from this queue come from it, unless the customer wrote to another one."),
            "is_default": _("Mails that no address and no mailbox sends elsewhere land here."),
            "is_valid": _("Tickets stay in an invalid queue, but nothing new goes there."),
        }

    def __init__(self, *args: Any, by: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.add_people()
        address: Any = self.fields["address"]
        address.queryset = Address.objects.filter(Q(is_valid=True) | Q(pk=self.instance.address_id))
        address.label_from_instance = attrgetter("email")
        address.empty_label = _("none: answers come from the address that the customer wrote to")
        brand: Any = self.fields["brand"]
        brand.empty_label = None
        for name in ("follow_up", "auto_assign"):
            self.fields[name].required = False  # an answer without it leaves it as it is
        if self.instance.is_default:
            self.fields["is_default"].disabled = True
            self.fields["is_default"].help_text = _("Make another queue the default to change this.")
        if not by.is_admin:
            self.leave_to_administrators()

    def add_people(self) -> None:
        """Members and teams with their roles."""
        queue = self.instance.pk
        rows = Membership.objects.filter(queue=queue).select_related("agent").order_by("agent__name", "agent")
        has = {row.agent: role for row, role in people.own_roles(rows)}
        free = Agent.objects.filter(is_active=True).exclude(pk__in=[agent.pk for agent in has])
        self.members = GivenRoles(
            self, "member", there=has, others=free.order_by("name", "pk"), label=_("more members")
        )
        teams = QueueTeam.objects.filter(queue=queue).select_related("team").order_by("team__name")
        works = {row.team: row.role_id for row in teams}
        others = Team.objects.filter(is_valid=True).exclude(pk__in=[team.pk for team in works])
        self.teams = GivenRoles(self, "team", there=works, others=others, label=_("more teams"))

    def leave_to_administrators(self) -> None:
        """What concerns more than this queue: its face to the outside, and where mails land that nobody claims."""
        for name in ("brand", "address", "is_default", "is_valid"):
            self.fields[name].disabled = True
            self.fields[name].help_text = _("Only administrators change this.")

    def clean_follow_up(self) -> str:
        return str(self.cleaned_data["follow_up"] or Queue.FollowUp(self.instance.follow_up))

    def clean_auto_assign(self) -> str:
        return str(self.cleaned_data["auto_assign"] or Queue.AutoAssign(self.instance.auto_assign))

    def clean_is_valid(self) -> bool:
        valid: bool = self.cleaned_data["is_valid"]
        refuse_while_needed(self.instance, valid=valid)
        return valid

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("is_default") and not cleaned.get("is_valid"):
            self.add_error(
                "is_valid", gettext("The default queue has to be valid. Make another one the default first.")
            )
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """The constraint "one default" holds only after save() let the former one step back."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"is_default"}

    @transaction.atomic
    def save(self, commit: bool = True) -> Queue:
        """There is one default: the former one steps back in the same transaction."""
        if self.instance.is_default:
            Queue.objects.exclude(pk=self.instance.pk).filter(is_default=True).update(is_default=False)
        saved: Queue = super().save(commit=commit)
        people.set_members(saved, self.members.chosen())
        people.set_teams(saved, self.teams.chosen())
        return saved


class AddressForm(forms.ModelForm):  # type: ignore[type-arg]
    grouping_hours = forms.IntegerField(
        label=_("group mails within hours"),
        required=False,
        min_value=1,
        max_value=8760,
        help_text=_("When a customer with an open ticket here writes a new mail within this time, it is added to that ticket. 24 is usual. Empty: off."),
    )  # fmt: skip

    class Meta:
        model = Address
        fields = ("email", "display_name", "name_mode", "queue", "channel", "grouping_hours", "is_valid", "comment")
        widgets: ClassVar = {"email": forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})}
        help_texts: ClassVar = {
            "display_name": _("Customers see it as the sender."),
            "name_mode": _("On answers of agents. Automatic mails always have the display name."),
            "queue": _("Mails to this address land here."),
            "is_valid": _("Nothing is sent from an invalid address; mails to it still arrive."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queue: Any = self.fields["queue"]
        queue.queryset = Queue.objects.filter(Q(is_valid=True) | Q(pk=self.instance.queue_id))
        queue.empty_label = None
        if not self.instance.pk:
            queue.initial = Queue.objects.filter(is_default=True).first()
        channel: Any = self.fields["channel"]
        channel.queryset = Channel.objects.filter(Q(is_valid=True) | Q(pk=self.instance.channel_id))
        channel.empty_label = _("the brand's or the default channel")
        mode: Any = self.fields["name_mode"]
        mode.choices = [("", _("as the brand has it")), *NameMode.choices]

    def clean_email(self) -> str:
        """Lower-case and unique in that form."""
        email: str = self.cleaned_data["email"].strip().lower()
        if Address.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("There is already an address %(email)s.") % {"email": email})
        return email

    def clean_is_valid(self) -> bool:
        valid: bool = self.cleaned_data["is_valid"]
        refuse_while_needed(self.instance, valid=valid)
        return valid

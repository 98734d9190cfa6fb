"""The forms of queues and addresses."""

from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Address, Agent, Channel, NameMode, Queue


class QueueForm(forms.ModelForm):  # type: ignore[type-arg]
    follow_up_days = forms.IntegerField(
        label=_("how many days this holds after closing"),
        required=False,
        min_value=1,
        max_value=36500,
        help_text=_("A mail on a ticket that has been closed for longer always opens a new, linked ticket. Empty: no limit."),
    )  # fmt: skip

    leads = forms.ModelMultipleChoiceField(
        label=_("leads"),
        queryset=Agent.objects.none(),
        required=False,
        help_text=_("They also read the private tickets of others here, and hear of late tickets that nobody has."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Queue
        fields = (
            "name", "colour", "brand", "address", "follow_up", "follow_up_days", "auto_assign", "members", "is_default",
            "is_valid",
        )  # fmt: skip
        widgets: ClassVar = {
            "colour": forms.RadioSelect,
            "follow_up": forms.RadioSelect,
            "auto_assign": forms.RadioSelect,
            "members": forms.CheckboxSelectMultiple,
        }
        help_texts: ClassVar = {
            "address": _("Answers from this queue come from it, unless the customer wrote to another one."),
            "members": _("They read and answer the queue's tickets. Administrators see every queue anyway."),
            "is_default": _("Mails that no address and no mailbox sends elsewhere land here."),
            "is_valid": _("Tickets stay in an invalid queue, but nothing new goes there."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members: Any = self.fields["members"]
        chosen = Q(queues=self.instance) if self.instance.pk else Q(pk=None)
        members.queryset = Agent.objects.filter(Q(is_active=True) | chosen).distinct().order_by("name")
        members.required = False
        leads: Any = self.fields["leads"]
        leads.queryset = members.queryset
        leads.initial = Agent.objects.filter(membership__queue=self.instance.pk, membership__is_lead=True)
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

    def clean_follow_up(self) -> str:
        return str(self.cleaned_data["follow_up"] or Queue.FollowUp(self.instance.follow_up))

    def clean_auto_assign(self) -> str:
        return str(self.cleaned_data["auto_assign"] or Queue.AutoAssign(self.instance.auto_assign))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "members" in cleaned and "leads" in cleaned:
            cleaned["members"] = cleaned["members"] | cleaned["leads"]  # who leads belongs to the team
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
        leads = self.cleaned_data["leads"]
        saved.membership_set.exclude(agent__in=leads).update(is_lead=False)
        saved.membership_set.filter(agent__in=leads).update(is_lead=True)
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
        if not valid and self.instance.pk:
            names = Queue.objects.filter(address=self.instance, is_valid=True).values_list("name", flat=True)
            if names:
                raise ValidationError(
                    gettext("Answers are still sent from it by %(names)s. Choose another address there first.")
                    % {"names": ", ".join(names)}
                )
        return valid

"""The forms of queues and addresses."""

from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.keys.status import REQUESTED
from postvak.log.sentence import Text
from postvak.models import (
    Address,
    Agent,
    Channel,
    CryptoKey,
    Encrypt,
    Membership,
    NameMode,
    Queue,
    QueueTeam,
    Sign,
    Team,
)
from postvak.tickets import people
from postvak.tickets.queue_tree import clean_name
from postvak.web.admin.forms.checked import refuse_while_needed
from postvak.web.admin.forms.given_roles import GivenRoles
from postvak.web.admin.forms.queue_choice import queues_as_tree
from postvak.web.wording_fields import LANGUAGES


class QueueForm(forms.ModelForm):  # type: ignore[type-arg]
    follow_up_days = forms.IntegerField(
        label=_("how many days this holds after closing"),
        required=False,
        min_value=1,
        max_value=36500,
        help_text=_("A mail on a ticket that has been closed for longer always opens a new, linked ticket. Empty: no limit."),
    )  # fmt: skip

    first_language = forms.ChoiceField(
        label=_("language for everybody else"),
        required=False,
        help_text=_("Whoever writes in a language that the queue doesn't answer in gets this one."),
    )
    more_languages = forms.MultipleChoiceField(
        label=_("also answers in"),
        required=False,
        choices=list(LANGUAGES.items()),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Queue
        fields = (
            "name", "colour", "brand", "address", "sign", "encrypt", "keeps_decrypted", "follow_up", "follow_up_days", "auto_assign",
            "holds_suspicious", "answers_unverified", "commands_need_dmarc", "is_proposed", "is_default", "is_valid",
        )  # fmt: skip
        widgets: ClassVar = {
            "colour": forms.RadioSelect,
            "follow_up": forms.RadioSelect,
            "auto_assign": forms.RadioSelect,
        }
        help_texts: ClassVar = {
            "name": _("With “::” it stands below another one: Support::Hardware."),
            "holds_suspicious": _(
                "Mails that look like somebody they aren't from wait on the page “Held”, where you let them through."
            ),
            "answers_unverified": _(
                "Most mail of small senders can't be verified. Without this they get no confirmation that their mail has come."
            ),
            "commands_need_dmarc": _(
                "Lines such as “#close” in an agent's mail count only if it passes DMARC or is signed, even in a mailbox that is trusted."
            ),
            "address": _("Answers from this queue come from it, unless the customer wrote to another one."),
            "keeps_decrypted": _(
                "Else the text of encrypted mails lies here sealed only, and search and previews don't know it. An encrypted subject always does."
            ),
            "is_proposed": _(
                "New tickets may be proposed for it, or go there by themselves; those that come here may be proposed for others."
            ),
            "is_default": _("Mails that no address and no mailbox sends elsewhere land here."),
            "is_valid": _("Tickets stay in an invalid queue, but nothing new goes there."),
        }

    def __init__(self, *args: Any, by: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.add_languages()
        self.add_people()
        for name, (first, *more) in (("sign", Sign.choices), ("encrypt", Encrypt.choices)):
            choices: Any = self.fields[name]
            choices.choices = [("", first[1]), *more]
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

    def add_languages(self) -> None:
        first, *more = self.instance.languages or [""]
        known = {**LANGUAGES, **{code: LANGUAGES.get(code, code) for code in self.instance.languages}}
        every: Any = self.fields["first_language"]
        others: Any = self.fields["more_languages"]
        every.choices = [("", _("answers in every language that there are words in")), *known.items()]
        others.choices = list(known.items())
        self.initial = {**self.initial, "first_language": first, "more_languages": more}

    def clean_more_languages(self) -> list[str]:
        first, more = self.cleaned_data.get("first_language", ""), self.cleaned_data["more_languages"]
        if more and not first:
            raise ValidationError(gettext("Choose the language for everybody else, too."))
        if self.add_prefix("first_language") in self.data:  # an answer without it leaves it as it is
            self.instance.languages = [first, *(one for one in more if one != first)] if first else []
        return list(more)

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
        for name in ("brand", "address", "sign", "encrypt", "keeps_decrypted", "is_default", "is_valid"):
            self.fields[name].disabled = True
            self.fields[name].help_text = _("Only administrators change this.")

    def clean_name(self) -> str:
        """A path: "Support::Hardware" stands below "Support"."""
        try:
            return clean_name(self.cleaned_data["name"])
        except ValueError as error:
            raise ValidationError(gettext("Write a name before and behind each “::”.")) from error

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


def offer_protection(form: forms.BaseForm, wider: Text) -> None:
    """`wider`: what "" means."""
    for name, every in (("sign", Sign.choices), ("encrypt", Encrypt.choices)):
        field: Any = form.fields[name]
        field.choices = [("", wider), *every]


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
        fields = (
            "email", "display_name", "name_mode", "queue", "channel", "sign", "encrypt", "signing_key", "grouping_hours", "is_valid",
            "comment",
        )  # fmt: skip
        widgets: ClassVar = {"email": forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})}
        help_texts: ClassVar = {
            "display_name": _("Customers see it as the sender."),
            "name_mode": _("On answers of agents. Automatic mails always have the display name."),
            "queue": _("Mails to this address land here."),
            "is_valid": _("Nothing is sent from an invalid address; mails to it still arrive."),
            "signing_key": _("It has to name this address, or readers are warned that somebody else signed."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queue: Any = self.fields["queue"]
        queues_as_tree(queue, Queue.objects.filter(Q(is_valid=True) | Q(pk=self.instance.queue_id)))
        queue.empty_label = None
        if not self.instance.pk:
            queue.initial = Queue.objects.filter(is_default=True).first()
        channel: Any = self.fields["channel"]
        channel.queryset = Channel.objects.filter(Q(is_valid=True) | Q(pk=self.instance.channel_id))
        channel.empty_label = _("the brand's or the default channel")
        mode: Any = self.fields["name_mode"]
        mode.choices = [("", _("as the brand has it")), *NameMode.choices]
        offer_protection(self, _("as the queue has it"))
        key: Any = self.fields["signing_key"]
        key.queryset = CryptoKey.objects.filter(
            Q(state=CryptoKey.State.IN_USE) | Q(pk=self.instance.signing_key_id)
        ).exclude(Q(sealed_private="") | REQUESTED)
        key.empty_label = _("the newest valid one of this address")
        key.label_from_instance = name_of_key

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


def name_of_key(key: CryptoKey) -> str:
    """One of several with the same name is known by its fingerprint."""
    return f"{key} ({key.get_kind_display()}, {key.fingerprint[-8:].upper()})"

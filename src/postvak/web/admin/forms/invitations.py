"""The form that invites colleagues: several addresses, one line each."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.mail.addresses import read_addresses
from postvak.models import Agent, Queue, Role, Team
from postvak.web.admin.forms.queue_choice import queues_as_tree

MOST = 100


class InvitationForm(forms.Form):
    addresses = forms.CharField(
        label=_("e-mail addresses"),
        max_length=20_000,
        help_text=_("One per line, with or without a name: Bob Baker <bob@example.org>."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )
    queues = forms.ModelMultipleChoiceField(
        label=_("queues"),
        queryset=Queue.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    role = forms.ModelChoiceField(
        label=_("role in these queues"), queryset=Role.objects.all(), empty_label=None, required=False
    )
    teams = forms.ModelMultipleChoiceField(
        label=_("teams"),
        queryset=Team.objects.filter(is_valid=True),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_admin = forms.BooleanField(
        label=_("administrator"),
        required=False,
        help_text=_("Sees every queue and changes everything in the administration."),
    )
    language = forms.ChoiceField(
        label=_("language"),
        choices=settings.LANGUAGES,
        help_text=_("Of the mail. Each chooses their own on the page behind the link."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queues_as_tree(self.fields["queues"], Queue.objects.filter(is_valid=True))

    def clean_addresses(self) -> list[tuple[str, str]]:
        """(name, address in lower case), each address once."""
        found: dict[str, str] = {}
        for line in filter(None, map(str.strip, self.cleaned_data["addresses"].splitlines())):
            name, email = self.person_in(line)
            found.setdefault(email, name)
        if len(found) > MOST:
            raise ValidationError(gettext("Invite at most %(most)s at once.") % {"most": MOST})
        known = Agent.objects.filter(email__in=found).values_list("email", flat=True)
        if known:
            said = gettext("There is already an agent with the address %(email)s.")
            raise ValidationError([said % {"email": email} for email in known])
        return [(name, email) for email, name in found.items()]

    def person_in(self, line: str) -> tuple[str, str]:
        people = read_addresses(line.rstrip(",;"))
        try:
            if len(people) != 1:
                raise ValidationError("")
            validate_email(people[0].email)
        except ValidationError as error:
            raise ValidationError(gettext("“%(line)s” is no e-mail address.") % {"line": line[:100]}) from error
        return people[0].name[:200], people[0].email.lower()

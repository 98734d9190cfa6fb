"""Setting a password twice over: the form of everybody who gets a new one by a link."""

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from postvak.models import Agent

NEW_PASSWORD = _("At least 12 characters; a few unrelated words are easy to remember and hard to guess.")


def password_field(label: object) -> forms.CharField:
    return forms.CharField(
        label=label,  # type: ignore[arg-type]
        strip=False,
        max_length=1024,
        help_text=NEW_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class NewPasswordForm(forms.Form):
    password = password_field(_("new password"))

    def __init__(self, agent: Agent, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.agent = agent

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if "\0" in password:
            raise ValidationError(_("A password can't hold this character."))
        validate_password(password, self.agent)
        return password

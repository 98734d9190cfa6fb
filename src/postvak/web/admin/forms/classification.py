"""The forms of classification: how much each target may do, the language model, a version from elsewhere. Spec 08."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Classifier, LanguageModel, Target
from postvak.setup.classification import check_language_model
from postvak.web.admin.forms.connection import PLAIN_TEXT

Sentences = Mapping[str, str | Promise]
LARGEST = 100 * 1024 * 1024
MOST_TEXT = 20_000

HINTS: Mapping[str, Sentences] = {
    Target.QUEUE: {
        "off": _("No mail is looked at."),
        "shadow": _("It guesses for itself. Nobody sees it; the score card shows how often it would have been right."),
        "suggest": _("The ticket shows the queue that fits better. An agent accepts it with a click or the key y."),
        "act": _(
            "When it is sure enough, the new ticket goes there at once; else it is proposed. What a filter, a control header, a mailbox or a "
            "person has chosen stays. Of 20 tickets one is always left to people, without a proposal, to go on measuring."
        ),
    },
    Target.PRIORITY: {
        "off": _("No mail is looked at."),
        "shadow": _("It guesses for itself. Nobody sees it; the score card shows how often it would have been right."),
        "suggest": _("The ticket shows the priority that fits better. An agent accepts it with a click or the key y."),
        "act": _(
            "When it is sure enough, the new ticket gets that priority at once, unless a filter or a control header has chosen one; else it is "
            "proposed. Of 20 tickets one is always left to people, without a proposal, to go on measuring."
        ),
    },
    Target.SPAM: {
        "off": _("No mail is looked at."),
        "shadow": _("It guesses for itself. Nobody sees it; the score card shows how often it would have been right."),
        "suggest": _("The ticket asks whether it is spam. An agent says so with a click or the key y."),
        "act": _(
            "What is nearly certainly spam is marked and stands in the list “Spam” only. Nothing is deleted, and an agent takes the mark off with "
            "one click."
        ),
    },
}
LANGUAGE_HINTS: Sentences = {
    "off": _("It is never asked."),
    "shadow": _("It is asked, but nobody sees what it says; the score card compares it with your own classification."),
    "suggest": _("What it says is proposed on the ticket, if your own classification proposes nothing."),
    "act": _(
        "It moves a ticket only where your own classification did nothing, and once its answers have proved right."
    ),
}


class ClassifierForm(forms.ModelForm):  # type: ignore[type-arg]
    """Of spam there is nothing to wish for: it is marked only where it is nearly certain. `hints`: of the modes."""

    class Meta:
        model = Classifier
        fields = ("mode", "wished", "fewest")
        widgets: ClassVar = {"mode": forms.RadioSelect}
        labels: ClassVar = {
            "wished": _("how many of 100 shall be right"),
            "fewest": _("tickets that it must have learned"),
        }
        help_texts: ClassVar = {
            "wished": _("Of what it does by itself. The higher, the rarer it does something."),
            "fewest": _("Of a queue or priority, before it does that one by itself. With fewer it only proposes."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hints = HINTS[self.instance.target]
        if self.instance.target == Target.SPAM:
            del self.fields["wished"]
            self.fields["fewest"].help_text = _("Spam that agents have marked, before it marks some by itself.")


class LanguageModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """The key is never shown; an empty field keeps it. It is handed to no other server than the one it was entered for."""

    url = forms.URLField(
        label=_("address"),
        max_length=500,
        required=False,
        assume_scheme="https",
        widget=forms.URLInput(attrs={**PLAIN_TEXT, "placeholder": "http://127.0.0.1:11434/v1"}),
        help_text=_("Of a service that speaks as OpenAI’s does, up to before “/chat/completions”: Ollama, vLLM, or a hosted one."),
    )  # fmt: skip
    secret = forms.CharField(
        label=_("key"),
        required=False,
        strip=True,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept sealed on this server. A service of your own mostly needs none."),
    )
    drops_key = forms.BooleanField(label=_("forget the stored key"), required=False)

    class Meta:
        model = LanguageModel
        fields = ("url", "model", "timeout", "mode", "wished")
        widgets: ClassVar = {"mode": forms.RadioSelect, "model": forms.TextInput(attrs=PLAIN_TEXT)}
        labels: ClassVar = {"wished": _("how many of 100 shall be right")}
        help_texts: ClassVar = {
            "model": _("As the service calls it, such as “llama3.1:8b”."),
            "timeout": _("Then the ticket stays as it is."),
            "wished": _("Measured on its own earlier answers, before it moves anything."),
        }

    hints: ClassVar[Sentences] = LANGUAGE_HINTS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_place = place_of(self.instance.url)
        if self.instance.key:
            self.fields["secret"].help_text = _("Stored. Leave it empty to keep it.")
        else:
            del self.fields["drops_key"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wanted = LanguageModel(**{name: cleaned.get(name) or "" for name in ("url", "model", "mode")})
        if not self.errors:
            try:
                check_language_model(wanted)
            except ValidationError as error:
                self.add_error(None, error)
        has_moved = self.stored_place and place_of(wanted.url) != self.stored_place
        if has_moved and self.instance.key and not cleaned.get("secret") and not cleaned.get("drops_key"):
            said = gettext("The server changed: enter the key again. Postvak hands a stored one to no other server.")
            self.add_error("secret", said)
        if cleaned.get("drops_key"):
            self.instance.key = ""
        if cleaned.get("secret"):
            self.instance.secret = cleaned["secret"]
        if {"url", "model", "secret", "drops_key"} & set(
            self.changed_data
        ):  # what went wrong was said of what was there before
            self.instance.last_problem, self.instance.last_problem_at = "", None
        return cleaned


def place_of(url: str) -> str:
    """Scheme, name and port: what a key was entered for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() if url else ""


class TrialForm(forms.Form):
    """An invented mail for the language model."""

    subject = forms.CharField(label=_("subject"), max_length=300, required=False)
    text = forms.CharField(
        label=_("text"),
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Invent one: it is really sent there."),
    )


class VersionForm(forms.Form):
    """A version that another installation wrote."""

    file = forms.FileField(label=_("file"))

    def clean_file(self) -> bytes:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST:
            raise ValidationError(gettext("The file is too large: at most 100 MB."))
        return bytes(upload.read())

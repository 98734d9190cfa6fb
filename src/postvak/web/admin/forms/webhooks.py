"""The form of a web hook."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Queue, Webhook
from postvak.net.webhook import is_acceptable
from postvak.tickets.hooks.events import NAMES
from postvak.web.admin.forms.queue_choice import queues_as_tree


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    url = forms.URLField(
        label=_("address"),
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Postvak posts JSON there. An address inside your own network works where its network stands in POSTVAK_OWN_NETWORKS."
        ),
    )
    events = forms.MultipleChoiceField(
        label=_("events"),
        choices=list(NAMES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Without a tick: all of them, those of later versions, too."),
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "events", "queues", "is_valid")
        widgets: ClassVar = {
            "queues": forms.CheckboxSelectMultiple,
        }
        help_texts: ClassVar = {
            "queues": _("Without a tick: tickets of all queues."),
            "is_valid": _("Without this, nothing is noted down for it; what waits, waits."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queues_as_tree(self.fields["queues"], Queue.objects.all())

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if not is_acceptable(url):
            raise forms.ValidationError(
                gettext("It has to begin with http:// or https:// and may hold neither user nor password.")
            )
        return url

"""Out of office in a form: for oneself in the preferences, for others in the administration."""

from datetime import datetime
from operator import attrgetter
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Agent

ABSENCE = ("away_from", "away_until", "substitute")


class Moment(forms.DateTimeField):
    """On the clock of who fills the form in; empty: open."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(required=False, widget=widget, **kwargs)


class AbsenceFields(forms.ModelForm):  # type: ignore[type-arg]
    """A part of a form of an agent; a form that doesn't send them takes the absence off."""

    away_from = Moment(label=_("away from"), help_text=_("Empty: from now on, when there is an end."))
    away_until = Moment(label=_("away until"), help_text=_("Empty: with no known end, when there is a beginning."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        substitute: Any = self.fields["substitute"]
        others = Agent.objects.filter(is_active=True).exclude(pk=self.instance.pk)
        substitute.queryset = others.order_by("name", "pk")
        substitute.label_from_instance = attrgetter("name")
        substitute.empty_label = _("nobody")
        substitute.required = False
        substitute.help_text = _(
            "Hears the news of these tickets and finds them in the list “Mine”, as far as he may read them."
        )

    def clean_away_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["away_until"]
        begins = self.cleaned_data.get("away_from")
        if until and begins and until <= begins:
            raise forms.ValidationError(gettext("The end has to be after the beginning."))
        if until and until <= timezone.now() and until != self.instance.away_until:
            raise forms.ValidationError(gettext("The end has to be in the future. Leave both fields empty to be in."))
        return until

"""Make words in a message unreadable: say which, look at the places, then do it. Words never stand in an address (URL)."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.mail.charsets import storable
from postvak.models import Message
from postvak.tickets.access import may_in
from postvak.tickets.privacy.redaction import CannotRedact, Wish, places, redact_message
from postvak.web.desk.found import back, came_from
from postvak.web.desk.letters import find_message
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, asking

MOST_WORDS = 10_000  # letters in the field


class RedactionForm(forms.Form):
    words = forms.CharField(
        label=gettext_lazy("words, one per line"),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        required=False,
        max_length=MOST_WORDS,
        help_text=gettext_lazy(
            "Upper and lower case are the same. A line may have several words that belong together."
        ),
    )
    iban = forms.BooleanField(label=gettext_lazy("all account numbers (IBAN)"), required=False)
    phone = forms.BooleanField(label=gettext_lazy("all telephone numbers"), required=False)
    quotes = forms.BooleanField(
        label=gettext_lazy("also in later messages of this ticket"),
        help_text=gettext_lazy("Answers often quote what they answer."),
        required=False,
        initial=True,
    )
    removals = forms.TypedMultipleChoiceField(
        label=gettext_lazy("remove whole files"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Words inside a file can’t be made unreadable."),
    )
    reason = forms.CharField(label=gettext_lazy("reason"), max_length=200)

    def __init__(self, data: Any, *, message: Message) -> None:
        super().__init__(data)
        files = [
            (file.pk, file.name or _("Attachment %(number)s") % {"number": file.part})
            for file in message.attachments.all()
        ]
        if files:
            self.fields["removals"].choices = files  # type: ignore[attr-defined]
        else:
            del self.fields["removals"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not any(cleaned.get(name) for name in ("words", "iban", "phone", "removals")) and not self.errors:
            raise forms.ValidationError(_("Say what shall be made unreadable."))
        return cleaned

    @property
    def wish(self) -> Wish:
        values = self.cleaned_data
        words = tuple(line.strip() for line in storable(values["words"]).splitlines() if line.strip())
        return Wish(
            words,
            values["iban"],
            values["phone"],
            values["quotes"],
            tuple(values.get("removals", ())),
            storable(values["reason"]),
        )


@sensitive_variables("form")
@sensitive_post_parameters("words")
@require_http_methods(["GET", "POST"])
def redaction(request: HttpRequest, pk: int) -> HttpResponse:
    """POST shows the places; with `now` it does it."""
    message = find_message(request, pk)
    if not may_in(agent_of(request), message.ticket.queue_id).delete:
        raise PermissionDenied
    form = RedactionForm(request.POST or None, message=message)
    context: dict[str, Any] = {"form": form, "m": message, "ticket": message.ticket, "list_id": came_from(request)}
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("now") == "1":
                return done(request, message, form.wish)
            context["places"] = places(message, form.wish)
            context["removed"] = [file for file in message.attachments.all() if file.pk in form.wish.files]
        except CannotRedact as error:
            form.add_error(None, str(error))
        except (BlobMissing, VaultUnreachable):
            form.add_error(
                None, _("The original can’t be read at the moment, so nothing was changed. Try again later.")
            )
    return render(request, "desk/redaction.html", context, status=422 if form.errors else 200)


def done(request: HttpRequest, message: Message, wish: Wish) -> HttpResponse:
    count = redact_message(message, wish, by=asking(request))
    if count:
        say(
            request,
            ngettext("%(num)s place was made unreadable.", "%(num)s places were made unreadable.", count)
            % {"num": count},
        )
    else:
        say(request, _("None of this was found, so nothing was changed."), tone="warn")
    return back(request, message.ticket)

"""The form of an import: which kind, which file, and how."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.bring.work import on_the_server
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Queue
from postvak.web.admin.forms.queue_choice import queues_as_tree
from postvak.web.admin.imports_words import SOURCES

READY = ("mails", "otobo", "zammad", "osticket")


class ImportForm(forms.Form):
    """`file` is uploaded, or `path` names one below the data directory's `import`."""

    kind = forms.ChoiceField(label=_("kind"), widget=forms.RadioSelect)
    file = forms.FileField(label=_("File"), required=False)
    path = forms.ChoiceField(label=_("Or a file on the server"), required=False)
    queue = forms.ModelChoiceField(
        label=_("queue"),
        queryset=Queue.objects.none(),
        help_text=_("For what names no queue of its own."),
    )
    open_days = forms.IntegerField(
        label=_("leave tickets open whose last mail is younger than … days"),
        min_value=0,
        max_value=36500,
        initial=0,
        help_text=_("0: all of them are closed."),
    )
    ours = forms.CharField(
        label=_("further addresses of ours"),
        required=False,
        max_length=10000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "off"}),
        help_text=_(
            "Old addresses that you answered from: their mails are your answers. Those in Postvak count anyhow."
        ),
    )
    articles = forms.ChoiceField(
        label=_("Directory with the files of the messages"),
        required=False,
        help_text=_(
            "Only if the system kept them on disk: OTOBO's var/article (ArticleStorageFS), or the folder of osTicket's plugin for attachments."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        files, directories = on_the_server()
        queues_as_tree(self.fields["queue"], Queue.objects.filter(is_valid=True))
        self.fields["kind"].choices = [(key, SOURCES[key]) for key in READY]  # type: ignore[attr-defined]
        self.fields["path"].choices = [("", "–"), *((one, one) for one in (*files, *directories))]  # type: ignore[attr-defined]
        self.fields["articles"].choices = [("", "–"), *((one, one) for one in directories)]  # type: ignore[attr-defined]
        self.initial.setdefault("kind", "mails")
        self.initial.setdefault("queue", Queue.objects.filter(is_default=True).first())

    def clean_ours(self) -> list[str]:
        words = [word for word in re.split(r"[\s,;]+", str(self.cleaned_data["ours"])) if word]
        for word in words:
            if not is_valid_recipient(word):
                raise forms.ValidationError(gettext("“%(typed)s” is not an e-mail address.") % {"typed": word[:320]})
        return list(dict.fromkeys(normalise(word) for word in words))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("file") and not data.get("path") and not self.errors:
            self.add_error("file", gettext("Choose a file, or one on the server."))
        if data.get("file") and data.get("path"):
            self.add_error("path", gettext("Choose one of the two."))
        return data

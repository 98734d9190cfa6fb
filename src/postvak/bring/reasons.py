"""Why something was left out, as a sentence: Imported.said keeps the code and what it is about. What is to be done before it
goes live: `result["hints"]` of the job."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: Mapping[str, Promise] = {
    "no_mail": _("It is no mail: it has neither sender nor recipient nor subject."),
    "too_large": _("It is larger than a mail can be here."),
    "report": _("It is a delivery report about a mail that is not among those here."),
    "copy": _("The same mail is here already."),
    "no_sender": _("It has no sender whom a ticket could be for."),
    "broken": _("It can't be read."),
    "no_ticket": _("Its ticket is not in the source."),
    "merged": _("It was merged into another ticket there, which has its messages."),
    "empty": _("It has no messages."),
    "no_address": _("It has no valid e-mail address."),
    "file_missing": _("Its file was not found, the message came without it."),
    "row": _("The row of the source can't be read."),
    "channel": _("It is neither mail nor note: this kind of message is kept as a note."),
    "not_taken": _("There is nothing here that it could become."),
    "settings": _("It needs a person's eye; it was not taken over by itself."),
}
HINTS: Mapping[str, Promise] = {
    "filters_off": _("The filters are switched off. Look at them, then switch them on."),
    "slas_off": _("The service levels are switched off. Look at their calendars and queues, then switch them on."),
    "agents_off": _("The new agents can't log in yet. Invite those who work here."),
}


def sentence(said: str) -> str:
    """Of Imported.said: "code" or "code: detail"."""
    code, _colon, detail = said.partition(": ")
    text = str(SENTENCES.get(code, code))
    return f"{text} ({detail})" if detail else text

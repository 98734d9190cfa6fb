"""The mailbox of a demonstration: the mails that Postvak sent, and mails to Postvak written as a customer.

Only where `postvak demo` filled the installation: elsewhere these pages don't exist.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from pathlib import Path

from django import forms
from django.conf import settings
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.mail.parse import parse
from postvak.mail.values import Mail
from postvak.models import Address, Mailbox
from postvak.receive.accept import Arrived, accept
from postvak.web.flash import say
from postvak.web.pages import is_demo, render

NAME = re.compile(r"\d{20}-[0-9a-f]{8}\.eml")
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that reached somebody. `key`: the name of its file."""

    key: str
    at: datetime
    mail: Mail

    @property
    def to(self) -> str:
        return ", ".join(self.mail.delivered_to)


class CustomerMailForm(forms.Form):
    """What a customer writes; `answers` is the key of the mail that he answers."""

    sender = forms.EmailField(label=gettext_lazy("from"), max_length=254)
    to = forms.ChoiceField(label=gettext_lazy("to"))
    subject = forms.CharField(label=gettext_lazy("subject"), max_length=200)
    text = forms.CharField(label=gettext_lazy("text"), widget=forms.Textarea(attrs={"rows": 8}))
    answers = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        emails = Address.objects.filter(is_valid=True).order_by("email").values_list("email", flat=True)
        self.fields["to"].choices = [(email, email) for email in emails]  # type: ignore[attr-defined]


def folder() -> Path:
    if not is_demo():
        raise Http404
    return Path(settings.CONFIGURATION.demo)


def inbox(request: HttpRequest) -> HttpResponse:
    """The newest mails."""
    return render(request, "demo/inbox.html", {"mails": list(newest(folder()))})


def newest(place: Path) -> Iterator[Sent]:
    names = sorted((path.name for path in place.glob("*.eml")), reverse=True)
    return (read(place, name) for name in names[:SHOWN])


def read(place: Path, name: str) -> Sent:
    """Raises Http404."""
    if not NAME.fullmatch(name) or not (place / name).is_file():
        raise Http404
    at = datetime.fromtimestamp(int(name[:20]) / 1e9, tz=UTC)
    return Sent(name, at, parse((place / name).read_bytes()))


def show(request: HttpRequest, key: str) -> HttpResponse:
    """One mail, and an answer to it."""
    sent = read(folder(), key)
    ours = sent.mail.author.email if sent.mail.author else ""
    subject = sent.mail.subject if sent.mail.subject[:3].lower() == "re:" else f"Re: {sent.mail.subject}"
    start = {"sender": sent.mail.delivered_to[0] if sent.mail.delivered_to else "", "to": ours, "subject": subject}
    return render(request, "demo/mail.html", {"sent": sent, "form": CustomerMailForm(initial=start | {"answers": key})})


def write(request: HttpRequest) -> HttpResponse:
    """A mail to Postvak: through the same entrance as every other."""
    place = folder()
    form = CustomerMailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        raw = compose(place, form.cleaned_data)
        mailbox = Mailbox.objects.get(kind=Mailbox.Kind.LOCAL)
        accept(mailbox, [Arrived(f"demo/{secrets.token_hex(8)}", raw, timezone.now())])
        say(request, _("The mail is on its way: it is a ticket in a moment."))
        return redirect("demo")
    return render(request, "demo/write.html", {"form": form}, status=422 if form.errors else 200)


def compose(place: Path, values: dict[str, str]) -> bytes:
    mail = EmailMessage(policy=SMTP)
    validate_email(values["sender"])
    mail["From"] = formataddr(("", values["sender"]))
    mail["To"], mail["Subject"] = values["to"], " ".join(values["subject"].split())
    mail["Date"] = format_datetime(timezone.now())
    mail["Message-ID"] = f"<{secrets.token_hex(12)}@{values['sender'].rpartition('@')[2]}>"
    if values["answers"]:
        answered = read(place, values["answers"]).mail
        if answered.message_id:
            mail["In-Reply-To"] = f"<{answered.message_id}>"
            mail["References"] = " ".join(f"<{one}>" for one in (*answered.references, answered.message_id))
    mail.set_content(values["text"].replace("\r\n", "\n") + "\n", cte="quoted-printable")
    return mail.as_bytes()

"""The form of a mailbox."""

import json
from datetime import datetime, time
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Channel, Mailbox, Queue
from postvak.web.admin.forms.connection import CONNECTION_WIDGETS, PLAIN_TEXT, ConnectionMixin, password_field
from postvak.web.admin.forms.forwarding import ForwardingMixin
from postvak.web.admin.forms.queue_choice import queues_as_tree
from postvak.web.admin.forms.trust import TRUST_FIELDS, TrustMixin

Kind, AfterStoring = Mailbox.Kind, Mailbox.AfterStoring
PORTS = {
    "imap/tls": 993,
    "imap/starttls": 143,
    "imap/none": 143,
    "pop3/tls": 995,
    "pop3/starttls": 110,
    "pop3/none": 110,
}
ANSWERED = _("Confirmations and the other mails of the message centre. Off: whoever writes to this mailbox gets none.")
LOOK, ALL, NOW, DATE = "look", "all", "now", "date"


class MailboxForm(TrustMixin, ForwardingMixin, ConnectionMixin):
    kinds_with_server = (Kind.IMAP, Kind.POP3)
    ports = json.dumps(PORTS)

    kind = forms.ChoiceField(label=_("kind"), choices=[(Kind.IMAP, "IMAP"), (Kind.POP3, "POP3")])
    password = password_field()
    start = forms.ChoiceField(
        label=_("which mails become tickets"),
        choices=[
            (LOOK, _("none yet: look only")),
            (ALL, _("all that are there")),
            (NOW, _("only those that arrive from now on")),
            (DATE, _("those since a date")),
        ],
        widget=forms.RadioSelect,
    )
    start_date = forms.DateField(
        label=_("start date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    interval = forms.IntegerField(
        label=_("interval in seconds"),
        min_value=10,
        max_value=86400,
        help_text=_("How often Postvak looks for new mail."),
    )
    size_limit = forms.IntegerField(
        label=_("size limit in MB"),
        min_value=1,
        max_value=1000,
        help_text=_("Larger mails are held for a person."),
    )

    class Meta:
        model = Mailbox
        fields = (
            "name", "kind", "host", "port", "security", "verify_tls", "ca_pem", "username", "forward_addresses", "folders", "queue",
            "reply_via", "after_storing", "move_to", "imports_closed", "answers_automatically", "interval", "silence_limit", "size_limit", "validity",
            "comment", *TRUST_FIELDS,
        )  # fmt: skip
        widgets: ClassVar = {
            **CONNECTION_WIDGETS,
            **TrustMixin.trust_widgets,
            "after_storing": forms.RadioSelect,
            "validity": forms.RadioSelect,
            "forward_addresses": forms.Textarea(attrs={**PLAIN_TEXT, "rows": 3}),
        }
        help_texts: ClassVar = {
            **TrustMixin.trust_help,
            "forward_addresses": _(
                "One on each line. They belong to this installation, and other mail servers send to them."
            ),
            "folders": _("Several with a comma between them."),
            "ca_pem": _("Only if the server has a certificate of your own authority."),
            "answers_automatically": ANSWERED,
            "imports_closed": _("New tickets are closed at once: for mail of the past."),
            "silence_limit": _("No successful fetch for longer than this is an alarm."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_queue_and_channel(self)
        for name in {"interval", "size_limit"} & set(self.fields):
            self.fields[name].initial = getattr(self.instance, name)  # declared fields don't take the model's default
        if self.instance.pk and self.instance.is_look_only:
            del self.fields["start"], self.fields["start_date"]  # the preview page decides when it goes live
        if "start" in self.fields:
            started = self.instance.start_at
            self.fields["start"].initial = LOOK if not self.instance.pk else DATE if started else ALL
            self.fields["start_date"].initial = timezone.localtime(started).date() if started else None

    def clean_folders(self) -> str:
        names = [name.strip() for name in self.cleaned_data["folders"].split(",") if name.strip()]
        return ", ".join(dict.fromkeys(names)) or "INBOX"

    def clean_start_date(self) -> Any:
        day = self.cleaned_data["start_date"]
        if self.cleaned_data.get("start") == DATE and day is None:
            raise ValidationError(gettext("Enter the date from which on mails become tickets."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        after = cleaned.get("after_storing")
        if cleaned.get("kind") == Kind.POP3 and after in {AfterStoring.SEEN, AfterStoring.MOVE}:
            self.add_error("after_storing", gettext("POP3 knows neither marks nor folders: leave or delete."))
        if after == AfterStoring.MOVE and not cleaned.get("move_to"):
            self.add_error("move_to", gettext("Enter the folder that mails are moved to."))
        if after == AfterStoring.MOVE and cleaned.get("move_to") in (cleaned.get("folders") or "").split(", "):
            self.add_error("move_to", gettext("This folder is fetched from: mails would come back. Choose another."))
        return cleaned

    def save(self, commit: bool = True) -> Mailbox:
        """A change of the connection makes the mailbox due at once, so that it shows whether it helped."""
        mailbox: Mailbox = self.instance
        if "start" in self.fields and (not mailbox.pk or {"start", "start_date"} & set(self.changed_data)):
            mailbox.start_at = self.start_at()
            mailbox.is_look_only = self.cleaned_data["start"] == LOOK
        if {"host", "port", "security", "username", "password", "grant", "kind", "folders", "validity"} & set(
            self.changed_data
        ):
            mailbox.next_fetch_at = None
        saved: Mailbox = super().save(commit=commit)
        return saved

    def start_at(self) -> datetime | None:
        if self.cleaned_data["start"] == NOW:
            return timezone.now()
        if self.cleaned_data["start"] == DATE:
            return timezone.make_aware(datetime.combine(self.cleaned_data["start_date"], time.min))  # noqa: DTZ001
        return None


class LocalMailboxForm(TrustMixin):
    """The mailbox of `postvak ingest`: no server, only where its mails go."""

    has_server = False

    class Meta:
        model = Mailbox
        fields = (
            "name",
            "queue",
            "reply_via",
            "answers_automatically",
            "size_limit",
            "validity",
            "comment",
            *TRUST_FIELDS,
        )
        widgets: ClassVar = {"validity": forms.RadioSelect, **TrustMixin.trust_widgets}
        help_texts: ClassVar = {**TrustMixin.trust_help, "answers_automatically": ANSWERED}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_queue_and_channel(self)


def offer_queue_and_channel(form: Any) -> None:
    """Valid rows and the one that is chosen; the empty choice says what happens without."""
    if "queue" in form.fields:
        queue = form.fields["queue"]
        queues_as_tree(queue, Queue.objects.filter(Q(is_valid=True) | Q(pk=form.instance.queue_id)))
        queue.label, queue.empty_label = _("queue"), _("by the address that the mail was sent to")
    if "reply_via" in form.fields:
        channel = form.fields["reply_via"]
        channel.queryset = Channel.objects.filter(Q(is_valid=True) | Q(pk=form.instance.reply_via_id))
        channel.empty_label = _("as address and brand say")

"""What the form of a mailbox has about who is believed: control headers, checks of other servers, agents' mail."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from postvak.models import Mailbox
from postvak.process.recognition import read_senders
from postvak.web.admin.forms.connection import PLAIN_TEXT

TRUST_FIELDS = (
    "is_trusted", "trusted_senders", "receiving_host", "agents_mail", "agents_commands", "agents_forwards",
)  # fmt: skip


class TrustMixin(forms.ModelForm):  # type: ignore[type-arg]
    """For a ModelForm of Mailbox with TRUST_FIELDS, or without them."""

    trust_widgets: ClassVar[dict[str, object]] = {
        "trusted_senders": forms.Textarea(attrs={**PLAIN_TEXT, "rows": 3}),
        "receiving_host": forms.TextInput(attrs=PLAIN_TEXT),
        "agents_mail": forms.RadioSelect,
    }
    trust_help: ClassVar[dict[str, object]] = {
        "is_trusted": _(
            "Control headers in its mails (X-Postvak-Queue, X-OTOBO-Priority and the like) are obeyed: they choose queue, status, owner and more."
        ),
        "trusted_senders": _(
            "One address or domain on each line. Then only their mails are obeyed, and only those that pass DMARC or bear a good DKIM signature of their domain, which must cover the control headers, too. "
            "Empty: the mails of everybody."
        ),
        "receiving_host": _(
            "The name with which your mail server begins its header Authentication-Results, such as mx.example.org. What it found about SPF, DKIM and DMARC is believed, what others claim isn't. Empty: nobody is."
        ),
        "agents_commands": _("Lines such as “#close” or “#assign me” in an agent's mail change the ticket."),
        "agents_forwards": _("When an agent forwards a mail here, the ticket is its first sender's, not the agent's."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "agents_mail" in self.fields:
            self.fields["agents_mail"].required = False  # an answer without it leaves it as it is

    def clean_trusted_senders(self) -> str:
        return read_senders(self.cleaned_data["trusted_senders"])

    def clean_receiving_host(self) -> str:
        host: str = self.cleaned_data["receiving_host"].strip().rstrip(".;").lower()
        if host and self.instance.kind == Mailbox.Kind.FORWARD:
            raise forms.ValidationError(
                _("Leave this empty for a forwarding address: anybody can send there and write such a header.")
            )
        return host

    def clean_agents_mail(self) -> str:
        return str(self.cleaned_data["agents_mail"] or Mailbox.AgentsMail(self.instance.agents_mail))

"""Sections of connected accounts, sending channels, mailboxes and signing keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone

from postvak.models import Channel, Grant, Mailbox, Queue, SigningKey
from postvak.send.channel_rules import check_channel_settings
from postvak.send.signing import make_pair
from postvak.setup.channels import CHANNEL_FIELDS, LATE_CHANNEL_FIELDS
from postvak.setup.fields import Field, Flag, ForwardAddresses, Moment, Number, Senders, Text, Texts, Value
from postvak.setup.references import Reference
from postvak.setup.removal import a_signing_key
from postvak.setup.sealed import Secret
from postvak.setup.section import Section

BETWEEN = "._domainkey."  # selector and domain, as in DNS (RFC 6376, 3.6.2.1)
CONNECTION: Mapping[str, Field] = {
    "kind": Text("kind"),
    "host": Text("host"),
    "port": Number("port"),
    "security": Text("security"),
    "verify_tls": Flag("verify_tls"),
    "ca_pem": Text("ca_pem"),
    "username": Text("username"),
    "password": Secret("password"),
    "grant": Reference("grant", Grant, "name"),
}


@dataclass(frozen=True)
class KeySection(Section):
    """Only that there is a key of this name: a new installation makes one of its own, and signs with it when DNS has it."""

    def rows(self) -> Iterable[Model]:
        return SigningKey.objects.all()

    def key_of(self, row: Model) -> Value:
        return str(row)

    def find(self, key: str) -> Model | None:
        selector, _between, domain = key.partition(BETWEEN)
        return SigningKey.objects.filter(selector=selector, domain=domain).first()

    def make(self, key: str) -> Model:
        selector, _between, domain = key.partition(BETWEEN)
        row = SigningKey(selector=selector, domain=domain, created_at=timezone.now())
        row.private, row.public = make_pair()
        return row


def key_name(name: str) -> str:
    selector, between, domain = name.strip().lower().partition(BETWEEN)
    if not (selector and between and domain):
        raise ValidationError(f"write the name as in DNS: selector{BETWEEN}example.org")
    return f"{selector}{between}{domain}"


class LocalMailboxes(Section):
    def is_shipped(self, row: Model) -> bool:
        return cast(Mailbox, row).kind == Mailbox.Kind.LOCAL


GRANTS = Section(
    "grant",
    Grant,
    "name",
    {
        "provider": Text("provider"),
        "flow": Text("flow"),
        "tenant": Text("tenant"),
        "client_id": Text("client_id"),
        "client_secret": Secret("client_secret"),
        "account": Text("account"),
        "endpoints": Texts("endpoints"),
    },
)
CHANNELS = Section(
    "channel", Channel, "name", {**CONNECTION, **CHANNEL_FIELDS}, LATE_CHANNEL_FIELDS, check=check_channel_settings
)
SIGNING_KEYS = KeySection("signing_key", SigningKey, "name", {}, normalise=key_name, remove=a_signing_key)
MAILBOXES = LocalMailboxes(
    "mailbox",
    Mailbox,
    "name",
    {
        **CONNECTION,
        "token": Secret("password"),  # of the kind "http"
        "forward_addresses": ForwardAddresses("forward_addresses"),
        "folders": Text("folders"),
        "queue": Reference("queue", Queue, "name"),
        "reply_via": Reference("reply_via", Channel, "name"),
        "start_at": Moment("start_at"),
        "after_storing": Text("after_storing"),
        "move_to": Text("move_to"),
        "look_only": Flag("is_look_only"),
        "import_as_closed": Flag("imports_closed"),
        "answers_automatically": Flag("answers_automatically"),
        "silence_limit": Number("silence_limit"),
        "interval": Number("interval"),
        "size_limit": Number("size_limit"),
        "trusted": Flag("is_trusted"),
        "trusted_senders": Senders("trusted_senders"),
        "receiving_host": Text("receiving_host"),
        "agents_mail": Text("agents_mail"),
        "agents_commands": Flag("agents_commands"),
        "agents_forwards": Flag("agents_forwards"),
        "validity": Text("validity"),
        "comment": Text("comment"),
    },
)
ACCOUNT_SECTIONS: Sequence[Section] = (GRANTS, CHANNELS, SIGNING_KEYS)

"""Everything for a connected account in one go: mailbox, sending channel, address. Spec 01.

What is there already stays and is only connected.
"""

from typing import TypeVar

from django.db import transaction

from postvak.connect.registration import overrides_of
from postvak.models import Address, Channel, Grant, Mailbox, Queue
from postvak.net.oauth_providers import server

Row = TypeVar("Row", Mailbox, Channel)


@transaction.atomic
def set_up(grant: Grant, queue: Queue) -> Mailbox:
    """The mailbox; a new one only looks until somebody takes it live."""
    channel = channel_of(grant)
    Address.objects.get_or_create(email=grant.account.lower(), defaults={"queue": queue, "channel": channel})
    Address.objects.filter(email=grant.account.lower(), channel=None).update(channel=channel)
    return mailbox_of(grant, queue, channel)


def channel_of(grant: Grant) -> Channel:
    channel = Channel.objects.filter(grant=grant).first() or same_account(Channel, grant)
    if channel is None:
        first = not Channel.objects.filter(is_default=True).exists()
        channel = Channel(name=free_name(Channel, grant.account), is_default=first)
    host, port = server(grant.provider, "smtp", overrides_of(grant))
    channel.host, channel.port, channel.security = host, port, Channel.Encryption.STARTTLS
    log_in_with(channel, grant)
    channel.paused_until = None
    channel.save()
    return channel


def mailbox_of(grant: Grant, queue: Queue, channel: Channel) -> Mailbox:
    mailbox = Mailbox.objects.filter(grant=grant).first() or same_account(Mailbox, grant)
    if mailbox is None:
        mailbox = Mailbox(name=free_name(Mailbox, grant.account), queue=queue, is_look_only=True)
    host, port = server(grant.provider, "imap", overrides_of(grant))
    mailbox.host, mailbox.port, mailbox.security = host, port, Mailbox.Encryption.TLS
    mailbox.kind = Mailbox.Kind.IMAP
    mailbox.reply_via = mailbox.reply_via or channel
    log_in_with(mailbox, grant)
    mailbox.next_fetch_at = None
    mailbox.save()
    return mailbox


def same_account(model: type[Row], grant: Grant) -> Row | None:
    """The one that used this account with a password until now."""
    host, _port = server(grant.provider, "smtp" if model is Channel else "imap", overrides_of(grant))
    found: Row | None = model._default_manager.filter(username__iexact=grant.account, host=host).first()
    return found


def log_in_with(row: Mailbox | Channel, grant: Grant) -> None:
    row.grant, row.username, row.sealed_password = grant, grant.account, ""


def free_name(model: type[Row], wanted: str) -> str:
    """`wanted`, or "wanted (2)" and so on if that name is taken."""
    taken = set(model._default_manager.values_list("name", flat=True))
    name, number = wanted[:90], 2
    while name in taken:
        name, number = f"{wanted[:90]} ({number})", number + 1
    return name

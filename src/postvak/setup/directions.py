"""One button for both directions of a mailbox: log in and look where mail comes in, log in where answers go out.

The way out is the channel that is chosen for answers, else what belongs to the account: a channel with the same
connected account, or the SMTP server of the same provider with the same user and password. Nothing is saved.
"""

from dataclasses import dataclass

from django.utils.translation import gettext

from postvak.connect.registration import overrides_of
from postvak.models import Channel, Grant, Mailbox
from postvak.net.oauth_providers import server
from postvak.net.providers import provider_with
from postvak.setup.checks import Check, check_channel, check_mailbox


@dataclass(frozen=True, slots=True)
class Direction:
    """One line of the answer. `check` is None where there was nothing to test; then `note` says why."""

    label: str
    check: Check | None
    note: str = ""


def check_directions(mailbox: Mailbox) -> tuple[Direction, Direction]:
    """The two log-ins one after the other; the second also when the first fails."""
    receiving = Direction(gettext("Receiving"), check_mailbox(mailbox))
    channel = way_out(mailbox)
    if channel is None:
        note = gettext("Not tested: no sending channel is chosen, and Postvak doesn't know the one of this provider.")
        return receiving, Direction(gettext("Sending"), None, note)
    return receiving, Direction(gettext("Sending"), check_channel(channel))


def way_out(mailbox: Mailbox) -> Channel | None:
    """A row, or one that isn't saved."""
    if mailbox.reply_via is not None:
        return mailbox.reply_via
    if mailbox.grant is not None:
        return Channel.objects.filter(grant=mailbox.grant).first() or channel_of_grant(mailbox, mailbox.grant)
    return channel_of_provider(mailbox)


def channel_of_grant(mailbox: Mailbox, grant: Grant) -> Channel:
    host, port = server(grant.provider, "smtp", overrides_of(grant))
    facts = {"host": host, "port": port, "security": Channel.Encryption.STARTTLS, "ca_pem": mailbox.ca_pem}
    return Channel(username=mailbox.username, grant=grant, **facts)


def channel_of_provider(mailbox: Mailbox) -> Channel | None:
    """Only where the mailbox's own server is this provider's: its password is handed to nobody else."""
    provider = provider_with(mailbox.host, mailbox.username)
    if provider is None:
        return None
    smtp = provider.smtp
    facts = {"host": smtp.host, "port": smtp.port, "security": smtp.security.value}
    return Channel(username=mailbox.username, sealed_password=mailbox.sealed_password, **facts)

"""How much a channel may do at once, counted over all workers: connections at the same time, recipients per minute.

Both are asked and noted while the channel's row is locked (outbox.claim). A connection is a row of Lease that its
worker renews while it lives; the running minute stands in the channel's row. Mails that have to wait stay as they are.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from postvak.models import Channel, Lease, OutgoingMail

MINUTE = timedelta(minutes=1)
KEPT = timedelta(seconds=60)  # a worker that lives renews in time
FORGOTTEN = timedelta(hours=1)


def is_free_line(channel: Channel, worker: str, now: datetime) -> bool:
    """May `worker` have a connection (or keep the one that it has)?"""
    others = Lease.objects.filter(name__startswith=f"sending:{channel.pk}:", until__gt=now)
    return others.exclude(name=line_name(channel, worker)).count() < channel.connections


def take_line(channel: Channel, worker: str, now: datetime) -> None:
    Lease.objects.update_or_create(name=line_name(channel, worker), defaults={"owner": worker, "until": now + KEPT})


def renew_lines(workers: Iterable[str], now: datetime) -> None:
    """Those that live still have their connections, however long the server takes for a mail. What dead ones left goes."""
    lines = Lease.objects.filter(name__startswith="sending:")
    lines.filter(owner__in=list(workers)).update(until=now + KEPT)
    lines.filter(until__lt=now - FORGOTTEN).delete()


def give_back_lines(worker: str) -> None:
    Lease.objects.filter(name__startswith="sending:", owner=worker).delete()


def line_name(channel: Channel, worker: str) -> str:
    return f"sending:{channel.pk}:{worker}"


def has_room(now: datetime) -> Q:
    """Channels that may send to at least one more recipient now."""
    no_limit = Q(rate_per_minute=None) | Q(rate_from=None)
    return no_limit | Q(rate_from__lte=now - MINUTE) | Q(rate_used__lt=F("rate_per_minute"))


def room(channel: Channel, now: datetime) -> int | None:
    """How many recipients the channel may still send to in this minute; None: as many as there are."""
    if channel.rate_per_minute is None:
        return None
    return max(0, channel.rate_per_minute - used(channel, now))


def used(channel: Channel, now: datetime) -> int:
    return channel.rate_used if channel.rate_from is not None and channel.rate_from > now - MINUTE else 0


def use(channel: Channel, recipients: int, now: datetime) -> None:
    if channel.rate_per_minute is None:
        return
    before = used(channel, now)
    channel.rate_from = channel.rate_from if before else now
    channel.rate_used = before + recipients
    Channel.objects.filter(pk=channel.pk).update(rate_from=channel.rate_from, rate_used=channel.rate_used)


def goes_on_at(channel: Channel, now: datetime) -> datetime | None:
    """When the channel, which has sent as much as it may in this minute, goes on; None: it isn't waiting."""
    if channel.rate_from is None or room(channel, now) != 0:
        return None
    return channel.rate_from + MINUTE


def wake(channel: Channel, now: datetime) -> None:
    """End the pause; mails that wait for the channel are due at once."""
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(paused_until=None)
        waiting = OutgoingMail.objects.filter(channel=channel, next_attempt_at__gt=now, attempts__gt=0)
        waiting.update(next_attempt_at=now)

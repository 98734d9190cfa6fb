"""Keys of the index rise with the time of the message: newest first is the order of keys, a time is a range of them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from postvak.models import Message, SearchEntry

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
PER_SECOND = 4096
LAST = (1 << 32) - 1  # seconds; the year 2136


def first_key(at: datetime) -> int:
    """The smallest key of this second."""
    seconds = int((at - EPOCH).total_seconds())
    return max(0, min(seconds, LAST)) * PER_SECOND


def keys_for(messages: list[Message]) -> Mapping[int, int]:
    """Message -> key: the one it has; a new one of its second; the next free one where that is taken."""
    known = dict(SearchEntry.objects.filter(message__in=messages).values_list("message_id", "pk"))
    fresh = [message for message in messages if message.pk not in known]
    wished = {message.pk: first_key(message.created_at) + message.pk % PER_SECOND for message in fresh}
    taken = set(known.values())
    while open_keys := {pk: key for pk, key in wished.items() if pk not in known}:
        taken |= set(SearchEntry.objects.filter(pk__in=open_keys.values()).values_list("pk", flat=True))
        for pk, key in open_keys.items():
            if key in taken:
                wished[pk] = key + 1
            else:
                known[pk] = key
                taken.add(key)
    return known

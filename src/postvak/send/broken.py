"""A channel by which nothing goes out is an alarm by itself, whatever its reason. Spec 04."""

from postvak.models import Channel

ALARMING = 4  # failures one after the other: with the pauses between them some seven minutes (send.record)


def broken_channels() -> list[Channel]:
    """Valid channels whose last attempts all failed by their own fault: no connection, or the log-in was refused."""
    return list(Channel.objects.filter(is_valid=True, failures__gte=ALARMING))

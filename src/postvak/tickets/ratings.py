"""What customers think of our help. Spec 09 (Customers)."""

from django.utils import timezone

from postvak.models import Rating, Ticket

LONGEST = 4000


def rate(ticket: Ticket, value: int, comment: str) -> None:
    """The last rating counts. Raises ValueError when `value` is none of Rating.Value."""
    value = Rating.Value(value)
    comment = comment.replace("\x00", "").strip()[:LONGEST]
    Rating.objects.update_or_create(ticket=ticket, defaults={"value": value, "comment": comment, "at": timezone.now()})

"""What rows of lists can show beside status, subject and marks."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

COLUMNS: Mapping[str, str | Promise] = {
    "customer": _("Customer"),
    "preview": _("Beginning of the newest message"),
    "number": _("Number"),
    "queue": _("Queue"),
    "tags": _("Tags"),
    "assignee": _("Assignee"),
    "files": _("Attached files"),
    "messages": _("Number of messages"),
    "due": _("Time until the answer is due"),
    "when": _("Waiting since, or last change"),
    "created": _("Opened at"),
}
USUAL_COLUMNS = ("customer", "preview", "queue", "tags", "assignee", "files", "messages", "due", "when")


def readable(stored: object) -> tuple[str, ...]:
    """Of what was stored or sent, the names that there are, in their order; none when nothing is left."""
    names = {name for name in stored if isinstance(name, str)} if isinstance(stored, list | tuple) else set()
    return tuple(name for name in COLUMNS if name in names)

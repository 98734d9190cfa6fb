"""Changes of many tickets in words: what is asked, what was done."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from postvak.models import BulkChange
from postvak.tickets.bulk import UNDO

NAMES: Mapping[str, str | Promise] = {
    "assign": gettext_lazy("Assign"),
    "queue": gettext_lazy("Move to another queue"),
    "status": gettext_lazy("Set the status"),
    "priority": gettext_lazy("Set the priority"),
    "high": gettext_lazy("Set or remove the mark for high priority"),
    "tag": gettext_lazy("Add tags"),
    "untag": gettext_lazy("Remove tags"),
    "personal": gettext_lazy("Mark as personal, or no longer"),
    "private": gettext_lazy("Make private, or no longer"),
    "spam": gettext_lazy("Mark as spam, or as no spam"),
    "read": gettext_lazy("Mark as read or unread"),
    "archive": gettext_lazy("Mark as read and close without an answer"),
    "trash": gettext_lazy("Move to the trash"),
    "restore": gettext_lazy("Take out of the trash"),
    "merge": gettext_lazy("Merge into one ticket"),
    "answer": gettext_lazy("Answer with a template"),
    "export": gettext_lazy("Export"),
}
DONE: Mapping[str, Promise] = {
    "assign": ngettext_lazy("%(num)s ticket was assigned.", "%(num)s tickets were assigned.", "num"),
    "queue": ngettext_lazy("%(num)s ticket was moved.", "%(num)s tickets were moved.", "num"),
    "status": ngettext_lazy("%(num)s ticket has its new status.", "%(num)s tickets have their new status.", "num"),
    "archive": ngettext_lazy("%(num)s ticket was closed.", "%(num)s tickets were closed.", "num"),
    "trash": ngettext_lazy("%(num)s ticket is in the trash.", "%(num)s tickets are in the trash.", "num"),
    "restore": ngettext_lazy("%(num)s ticket is out of the trash.", "%(num)s tickets are out of the trash.", "num"),
    "merge": ngettext_lazy("%(num)s ticket was merged.", "%(num)s tickets were merged.", "num"),
    "answer": ngettext_lazy("%(num)s answer is on its way.", "%(num)s answers are on their way.", "num"),
    UNDO: ngettext_lazy("%(num)s ticket is as it was before.", "%(num)s tickets are as they were before.", "num"),
}
CHANGED = ngettext_lazy("%(num)s ticket was changed.", "%(num)s tickets were changed.", "num")


def name_of(change: BulkChange) -> str:
    if change.verb == UNDO:
        return _("Undo: %(name)s") % {"name": NAMES.get(change.parameters.get("verb", ""), "")}
    return str(NAMES.get(change.verb, change.verb))


def done_count(change: BulkChange) -> int:
    """Tickets that were dealt with; a merge's own target is none that was merged. What was stopped isn't counted."""
    if change.verb == UNDO:
        return change.total - len(change.tickets) - len(change.skipped)
    if change.verb == "merge" or change.undone_at:
        return len(change.before)
    return change.total - len(change.tickets) - len(change.skipped)


def what_was_done(change: BulkChange) -> str:
    done, left = done_count(change), len(change.skipped)
    if not change.before and not left and change.verb != UNDO:
        return _("They were so already; nothing was changed.")
    words = str(DONE.get(change.verb, CHANGED) % {"num": done}) if done or not left else ""
    if left:
        alone = ngettext("%(num)s ticket was left alone.", "%(num)s tickets were left alone.", left) % {"num": left}
        words = f"{words} {alone}".strip()
    return words

"""What filters can do: each action sets a control, as a header of a trusted mail would. One row per action. Spec 03."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.process.controls import FIELD, FOLLOW_UP, control_of, is_known
from postvak.process.filters.draft import BOTH, NEW, Action
from postvak.process.filters.draft import FOLLOW_UP as ON_FOLLOW_UP

HEADER = "header:"
CUSTOM_FIELD = "field:"


class Needs(StrEnum):
    """What the value of an action is; decides its check and its input."""

    nothing = "nothing"
    text = "text"
    queue = "queue"
    status = "status"
    priority = "priority"
    type = "type"
    agent = "agent"
    moment = "moment"
    tags = "tags"
    field = "field"
    address = "address"
    organisation = "organisation"
    header = "header"


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of action. `control` is set to the value, or to `fixed`. `usually`: where it applies when nothing is
    said; `only` there, if given: elsewhere it would mean nothing.
    """

    label: str | Promise
    needs: Needs
    control: str
    fixed: str = ""
    usually: str = NEW
    only: str = ""


ACTIONS: Mapping[str, Sort] = {
    "queue": Sort(_("Put into the queue"), Needs.queue, "queue"),
    "status": Sort(_("Set the status"), Needs.status, "state"),
    "pending": Sort(_("Wait until"), Needs.moment, "state-pendingtime"),
    "keep_status": Sort(_("Leave the status as it is"), Needs.nothing, "state-keep", "1", ON_FOLLOW_UP, ON_FOLLOW_UP),
    "priority": Sort(_("Set the priority"), Needs.priority, "priority"),
    "type": Sort(_("Set the type"), Needs.type, "type"),
    "assignee": Sort(_("Assign to"), Needs.agent, "owner"),
    "unassign": Sort(_("Assign to nobody"), Needs.nothing, "lock", "unlock"),
    "follower": Sort(_("Add as follower"), Needs.agent, "responsible"),
    "add_tags": Sort(_("Add tags"), Needs.tags, "tag", usually=BOTH),
    "remove_tags": Sort(_("Remove tags"), Needs.tags, "tag-remove", usually=BOTH),
    "title": Sort(_("Set the subject of the ticket"), Needs.text, "title"),
    "customer": Sort(_("Make this address the requester"), Needs.address, "customeruser", only=NEW),
    "organisation": Sort(_("Set the customer number"), Needs.organisation, "customerno", only=NEW),
    "note": Sort(_("Write an internal note"), Needs.text, "note", usually=BOTH),
    "visible_note": Sort(_("Write a note that the customer may see"), Needs.text, "note-visible", usually=BOTH),
    "internal": Sort(_("Keep the mail internal"), Needs.nothing, "isvisibleforcustomer", "0", usually=BOTH),
    "spam": Sort(_("Mark as spam"), Needs.nothing, "spam", "yes", usually=BOTH),
    "trash": Sort(_("Put into the trash"), Needs.nothing, "state", "trash"),
    "ignore": Sort(_("Ignore the mail"), Needs.nothing, "ignore", "yes", only=BOTH),
    "no_automatic_mail": Sort(_("Send no automatic mail"), Needs.nothing, "loop", "yes", only=BOTH),
    "hold": Sort(_("Hold the mail for a person"), Needs.text, "hold", only=BOTH),
    "reject": Sort(_("Reject the mail and tell the sender"), Needs.text, "reject", only=BOTH),
    "forward": Sort(_("Forward the mail to"), Needs.address, "forward", only=BOTH),
}
FILTER_CONTROLS = frozenset({"tag", "tag-remove", "note", "note-visible", "spam", "hold", "reject", "forward"})
SEVERAL = frozenset({"tag", "tag-remove", "note", "note-visible", "forward", "responsible"})
BOTH_FORMS_ARE_ONE = FILTER_CONTROLS - {"tag", "tag-remove", "note", "note-visible", "spam"} | {
    "ignore", "loop", "customeruser", "customerno",
}  # fmt: skip


def sort_of(action: str) -> Sort | None:
    """The sort behind Action.set; None for what doesn't exist."""
    if action.startswith(CUSTOM_FIELD):
        key = action[len(CUSTOM_FIELD) :]
        return Sort(_("Fill the field"), Needs.field, FIELD + key.lower(), usually=BOTH) if key else None
    if action.startswith(HEADER):
        control = control_of(action[len(HEADER) :].strip())
        return Sort(_("Set the control header"), Needs.header, control, only=BOTH) if is_known(control) else None
    return ACTIONS.get(action)


def controls_set(action: Action) -> tuple[str, ...]:
    """Names of the controls that an action sets: the plain one for new tickets, the FollowUp- one for follow-ups."""
    sort = sort_of(action.set)
    if sort is None:
        return ()
    if action.set.startswith(HEADER) or sort.control in BOTH_FORMS_ARE_ONE:
        return (sort.control,)
    on = sort.only or action.on or sort.usually
    plain = () if on == ON_FOLLOW_UP else (sort.control,)
    return plain if on == NEW else (*plain, FOLLOW_UP + sort.control)


def accumulates(control: str) -> bool:
    """Does a further value join the earlier ones instead of replacing them?"""
    return control.removeprefix(FOLLOW_UP) in SEVERAL


PLACEHOLDER = re.compile(r"\[\*\*\*\]|\[\*\*\\(?P<old>[A-Za-z_]\w*)\*\*\]|\{(?P<name>[A-Za-z_]\w*)\}")


def has_placeholder(value: str) -> bool:
    return PLACEHOLDER.search(value) is not None


def fill(value: str, group: str | None, names: Mapping[str, str]) -> str:
    """Put captures in, every occurrence: `[***]` the first group of the last condition that matched, `[**\\\\name**]`
    and `{name}` named groups of all conditions, or {from}, {subject} …. A name that nothing gave becomes empty."""

    def found(match: re.Match[str]) -> str:
        name = match.group("old") or match.group("name")
        return names.get(name, "") if name else group or ""

    return PLACEHOLDER.sub(found, value)

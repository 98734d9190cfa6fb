"""What OTOBO's filters set, as our actions. What has no equal here is said, never guessed.

`X-OTOBO-Queue` acts on new tickets, `X-OTOBO-FollowUp-Queue` on follow-ups: one action for both when the value is the
same. A header that is set twice keeps its last value, as there.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.process.controls import COMPUTED_NAMES, CONTROLS, FIELD, PREFIX, control_of
from postvak.process.controls import FOLLOW_UP as FOLLOW_UP_FORM
from postvak.process.desk import STATUSES_ELSEWHERE
from postvak.process.filters.actions import HEADER, has_placeholder
from postvak.process.filters.check import Names
from postvak.process.filters.draft import BOTH, FOLLOW_UP, NEW, Action
from postvak.process.filters.otobo_files import OldRow


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a row. `note`: done in another way. `fault`: the filter must not run like this."""

    actions: tuple[Action, ...] = ()
    note: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One header that is set. `name` is written as there, without prefix and FollowUp-; `control` the same in lower
    case; `on` for which mails."""

    header: str
    name: str
    control: str
    value: str
    on: str


Write = Callable[[Setting, Names], Done]


def actions_of(rows: Sequence[OldRow], known: Names) -> Iterator[Done]:
    """In the order of the rows."""
    last = {row.key.strip().lower(): row for row in rows}
    for key in {
        row.key.strip().lower(): row.key for row in rows if last[row.key.strip().lower()].value != row.value
    }.values():
        yield Done(note=_("“%(header)s” is set twice; only the last value counts, as in OTOBO.") % {"header": key})
    headers = []
    for row in last.values():
        control = control_of(row.key.strip())
        if control:
            headers.append(setting(row, control))
        else:
            yield Done(
                fault=_("It changes the header “%(header)s”; filters here set control headers only.")
                % {"header": row.key}
            )
    yield from (done(found, known) for found in joined(headers))


def setting(row: OldRow, control: str) -> Setting:
    name = PREFIX.sub("", row.key.strip())
    is_follow_up = control.startswith(FOLLOW_UP_FORM)
    cut = len(FOLLOW_UP_FORM) if is_follow_up else 0
    return Setting(row.key.strip(), name[cut:], control[cut:], row.value.strip(), FOLLOW_UP if is_follow_up else NEW)


def joined(settings: Sequence[Setting]) -> Iterator[Setting]:
    """The same value for new tickets and follow-ups is one setting for both."""
    values = {(one.control, one.on): one.value for one in settings}
    for one in settings:
        other = values.get((one.control, NEW if one.on == FOLLOW_UP else FOLLOW_UP))
        if other != one.value or not has_two_forms(one.control):
            yield one
        elif one is next(found for found in settings if found.control == one.control):
            yield Setting(one.header, one.name, one.control, one.value, BOTH)


def has_two_forms(control: str) -> bool:
    known = CONTROLS.get(control)
    return control.startswith(FIELD) or control == "articletype" or (known is not None and known.has_follow_up)


def done(one: Setting, known: Names) -> Done:
    if one.control in COMPUTED_NAMES:
        return Done(
            note=_("Setting “%(header)s” has no effect, neither in OTOBO nor here; left out.") % {"header": one.header}
        )
    if one.on == FOLLOW_UP and one.control in CONTROLS and not has_two_forms(one.control):
        return Done(note=_("“%(header)s” has no effect on follow-ups; left out.") % {"header": one.header})
    if not one.value:
        return Done(
            fault=_("It empties “%(header)s”, which takes back what was set before; filters here can't.")
            % {"header": one.header}
        )
    braces = re.search(r"\{[A-Za-z_]\w*\}", one.value)
    if braces:
        return Done(
            as_header(one, known).actions,
            fault=_("“%(braces)s” in a value is filled in from the mail here; in OTOBO it is plain text.")
            % {"braces": braces[0]},
        )
    if one.control.startswith(FIELD):
        return Done((Action("field:" + one.name[len(FIELD) :], one.value, one.on),))
    return WRITERS.get(one.control, as_header)(one, known)


def as_header(one: Setting, known: Names) -> Done:
    """By its name: the plain form, the one for follow-ups, or both. The check refuses names that nobody knows."""
    forms = {NEW: ("",), FOLLOW_UP: ("FollowUp-",), BOTH: ("", "FollowUp-")}[one.on]
    return Done(tuple(Action(f"{HEADER}X-Postvak-{form}{one.name}", one.value, BOTH) for form in forms))


def simply(action: str) -> Write:
    return lambda one, known: Done((Action(action, one.value, one.on),))


def status(one: Setting, known: Names) -> Done:
    word = one.value.casefold()
    here = STATUSES_ELSEWHERE.get(word)
    if word in known.statuses or here is None:
        return simply("status")(one, known)
    return Done(
        (Action("status", here, one.on),),
        note=_("The status “%(there)s” is “%(here)s” here.") % {"there": one.value, "here": here},
    )


def priority(one: Setting, known: Names) -> Done:
    level = one.value[:1]
    if one.value.casefold() in known.priorities or level not in known.priorities:
        return simply("priority")(one, known)
    return Done(
        (Action("priority", level, one.on),),
        note=_("The priority “%(there)s” is level %(here)s here.") % {"there": one.value, "here": level},
    )


def lock(one: Setting, known: Names) -> Done:
    if one.value.lower() in {"unlock", "unlocked"}:
        return Done(
            (Action("unassign", "", one.on),), note=_("There are no locks here: unlocked means assigned to nobody.")
        )
    return Done(
        note=_("There are no locks here: the one who has a ticket keeps it. “%(header)s” was left out.")
        % {"header": one.header}
    )


def number_of_agent(one: Setting, known: Names) -> Done:
    return Done(
        as_header(one, known).actions,
        fault=_(
            "“%(header)s” is the number of an agent there; here it would be another one. Choose the agent by address."
        )
        % {"header": one.header},
    )


def keep_status(one: Setting, known: Names) -> Done:
    if one.on == NEW or one.value == "0":
        return Done(note=_("“%(header)s” has no effect on new tickets; left out.") % {"header": one.header})
    return Done((Action("keep_status", "", FOLLOW_UP),))


def visible(one: Setting, known: Names) -> Done:
    return Done((Action("internal", "", one.on),)) if one.value == "0" else as_header(one, known)


def article_type(one: Setting, known: Names) -> Done:
    """OTRS before 6 had note-internal, email-external, …"""
    is_internal = one.value.lower().endswith(("-internal", "-report"))
    note = _("“%(header)s: %(value)s” says who may read the mail.") % {"header": one.header, "value": one.value}
    if is_internal:
        return Done((Action("internal", "", one.on),), note=note)
    shown = Setting("X-OTRS-IsVisibleForCustomer", "IsVisibleForCustomer", "isvisibleforcustomer", "1", one.on)
    return Done(as_header(shown, known).actions, note=note)


def ignore(one: Setting, known: Names) -> Done:
    if has_placeholder(one.value):
        return as_header(one, known)
    if re.search(r"yes|true", one.value, re.IGNORECASE):
        return Done((Action("ignore", "", BOTH),))
    return Done(
        note=_("“%(header)s: %(value)s” ignores nothing; left out.") % {"header": one.header, "value": one.value}
    )


def loop(one: Setting, known: Names) -> Done:
    if one.value.lower() in {"no", "false", "0"}:
        return Done(
            note=_("“%(header)s: %(value)s” was left out: mails that look like a loop never get automatic mail here.")
            % {"header": one.header, "value": one.value}
        )
    return Done((Action("no_automatic_mail", "", BOTH),))


def legacy(one: Setting, known: Names) -> Done:
    note = _("“%(header)s” fills the custom field of that name, if there is one.") % {"header": one.header}
    return Done(as_header(one, known).actions, note=note)


LEGACY = re.compile(r"(?:ticket|article)(?:key|value|time)\d+")

WRITERS: Mapping[str, Write] = {
    "queue": simply("queue"),
    "state": status,
    "state-pendingtime": simply("pending"),
    "state-keep": keep_status,
    "priority": priority,
    "type": simply("type"),
    "title": simply("title"),
    "owner": simply("assignee"),
    "ownerid": number_of_agent,
    "responsible": simply("follower"),
    "responsibleid": number_of_agent,
    "lock": lock,
    "customerno": simply("organisation"),
    "customeruser": simply("customer"),
    "service": simply("field:Service"),
    "sla": simply("field:SLA"),
    "isvisibleforcustomer": visible,
    "articletype": article_type,
    "ignore": ignore,
    "loop": loop,
    **{name: legacy for name in CONTROLS if LEGACY.fullmatch(name)},
}

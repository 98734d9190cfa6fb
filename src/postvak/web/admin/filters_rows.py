"""The rows of the editor as the templates draw them: field, fitting comparisons, fitting input, errors."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from postvak.process.filters.actions import BOTH_FORMS_ARE_ONE, CUSTOM_FIELD, Needs, has_placeholder, sort_of
from postvak.process.filters.check import Problem
from postvak.process.filters.draft import BOTH, FOLLOW_UP, NEW, Action
from postvak.process.filters.fields import HEADER
from postvak.web.admin.condition_kit import Choice, Input, Row, condition_row, options
from postvak.web.admin.filters_choices import FROM_MAIL, Lists, action_groups, kit_of, values_of_action
from postvak.web.admin.filters_form import Typed


def condition_rows(typed: Typed, problems: Sequence[Problem], lists: Lists) -> list[Row]:
    rows = zip(typed.condition_keys, typed.draft.conditions, strict=True)
    kit = kit_of(lists)
    return [
        condition_row(f"c{key}", condition, errors_of(problems, "conditions", index), kit, advanced=typed.advanced)
        for index, (key, condition) in enumerate(rows)
    ]


def action_rows(typed: Typed, problems: Sequence[Problem], lists: Lists) -> list[Row]:
    rows = zip(typed.action_keys, typed.draft.actions, strict=True)
    return [
        action_row(f"a{key}", action, errors_of(problems, "actions", index), lists, advanced=typed.advanced)
        for index, (key, action) in enumerate(rows)
    ]


def errors_of(problems: Sequence[Problem], part: str, index: int = 0) -> tuple[str, ...]:
    return tuple(problem.text for problem in problems if problem.part == part and problem.index == index)


def action_row(row: str, action: Action, errors: tuple[str, ...], lists: Lists, *, advanced: bool) -> Row:
    is_header = action.set.startswith(HEADER)
    return Row(
        id=row,
        first=HEADER if is_header else action.set,
        groups=action_groups(action.set, lists, advanced=advanced),
        header=action.set.removeprefix(HEADER) if is_header else "",
        second=applies(action),
        chosen=action.on,
        input=action_input(action, lists),
        value=action.value,
        errors=errors,
    )


def applies(action: Action) -> tuple[Choice, ...]:
    """Where there is a difference between new tickets and follow-ups. What says nothing goes on saying nothing."""
    sort = sort_of(action.set)
    if sort is None or sort.only or action.set.startswith(HEADER) or sort.control in BOTH_FORMS_ARE_ONE:
        return ()
    words = {NEW: _("on new tickets"), FOLLOW_UP: _("on follow-ups"), BOTH: _("on both")}
    return tuple(("" if on == sort.usually and not action.on else on, word) for on, word in words.items())


def action_input(action: Action, lists: Lists) -> Input:
    sort = sort_of(action.set)
    needs = sort.needs if sort else Needs.header if action.set.startswith(HEADER) else Needs.text
    if needs is Needs.nothing:
        return Input("none")
    allowed = values_of_action(action.set, lists)
    if needs is Needs.organisation:
        return Input("text", suggest="organisations", hint=_("customer number"))
    if allowed and not has_placeholder(action.value):
        from_mail = {FROM_MAIL: _("taken from the mail …")}
        return Input("select", options({"": _("Choose …"), **allowed, **from_mail}, action.value))
    plain: Mapping[Needs, Input] = {
        Needs.moment: Input(
            "text", hint="+2d", suggest="moments", help=_("After the mail came: +4h, +2d, +1w; or a date, 2026-12-24.")
        ),
        Needs.tags: Input("text", suggest="tags", hint=_("several tags, separated by commas")),
        Needs.address: Input("text", hint="ann@customer.example"),
        Needs.text: Input("text" if action.set == "title" else "long"),
    }
    if action.set.startswith(CUSTOM_FIELD):
        field = lists.fields.get(action.set.removeprefix(CUSTOM_FIELD))
        return Input("text", hint="2026-12-24" if field and field.kind == "date" else "")
    return plain.get(needs, Input("text"))

"""The form of the editor: rows with numbered names (c0-field, a0-set …), read from a POST and changed by its buttons.

Works by plain POST (named buttons add, remove, refresh) and by htmx, which exchanges single rows.
"""

import re
from dataclasses import dataclass, replace

from django.http import QueryDict

from postvak.process.filters.actions import sort_of
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.fields import HEADER
from postvak.web.admin.condition_kit import (
    EXPRESSIONS,
    LONGEST,
    adapt_condition,
    keys_in,
    named,
    read_condition,
    value_in,
)
from postvak.web.admin.filters_choices import FIRST_CONDITION, Lists, kit_of, values_of_action

FIRST_ACTION = Action("queue")
ACTION_KEY = re.compile(r"a(\d{1,4})-set")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form. The keys number the rows of the draft; `advanced`: expressions are offered."""

    draft: Draft
    condition_keys: tuple[int, ...] = ()
    action_keys: tuple[int, ...] = ()
    advanced: bool = False


def of_draft(draft: Draft) -> Typed:
    """A form to begin with."""
    uses = any(condition.operator in EXPRESSIONS for condition in draft.conditions)
    uses = uses or any(action.set.startswith(HEADER) for action in draft.actions)
    return Typed(draft, tuple(range(len(draft.conditions))), tuple(range(len(draft.actions))), uses)


def read_form(post: QueryDict) -> Typed:
    conditions, actions = keys_in(post), keys_in(post, ACTION_KEY)
    everywhere = post.get("scope", "all") == "all"
    draft = Draft(
        name=post.get("name", "").strip(),
        conditions=tuple(read_condition(post, f"c{key}", HEADER) for key in conditions),
        actions=tuple(read_action(post, f"a{key}") for key in actions),
        valid="valid" in post,
        comment=post.get("comment", "").strip()[:LONGEST],
        mailboxes=None if everywhere else tuple(post.getlist("mailboxes")),
        match=post.get("match", "all"),
        stop="stop" in post,
    )
    return Typed(draft, conditions, actions, "advanced" in post)


def read_action(post: QueryDict, row: str) -> Action:
    return Action(named(post, row, "set", HEADER), value_in(post, row), post.get(f"{row}-on", ""))


def adapt_action(action: Action, was: str, lists: Lists) -> Action:
    """After another action was chosen: no value of the old one, and it applies where it usually does."""
    sort, old = sort_of(action.set), sort_of(was)
    if sort is None or action.set == was:
        return action
    same = old is not None and old.needs is sort.needs and not values_of_action(action.set, lists)
    return replace(action, value=action.value if same else "", on="")


def adapted(typed: Typed, post: QueryDict, lists: Lists) -> Typed:
    """All rows after "refresh" (without JavaScript), or before one of them is drawn again."""
    kit = kit_of(lists)
    draft = replace(
        typed.draft,
        conditions=tuple(adapt_condition(c, kit, advanced=typed.advanced) for c in typed.draft.conditions),
        actions=tuple(
            adapt_action(action, post.get(f"a{key}-was", action.set), lists)
            for key, action in zip(typed.action_keys, typed.draft.actions, strict=True)
        ),
    )
    return replace(typed, draft=draft)


def with_row(typed: Typed, kind: str) -> Typed:
    """One more condition or action at the end."""
    draft = typed.draft
    if kind == "action":
        keys = (*typed.action_keys, max(typed.action_keys, default=-1) + 1)
        return replace(typed, draft=replace(draft, actions=(*draft.actions, FIRST_ACTION)), action_keys=keys)
    keys = (*typed.condition_keys, max(typed.condition_keys, default=-1) + 1)
    return replace(typed, draft=replace(draft, conditions=(*draft.conditions, FIRST_CONDITION)), condition_keys=keys)


def without_row(typed: Typed, row: str) -> Typed:
    """`row`: "c3" or "a0"; one that isn't there changes nothing."""
    conditions = [(k, c) for k, c in zip(typed.condition_keys, typed.draft.conditions, strict=True) if row != f"c{k}"]
    actions = [(k, a) for k, a in zip(typed.action_keys, typed.draft.actions, strict=True) if row != f"a{k}"]
    draft = replace(
        typed.draft, conditions=tuple(c for _, c in conditions), actions=tuple(action for _, action in actions)
    )
    return replace(
        typed, draft=draft, condition_keys=tuple(k for k, _ in conditions), action_keys=tuple(k for k, _ in actions)
    )

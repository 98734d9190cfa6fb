"""Does a condition make sense? For editors: what is wrong with it, in sentences for people."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition
from postvak.conditions.field import Field
from postvak.conditions.operators import OPERATORS, BadValue


def condition_problems(condition: Condition, field: Field[Any] | None) -> Iterator[str]:
    """`field`: what the condition names, None when there is no such thing."""
    operator = OPERATORS.get(condition.operator)
    if field is None:
        yield _("There is no field “%(field)s”.") % {"field": condition.field}
    if operator is None:
        yield _("There is no comparison “%(operator)s”.") % {"operator": condition.operator}
    if field is None or operator is None:
        return
    if field.kind not in operator.kinds:
        yield _("“%(field)s” can't be compared by “%(operator)s”.") % {"field": field.label, "operator": operator.label}
        return
    if operator.takes_value and not condition.value.strip():
        yield _("Give a value.")
        return
    try:
        operator.make(condition.value)
    except BadValue as error:
        yield str(error)

"""Sentence: how a reason reads; Line: a reason rendered in the reader's language."""

from dataclasses import dataclass

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Line:
    """A rendered reason: `title` says what was found or done, `detail` why (may be empty), `icon` of icons.svg.

    `tone`: "" ordinary, "key" the decision that mattered most, "warn" a person should look, "skip" left out. `folded`: a list that
    a page shows on demand only.
    """

    step: str
    title: str
    detail: str
    icon: str
    tone: str
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`folded`: name of the parameter that Line.folded is."""

    title: Text
    detail: Text = ""
    icon: str = "info"
    tone: str = ""
    folded: str = ""

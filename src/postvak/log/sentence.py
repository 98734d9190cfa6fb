"""Sentence: how a reason reads; Line: a reason rendered in the reader's language."""

from dataclasses import dataclass

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Line:
    """A rendered reason: `title` says what was found or done, `detail` why (may be empty), `icon` of icons.svg.

    `tone`: "" ordinary, "key" the decision that mattered most, "warn" a person should look, "skip" left out.
    """

    step: str
    title: str
    detail: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class Sentence:
    title: Text
    detail: Text = ""
    icon: str = "info"
    tone: str = ""

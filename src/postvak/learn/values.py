"""Values of classification: what a model says of a mail, and what is done with it. Frozen, without Django and without numpy.

Labels are `str(queue.pk)`, `str(priority.level)`, and SPAM or HAM.
"""

from dataclasses import dataclass

QUEUE, PRIORITY, SPAM_TARGET = "queue", "priority", "spam"  # models.Target
SHADOW, SUGGEST, ACT = "shadow", "suggest", "act"  # models.Mode, those that are on
COUNTED, OFFERED, ACTED, AUDIT, DISMISSED = "shadow", "offered", "acted", "audit", "dismissed"  # models.Prediction.Role
SPAM, HAM = "spam", "ham"
MOST_WORDS = 6


class BadFile(ValueError):
    """These bytes are no model that can be used; the text says why, in English."""


@dataclass(frozen=True, slots=True)
class Said:
    """`probability` and `familiarity` from 0 to 1. `words`: (word, share) that counted most, against it below 0. `others`: (label,
    probability) of the next best. `is_known`: something like this mail was learned. `is_sure`: enough to act. `version`, `model_id`
    of models.ClassifierModel."""

    label: str
    probability: float
    familiarity: float = 1.0
    is_known: bool = True
    is_sure: bool = False
    words: tuple[tuple[str, float], ...] = ()
    others: tuple[tuple[str, float], ...] = ()
    version: int = 0
    model_id: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the plan carries of it, to be kept with the ticket. `would_act`: it was sure enough; `role`: what is done with it."""

    target: str
    label: str
    probability: float
    words: tuple[tuple[str, float], ...]
    others: tuple[tuple[str, float], ...]
    is_known: bool
    would_act: bool
    role: str
    version: int
    familiarity: float = 1.0
    model_id: int | None = None


def in_percent(probability: float) -> int:
    """For people; nothing is sure."""
    return min(round(100 * probability), 99)


def proposal(target: str, said: Said, role: str, *, with_words: bool = True) -> Proposal:
    return Proposal(
        target=target,
        label=said.label,
        probability=said.probability,
        words=said.words if with_words else (),
        others=said.others,
        is_known=said.is_known,
        would_act=said.is_sure,
        role=role,
        version=said.version,
        familiarity=said.familiarity,
        model_id=said.model_id,
    )

"""How good the classification of a target is, in one sentence; and what keeps it from being better."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from postvak.learn.training import training_of
from postvak.models import Classifier, ClassifierModel, Job, Mode, Target
from postvak.web.formats import number

FIGURES = re.compile(r"(\d+)% < (\d+)% \((\d+)\)")  # of learn.comparing: new, active, tickets
FEWEST_MEASURED = 100  # tickets, before any threshold is known (classify.gate)
ACTING: Mapping[str, str | Promise] = {
    Target.QUEUE: gettext_lazy("It can move %(share)s %% of new tickets by itself, and is right with %(right)s of 100 of them."),
    Target.PRIORITY: gettext_lazy(
        "It can set the priority of %(share)s %% of new tickets by itself, and is right with %(right)s of 100 of them."
    ),
    Target.SPAM: gettext_lazy("It can judge %(share)s %% of new tickets by itself, and is right with %(right)s of 100 of them."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """`job`: that teaches it at the moment. `sentence`: what it knows; `warnings`: why it does less than it could."""

    classifier: Classifier
    active: ClassifierModel | None
    job: Job | None
    sentence: str
    warnings: tuple[str, ...]

    @property
    def share(self) -> int | None:
        """Of 100 parts of its learning that are done."""
        return min(100, self.job.done * 100 // self.job.total) if self.job and self.job.total else None


def states() -> list[State]:
    order = list(Target.values)
    return sorted(map(state_of, Classifier.objects.all()), key=lambda state: order.index(state.classifier.target))


def state_of(row: Classifier) -> State:
    active = row.models.filter(is_active=True).first()
    return State(row, active, training_of(row), sentence(row, active), tuple(warnings(row, active)))


def hundredths(share: object) -> str:
    """A share from 0 to 1 as a whole number of 100."""
    return number(round(100 * share)) if isinstance(share, int | float) else "–"


def sentence(row: Classifier, active: ClassifierModel | None) -> str:
    if active is None:
        return _("It has learned nothing yet. It needs tickets that agents have handled: answered, closed or moved.")
    return f"{learned(row, active)} {measured(row, active.score)}"


def known(active: ClassifierModel) -> int:
    """Possibilities of which it has seen a ticket; of others it knows the name only."""
    return sum(1 for count in active.labels.values() if count)


def learned(row: Classifier, active: ClassifierModel) -> str:
    text = ngettext("Learned from %(tickets)s ticket.", "Learned from %(tickets)s tickets.", active.tickets)
    said = text % {"tickets": number(active.tickets)}
    if row.target == Target.SPAM:
        return said
    labels = known(active)
    knows = {
        Target.QUEUE: ngettext("It knows %(num)s queue.", "It knows %(num)s queues.", labels),
        Target.PRIORITY: ngettext("It knows %(num)s priority.", "It knows %(num)s priorities.", labels),
    }
    return f"{said} {knows[Target(row.target)] % {'num': labels}}"


def measured(row: Classifier, score: Mapping[str, Any]) -> str:
    if score.get("coverage"):
        values = {"share": hundredths(score["coverage"]), "right": hundredths(score.get("precision"))}
        return str(ACTING[row.target]) % values
    if score.get("judged"):
        text = _("It isn’t sure enough yet to do anything by itself; its first guess is right with %(right)s of 100.")
        return text % {"right": hundredths(score.get("accuracy"))}
    return _("How good it is isn’t known yet.")


def warnings(row: Classifier, active: ClassifierModel | None) -> Iterator[str]:
    if row.is_stale:
        yield _(
            "It has learned from something that was deleted since. It is made anew next night, or now, if you like."
        )
    if active is None:
        return
    if active.said:
        yield _("It can’t be used at the moment: %(said)s") % {"said": said_words(active.said)}
    if known(active) < 2:
        yield _("It knows only one possibility, so there is nothing to choose from.")
    elif active.score.get("judged", 0) < FEWEST_MEASURED:
        text = _("Fewer than %(fewest)s tickets were measured: until then it only proposes.")
        yield text % {"fewest": FEWEST_MEASURED}
    few = sum(1 for count in active.labels.values() if 0 < count < row.fewest)
    if row.target != Target.SPAM and row.mode == Mode.ACT and few > 0:
        text = ngettext(
            "Of %(num)s possibility it has learned fewer than %(fewest)s tickets: it only proposes that one.",
            "Of %(num)s possibilities it has learned fewer than %(fewest)s tickets: it only proposes these.",
            few,
        )
        yield text % {"num": few, "fewest": row.fewest}


def said_words(said: str) -> str:
    """Why a version isn't used: the sentence is English in the row; figures behind its colon become words, an error stays as it is."""
    text, colon, rest = said.partition(":")
    figures = FIGURES.fullmatch(rest.strip())
    if figures is None:
        return _(text) + colon + rest if text else ""
    new, old, tickets = figures.groups()
    values = {"text": _(text), "new": new, "old": old, "tickets": tickets}
    return (
        _("%(text)s: on the newest %(tickets)s tickets it is right with %(new)s of 100, the other one with %(old)s.")
        % values
    )

"""The active models, in this process: read from the store when they are first needed, and again when their row has changed.

    learned = learned_now()          # one query; before any transaction begins
    learned.mode("queue")            # "" when it is off, or nothing was learned
    learned.say("queue", text)       # no I/O: decide() may ask

A model that can't be read stops no mail: `trouble` says what is wrong, and nothing is proposed.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING

from postvak.blobs import store
from postvak.classify.text import Text
from postvak.learn.school import read_pupil
from postvak.learn.values import PRIORITY, BadFile, Said
from postvak.models import ClassifierModel, Mode, Priority

if TYPE_CHECKING:
    from postvak.learn.pupil import Pupil

log = logging.getLogger("postvak.learn")

AGAIN = 60.0  # seconds after which a model that couldn't be read is tried again
UNREADABLE = (BadFile, store.BlobMissing, store.VaultUnreachable)


@dataclass(frozen=True, slots=True)
class Active:
    """The settings of a target that is on, and its active model; `digest` of its file."""

    target: str
    mode: str
    wished: int
    fewest: int
    model_id: int
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """`trouble`: why it can't be used, in English. `at`: on the monotonic clock."""

    digest: str
    pupil: "Pupil | None" = None
    trouble: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Learned:
    """What decisions may ask. By target; `priorities`: names of the valid ones by level, "" for shipped names."""

    active: Mapping[str, Active] = field(default_factory=dict)
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    priorities: Mapping[int, str] = field(default_factory=dict)

    def mode(self, target: str) -> str:
        return self.active[target].mode if target in self.active else ""

    def trouble(self, target: str) -> str:
        return self.loaded[target].trouble if target in self.loaded else ""

    def say(self, target: str, text: Text) -> Said | None:
        """None: off, broken, or nothing learned yet."""
        active, loaded = self.active.get(target), self.loaded.get(target)
        if active is None or loaded is None or loaded.pupil is None:
            return None
        said = loaded.pupil.say(target, text, wished=active.wished, fewest=active.fewest)
        return replace(said, version=active.version, model_id=active.model_id) if said else None


NOTHING = Learned()
KNOWN: dict[str, Loaded] = {}  # by target; one for the whole process
LOADING = threading.Lock()


def learned_now() -> Learned:
    """For one wave of mails. Call it only where a target is on."""
    active = [Active(*row) for row in rows_of_active()]
    if not active:
        return NOTHING
    with LOADING:
        loaded = {one.target: known(one) for one in active}
    has_priorities = any(one.target == PRIORITY for one in active)
    priorities = Priority.objects.filter(is_valid=True).values_list("level", "name") if has_priorities else ()
    return Learned({one.target: one for one in active}, loaded, dict(priorities))


def rows_of_active() -> Sequence[tuple[str, str, int, int, int, int, str]]:
    rows = ClassifierModel.objects.filter(is_active=True).exclude(classifier__mode=Mode.OFF).order_by()
    return list(
        rows.values_list(
            "classifier__target",
            "classifier__mode",
            "classifier__wished",
            "classifier__fewest",
            "pk",
            "version",
            "blob_id",
        )
    )


def known(active: Active) -> Loaded:
    """The model of this row, from memory if its file is the same."""
    found = KNOWN.get(active.target)
    if found is None or found.digest != active.digest or (found.pupil is None and monotonic() - found.at > AGAIN):
        found = KNOWN[active.target] = load(active)
    return found


def borrowed(target: str, digest: str) -> "Pupil":
    """The model of this file, to be taught: the one that is in memory, as a second one would cost as much again. Bring it back with
    returned(), under its new digest, or drop it when that came to nothing. Raises UNREADABLE."""
    found = KNOWN.get(target)
    if found is not None and found.digest == digest and found.pupil is not None:
        return found.pupil
    return read_pupil(store.get(digest))


def returned(target: str, digest: str, pupil: "Pupil") -> None:
    KNOWN[target] = Loaded(digest, pupil)


def dropped(target: str) -> None:
    KNOWN.pop(target, None)


def load(active: Active) -> Loaded:
    try:
        return Loaded(active.digest, read_pupil(store.get(active.digest)))
    except UNREADABLE as error:
        log.error("the model %s %d can't be used: %s", active.target, active.version, error)
        return Loaded(active.digest, trouble=str(error), at=monotonic())

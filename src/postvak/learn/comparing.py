"""Is a new model worse than the one that is active? Both are judged by what they said of the newest tickets before they had learned them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from postvak.blobs import store
from postvak.learn.current import UNREADABLE
from postvak.learn.reading import texts_of
from postvak.learn.school import read_pupil
from postvak.models import Classifier, ClassifierModel, Prediction, Ticket

FEWEST = 50  # tickets that both were asked about; else nothing speaks against the new one
SLACK = 0.01  # share of them; less is chance
WORSE = _("It is worse than the active one")
Asked = Sequence[tuple[int, str, str]]  # (ticket, what it is, what the new model said)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`said`: why the new one isn't used, in English, with the figures."""

    is_worse: bool = False
    said: str = ""


def compare(classifier: Classifier, asked: Asked) -> Comparison:
    active = classifier.models.filter(is_active=True).first()
    if active is None:
        return Comparison()
    old = said_by(active, [key for key, _label, _said in asked])
    both = [(label, said, old[key]) for key, label, said in asked if key in old]
    if len(both) < FEWEST:
        return Comparison()
    now = sum(label == said for label, said, _then in both) / len(both)
    then = sum(label == before for label, _said, before in both) / len(both)
    if now >= then - SLACK:
        return Comparison()
    return Comparison(True, f"{WORSE}: {now:.0%} < {then:.0%} ({len(both)})")


def said_by(active: ClassifierModel, keys: Sequence[int]) -> dict[int, str]:
    """What it said when they came. One that was brought is asked about those that came before it, which it never saw."""
    target = active.classifier.target
    rows = Prediction.objects.filter(ticket__in=keys, target=target, engine=Prediction.Engine.OWN, model=active)
    found = dict(rows.values_list("ticket_id", "label"))
    if active.origin == ClassifierModel.Origin.BROUGHT:
        tickets = Ticket.objects.filter(pk__in=keys, created_at__lt=active.made_at).select_related("reply_address")
        found = guesses(active, target, list(tickets)) | found
    return found


def guesses(active: ClassifierModel, target: str, tickets: Sequence[Ticket]) -> dict[int, str]:
    """One that can't be read any more says nothing."""
    try:
        pupil = read_pupil(store.get(str(active.blob_id)))
    except UNREADABLE:
        return {}
    return {key: pupil.guess(text) for key, text in texts_of(target, tickets).items()}

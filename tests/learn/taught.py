"""Models that learned invented mails, and mails like those: for tests of what is done with them."""

import itertools
import random
from functools import cache
from typing import Any

from django.utils import timezone

from postvak.blobs import store
from postvak.classify.text import Text
from postvak.learn.pupil import Pupil
from postvak.learn.texts import fit_for
from postvak.models import Classifier, ClassifierModel, Mailbox, Prediction, Receipt, Ticket
from tests.classify import invented
from tests.mails import mail
from tests.process.arrivals import receive

LABELS = ("invoices", "delivery")
FOREIGN = "zonnebloem aquarium saxophone gewitter ornithology meteor basil lighthouse wombat fjord"
counter = itertools.count()


@cache
def learned_file() -> bytes:
    """600 mails of four subjects, learned by their names."""
    pupil = Pupil()
    for text, label in invented.mails(600):
        pupil.learn(text, label)
    return pupil.saved()


@cache
def file_about_spam() -> bytes:
    """The same mails: those about invoices are spam."""
    pupil = Pupil()
    for text, label in invented.mails(900):
        pupil.learn(
            fit_for("spam", text, (), level="unverified", is_trusted=False), "spam" if label == "invoices" else "ham"
        )
    return pupil.saved()


def activate(target: str, labels: dict[str, Any], *, mode: str = "act", raw: bytes | None = None) -> ClassifierModel:
    """`labels`: subject of the invented mails -> what it is called here; others are forgotten."""
    pupil = Pupil(raw or learned_file())
    if raw is None:
        pupil.remove([label for label in pupil.labels if label not in labels])
        pupil.rename({label: str(name) for label, name in labels.items()})
    return add_model(target, pupil, mode=mode)


def add_model(target: str, pupil: Pupil, *, mode: str = "act", is_active: bool = True) -> ClassifierModel:
    raw = pupil.saved()
    blobs = store.prepare([raw])
    store.save(blobs)
    Classifier.objects.filter(target=target).update(mode=mode)
    classifier = Classifier.objects.get(target=target)
    if is_active:
        classifier.models.update(is_active=False)
    return ClassifierModel.objects.create(
        classifier=classifier,
        version=classifier.models.count() + 1,
        blob=blobs[0],
        size=len(raw),
        tickets=sum(pupil.counts.values()),
        labels=pupil.counts,
        score=pupil.score(target, wished=95, fewest=30),
        made_at=timezone.now(),
        learned_at=timezone.now(),
        is_active=is_active,
    )


def text_about(label: str, number: int = 0) -> Text:
    return invented.mail(label, random.Random(f"{label} {number}"))


def mail_about(label: str, number: int = 0, **more: str) -> bytes:
    """`number`: which one of them; the same one is the same text."""
    text = text_about(label, number)
    values = {
        "sender": f"Ann <{text.sender}>",
        "subject": text.subject,
        "text": text.body,
        "message_id": f"{label}.{next(counter)}@x.example",
        **more,
    }
    return mail(**values)


def come_in(mailbox: Mailbox, label: str, number: int = 0, **more: str) -> tuple[Receipt, Ticket]:
    (receipt,) = receive(mailbox, mail_about(label, number, **more))
    assert receipt.ticket is not None
    return receipt, receipt.ticket


def prediction(ticket: Ticket, target: str = "queue") -> Prediction:
    return Prediction.objects.get(ticket=ticket, target=target, engine="own")

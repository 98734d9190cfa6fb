"""Invented mails in three languages, by chance that is the same each time."""

from __future__ import annotations

import random

from postvak.classify.model import Model
from postvak.classify.text import Text

WORDS = {
    "invoices": (
        "factuur rekening betalen bedrag btw incasso rechnung bezahlen betrag mahnung überweisung umsatzsteuer"
        " invoice payment amount refund charged receipt"
    ),
    "delivery": (
        "pakket bezorging verzending bezorgd zending track paket lieferung versand sendung zugestellt lieferzeit"
        " parcel delivery shipping courier shipment package"
    ),
    "access": (
        "wachtwoord inloggen account vergrendeld gebruikersnaam beveiligingscode passwort anmelden konto gesperrt"
        " benutzername zugang password login locked username reset"
    ),
    "returns": (
        "retour terugsturen omruilen kapot defect garantie rücksendung umtausch kaputt beschädigt reklamation"
        " return broken exchange damaged warranty faulty"
    ),
}
FILLERS = {
    "nl": "goedemiddag ik heb een vraag over mijn bestelling kunt u mij helpen met vriendelijke groet alvast bedankt",
    "de": "guten tag ich habe eine frage zu meiner bestellung können sie mir helfen mit freundlichen grüßen danke",
    "en": "hello i have a question about my order could you please help me kind regards thank you",
}
FOREIGN = "zonnebloem aquarium saxophone gewitter ornithology meteor basil lighthouse wombat fjord kaleidoscope pigment"


def mail(label: str, chance: random.Random) -> Text:
    own = WORDS[label].split()
    filler = FILLERS[chance.choice(sorted(FILLERS))].split()
    words = [*chance.sample(own, 3), *chance.sample(filler, 8)]
    chance.shuffle(words)
    return Text(subject=chance.choice(own), body=" ".join(words), sender=f"{chance.choice('abcdef')}@example.org")


def mails(number: int, *, seed: int = 1) -> list[tuple[Text, str]]:
    chance = random.Random(seed)
    labels = [chance.choice(sorted(WORDS)) for _mail in range(number)]
    return [(mail(label, chance), label) for label in labels]


def foreign(number: int) -> list[Text]:
    chance = random.Random(7)
    return [Text(body=" ".join(chance.sample(FOREIGN.split(), 8))) for _mail in range(number)]


def taught(number: int, *, seed: int = 1) -> Model:
    model = Model()
    for text, label in mails(number, seed=seed):
        model.learn(text, label)
    return model

"""What people write about: subjects for both sizes, and the conversations of the small one."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from postvak.cli.demo.people import NAMES, Person

STORIES = Path(__file__).with_name("stories.toml")
PRODUCTS = (
    "Lund",
    "Arc",
    "LD-200",
    "Sirius 3",
    "Fjord XL",
    "Nova",
    "Trafo T60",
    "Velo",
    "Hallenstrahler HS-9",
    "Lotus",
)
TO = {
    "nl": ("verkoop", "retouren", "service"),
    "de": ("service", "orders", "damage", "billing"),
    "en": ("service", "orders"),
}
QUESTIONS = {
    "nl": (
        "Goedemiddag,\n\n{about}. Kunt u mij laten weten hoe het nu verder gaat?\n\nAlvast bedankt",
        "Beste mensen,\n\nik schrijf u over het volgende: {about}. Ik hoor graag van u, liefst nog deze week.",
    ),
    "de": (
        "Guten Tag,\n\n{about}. Bitte teilen Sie mir mit, wie es weitergeht.\n\nVielen Dank im Voraus",
        "Sehr geehrte Damen und Herren,\n\nes geht um Folgendes: {about}. Ich bitte um Rückmeldung bis Freitag.",
    ),
    "en": (
        "Hello,\n\n{about}. Could you let me know what happens next?\n\nThanks in advance",
        "Hi there,\n\nI am writing about this: {about}. It would be good to hear from you this week.",
    ),
}
ANSWERS = {
    "nl": (
        "Dank voor uw bericht. We hebben het nagekeken en sturen u vandaag een nieuw exemplaar.",
        "Goed dat u het meldt; het bedrag wordt binnen vijf werkdagen teruggestort.",
    ),
    "de": (
        "Vielen Dank für Ihre Nachricht. Wir haben es geprüft und schicken Ihnen heute Ersatz.",
        "Danke für den Hinweis, die Korrektur der Rechnung ist unterwegs.",
    ),
    "en": (
        "Thank you for writing. We looked into it and a replacement leaves today.",
        "Thanks for telling us; the refund will be with you within five working days.",
    ),
}
REPLIES = {
    "nl": (
        "Hij is nog niet binnen. Wanneer mag ik hem verwachten?",
        "Fijn, dank u. Nog één vraag: krijg ik ook een nieuwe factuur?",
    ),
    "de": (
        "Bisher ist nichts angekommen. Wann darf ich damit rechnen?",
        "Danke! Eine Frage noch: bekomme ich auch eine neue Rechnung?",
    ),
    "en": (
        "It has not arrived yet. When may I expect it?",
        "Great, thanks. One more thing: do I get a new invoice as well?",
    ),
}


def subject(language: str, chance: Random) -> str:
    return chance.choice(NAMES["matters"][language]).format(
        p=chance.choice(PRODUCTS), n=f"2026-{chance.randrange(1000, 99_999)}"
    )


@dataclass(frozen=True, slots=True)
class Story:
    """One conversation; see stories.toml. `age` and `snooze` in days: how long ago it began, in how many it comes back."""

    to: str
    name: str
    email: str
    language: str
    subject: str
    turns: tuple[str, ...]
    age: float
    status: str = "open"
    priority: int = 3
    assignee: str = ""
    snooze: float = 0
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    html: bool = False
    private: bool = False
    spam: bool = False
    later: bool = False
    undelivered: bool = False


def written_stories() -> list[Story]:
    """Those of stories.toml."""
    return [story_of(row) for row in tomllib.loads(STORIES.read_text("utf-8"))["story"]]


def story_of(row: dict[str, Any]) -> Story:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Story(**values)


def drawn_story(number: int, of: Person, chance: Random) -> Story:
    """A shorter one: a matter of names.toml, with an answer or without."""
    about, language = subject(of.language, chance), of.language
    status = chance.choice(("new", "open", "customer", "closed", "closed", "closed"))
    turns = ["c: " + chance.choice(QUESTIONS[language]).format(about=about)]
    if status in {"customer", "closed"}:
        turns.append("a: " + chance.choice(ANSWERS[language]))
    if status == "open":
        turns += ["a: " + chance.choice(ANSWERS[language]), "c: " + chance.choice(REPLIES[language])]
    return Story(
        to=chance.choice(TO[language]),
        name=of.name,
        email=of.email,
        language=language,
        subject=about,
        turns=tuple(turns),
        age=chance.uniform(0.2, 2) if status == "new" else chance.uniform(1, 90),
        status=status,
        assignee=chance.choice(("bob", "eva", "")) if status != "new" else "",
        html=number % 5 == 0,
    )

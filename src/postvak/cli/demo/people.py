"""Names of people and companies that nobody has: addresses end in .example, which no mail server knows (RFC 2606)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from postvak.mail.words import fold

LANGUAGES = ("nl", "de", "en")
Words = Mapping[str, Sequence[str]]
NAMES: Mapping[str, Words] = tomllib.loads(Path(__file__).with_name("names.toml").read_text("utf-8"))
FIRST, LAST, TRADES = NAMES["first"], NAMES["last"], NAMES["trades"]
FORMS = {"nl": " B.V.", "de": " GmbH", "en": " Ltd"}


@dataclass(frozen=True, slots=True)
class Company:
    name: str
    domain: str
    language: str


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    language: str


def company(number: int, chance: Random) -> Company:
    """Another number is another domain."""
    language = LANGUAGES[number % 3]
    trade, last = chance.choice(TRADES[language]), chance.choice(LAST[language])
    name = f"{last} {trade}" if language == "en" else f"{trade} {last}"
    return Company(name + FORMS[language], f"{plain(last)}-{plain(trade)}{number}.example", language)


def person(number: int, of: Company, chance: Random) -> Person:
    """Another number is another address."""
    name = full_name(of.language, chance)
    return Person(name, f"{plain(name.split()[0])}.{plain(name.split()[-1])}{number}@{of.domain}", of.language)


def full_name(language: str, chance: Random) -> str:
    return f"{chance.choice(FIRST[language])} {chance.choice(LAST[language])}"


def plain(name: str) -> str:
    """ASCII, as in addresses."""
    return "".join(letter for letter in fold(name) if letter.isascii() and letter.isalnum())

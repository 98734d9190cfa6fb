"""Spam is a second use of the model: two labels, and signs of the mail besides its words.

    text = with_signs(text, headers)
    spam.learn(text, SPAM, Source.PERSON)         # the button
    said = spam.predict(text)
    marks_spam(spam, said)                        # marks: nothing is ever deleted

A wrong mark costs far more than a missed one, so the threshold is one that hardly any good mail of the log reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from postvak.classify.gate import NEVER, Entry
from postvak.classify.model import Model, Prediction
from postvak.classify.text import Text

SPAM = "spam"
HAM = "ham"
FALSE_POSITIVES = 0.001  # share of good mails that may be marked
FEWEST_GOOD = 200  # good mails in the log before anything is marked
MARGIN = 0.25  # of the way to certainty that is kept from the good mail that looked most like spam
LEAST = 0.9
LINK = re.compile(r"https?://([^/\s\"'<>]{1,200})", re.I)
MONEY = re.compile(r"[$€£]\s?\d|\d\s?(?:€|eur|usd|dollars?)\b", re.I)
LEVEL = re.compile(r"^\s*(\*{1,30}|\+{1,30})")
SCORE = re.compile(r"score=(-?\d{1,4}(?:\.\d+)?)", re.I)
SCL = re.compile(r"\bSCL:(-?\d)", re.I)
LOOKED_AT = 20_000


def with_signs(text: Text, headers: Iterable[tuple[str, str]] = ()) -> Text:
    """The text with what its form and the headers of servers before us say. Give only headers that are trusted."""
    return replace(text, signs=(*text.signs, *form_of(text), *verdicts(headers)))


def verdicts(headers: Iterable[tuple[str, str]]) -> list[str]:
    found = []
    for name, value in headers:
        key, value = name.casefold(), value.strip()[:1000]
        if key in ("x-spam-flag", "x-spam"):
            found.append(f"{key}: {value.casefold()[:10]}")
        elif key == "x-spam-status":
            found.append(f"{key}: {value.partition(',')[0].casefold()[:10]}")
            found += [f"score {rounded(float(score))}" for score in SCORE.findall(value)[:1]]
        elif key in ("x-spam-level", "x-spamd-bar") and (stars := LEVEL.match(value)):
            found.append(f"level {rounded(len(stars[1]))}")
        elif key == "x-spam-score" and re.fullmatch(r"-?\d{1,4}(\.\d{1,6})?", value):
            found.append(f"score {rounded(float(value))}")
        elif key in ("x-forefront-antispam-report", "x-ms-exchange-organization-scl"):
            scl = SCL.findall(value)[:1] or re.findall(r"^-?\d$", value)
            found += [f"SCL {level}" for level in scl]
    return found


def rounded(score: float) -> int:
    """To steps of two, from -10 to 20."""
    return int(max(-10, min(20, score)) // 2 * 2)


def form_of(text: Text) -> list[str]:
    body, subject = text.body[:LOOKED_AT], text.subject
    hosts = {host.casefold() for host in LINK.findall(body)}
    letters = [letter for letter in subject if letter.isalpha()]
    found = {
        "no subject": not subject.strip(),
        "subject in capitals": len(letters) > 5 and all(letter.isupper() for letter in letters),
        "subject shouts": "!" in subject,
        "money": bool(MONEY.search(body)) or bool(MONEY.search(subject)),
        "much shouting": body.count("!") > 5,
        "links": bool(hosts),
        "links to many hosts": len(hosts) > 3,
        "link to a number": any(re.fullmatch(r"[\d.:]+", host) for host in hosts),
        "hardly any text": len(body.split()) < 10,
        "answer": bool(re.match(r"\s*(re|aw|antw|sv)\s*:", subject, re.I)),
    }
    return [name for name, holds in found.items() if holds]


def marks_spam(model: Model, said: Prediction) -> bool:
    return said.label == SPAM and said.probability >= threshold(model.gate.entries)


def threshold(entries: Iterable[Entry]) -> float:
    """Above nearly every good mail of the log; NEVER while there are too few of them."""
    good = sorted((looked_like_spam(entry) for entry in entries if entry.wanted == HAM), reverse=True)
    if len(good) < FEWEST_GOOD:
        return NEVER
    worst = good[int(len(good) * FALSE_POSITIVES)]
    return max(LEAST, worst + (1 - worst) * MARGIN)


def looked_like_spam(entry: Entry) -> float:
    """With two labels, what is not the one is the other."""
    return entry.score if entry.said == SPAM else 1 - entry.score

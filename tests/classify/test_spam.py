"""Spam: words, sender, form and the verdict of servers before us; hardly ever a good mail."""

from __future__ import annotations

import random

from postvak.classify.gate import NEVER, Entry
from postvak.classify.model import Model
from postvak.classify.spam import HAM, SPAM, marks_spam, threshold, verdicts, with_signs
from postvak.classify.text import Text
from tests.classify.invented import mails

BAIT = "winner casino bonus crypto miracle pills cheap loan million urgent prize gewinn kredit gratis geld"


def spam(chance: random.Random) -> Text:
    words = " ".join(chance.sample(BAIT.split(), 6))
    return with_signs(Text("WINNER WINNER!", f"{words} http://10.0.0.1/x $900 !!!!!!"), [("X-Spam-Flag", "YES")])


def taught(number: int) -> Model:
    model, chance = Model(), random.Random(1)
    for text, _label in mails(number):
        model.learn(with_signs(text), HAM)
        if chance.random() < 0.3:
            model.learn(spam(chance), SPAM)
    return model


def test_spam_is_marked_and_good_mail_is_not() -> None:
    model, chance = taught(300), random.Random(2)
    assert all(marks_spam(model, model.predict(spam(chance))) for _mail in range(30))
    assert not any(marks_spam(model, model.predict(with_signs(text))) for text, _label in mails(150, seed=3))


def test_nothing_is_marked_while_few_good_mails_are_known() -> None:
    entries = [Entry(HAM, HAM, 0.99) for _mail in range(50)] + [Entry(SPAM, SPAM, 0.99) for _mail in range(500)]
    assert threshold(entries) == NEVER


def test_the_good_mail_that_looked_most_like_spam_stays_below_the_threshold() -> None:
    entries = [Entry(HAM, HAM, 0.99) for _mail in range(500)] + [Entry(HAM, SPAM, 0.97)]
    assert 0.97 < threshold(entries) < 1


def test_headers_of_other_servers_become_signs() -> None:
    found = verdicts(
        [
            ("X-Spam-Status", "Yes, score=11.3 required=5.0"),
            ("X-Spam-Level", "***********"),
            ("X-Forefront-Antispam-Report", "CIP:1.2.3.4;SCL:9;SRV:"),
            ("Subject", "X-Spam-Flag: YES"),
        ]
    )
    assert found == ["x-spam-status: yes", "score 10", "level 10", "SCL 9"]
    assert verdicts([("X-Spam-Score", "\0 \ud800"), ("X-Spam-Level", ""), ("X-Spam-Status", "score=1e999")]) != [""]

"""The model learns mail by mail, knows what it doesn't know, and says why."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import fmean

import pytest

from postvak.classify.gate import FOREIGN, NEVER, STRANGE
from postvak.classify.model import NOTHING, Model, Source, is_audited
from postvak.classify.text import Text
from tests.classify.invented import WORDS, foreign, mail, mails, taught


@pytest.fixture(scope="module")
def model() -> Model:
    return taught(400)


def test_nothing_is_said_before_anything_is_learned() -> None:
    assert Model().predict(Text("invoice", "where is it?")) == NOTHING


def test_it_learns_in_three_languages(model: Model) -> None:
    asked = mails(200, seed=2)
    assert fmean(model.predict(text).label == label for text, label in asked) > 0.95


def test_a_form_of_a_word_that_it_has_not_seen_is_understood_by_stem_and_letters() -> None:
    model = Model()
    for _turn in range(5):
        model.learn(Text(body="Die Rechnung ist falsch"), "invoices")
        model.learn(Text(body="Das Paket kam nicht an"), "delivery")
    assert model.predict(Text(body="Fragen zu zwei Rechnungen")).label == "invoices"
    assert model.predict(Text(body="Sammelrechnung")).label == "invoices"


def test_it_says_how_sure_it_is_and_is_right_about_as_often() -> None:
    chance = random.Random(3)
    model, said = Model(), []
    for number, (text, label) in enumerate(mails(600, seed=4)):
        wanted = label if chance.random() < 0.8 else chance.choice(sorted(WORDS))  # people err, too
        if number >= 200:
            one = model.predict(text, explain=False)
            said.append((one.probability, one.label == wanted))
        model.learn(text, wanted)
    assert fmean(sure for sure, _right in said) == pytest.approx(fmean(right for _sure, right in said), abs=0.06)


def test_foreign_subjects_are_no_decision(model: Model) -> None:
    asked = [model.predict(text) for text in foreign(50)]
    known = [model.predict(text) for text, _label in mails(50, seed=5)]
    assert sum(model.acts(one) for one in asked) == 0
    assert sum(one.is_known for one in known) > 40
    assert max(one.familiarity for one in asked) < min(one.familiarity for one in known)


def test_a_new_label_costs_the_opinions_no_trust() -> None:
    """No opinion could know a label that nobody had taught."""
    one, trust = taught(200), taught(200).mixer.trust
    one.learn(Text(body="vacature"), "jobs")
    assert one.mixer.trust.tolist() == trust.tolist()


def test_strange_mails_are_proposed_but_not_acted_on(model: Model) -> None:
    said = model.predict(mail("invoices", random.Random(13)))
    assert model.acts(said)
    between = (model.gate.least_familiar(FOREIGN) + model.gate.least_familiar(STRANGE)) / 2
    strange = replace(said, familiarity=between, is_known=between >= model.gate.least_familiar())
    assert strange.is_known
    assert not model.acts(strange)


def test_words_that_it_names_flip_its_decision_and_other_words_do_not(model: Model) -> None:
    chance = random.Random(6)
    named, others = 0, 0
    for text, _label in mails(60, seed=6):
        said = model.predict(text)
        reasons = {reason.word for reason in said.words if reason.weight > 0}
        words = text.body.split()
        rest = [word for word in words if word.casefold() not in reasons]
        named += model.predict(without(text, reasons)).label != said.label
        others += (
            model.predict(without(text, set(chance.sample(rest, min(len(reasons), len(rest)))))).label != said.label
        )
    assert named > 20
    assert named > 4 * others


JOBS = ["vacature", "sollicitatie", "bewerbung", "job", "vacancy", "stelle"]


def without(text: Text, words: set[str]) -> Text:
    def left(part: str) -> str:
        return " ".join(word for word in part.split() if word.casefold() not in words)

    return replace(text, subject=left(text.subject), body=left(text.body))


def test_reasons_are_words_of_the_mail_and_the_place_it_came_from(model: Model) -> None:
    text = Text(
        "Rechnung",
        "Der Betrag der Rechnung stimmt nicht",
        sender="x@kunde.example",
        recipient="buchhaltung@example.org",
    )
    words = {reason.word for reason in model.predict(text).words}
    assert "rechnung" in words
    assert words <= {"rechnung", "der", "betrag", "stimmt", "nicht", "@kunde.example", "buchhaltung@example.org"}


def test_the_address_that_was_written_to_decides_when_the_words_say_nothing() -> None:
    model = Model()
    for _turn in range(10):
        model.learn(Text("Hello", "a question", recipient="sales@example.org"), "sales")
        model.learn(Text("Hello", "a question", recipient="help@example.org"), "support")
    assert model.predict(Text("Hello", "a question", recipient="sales@example.org")).label == "sales"
    assert model.predict(Text("Hello", "a question", recipient="help@example.org")).label == "support"


def test_descriptions_of_queues_are_enough_to_begin_and_count_as_no_mail() -> None:
    model = Model()
    for label, words in WORDS.items():
        model.seed(label, Text(body=words))
    asked = mails(100, seed=8)
    assert fmean(model.predict(text).label == label for text, label in asked) > 0.8
    assert model.learned == [0, 0, 0, 0]
    assert not any(model.acts(model.predict(text)) for text, _label in asked)


def test_it_does_not_learn_from_what_nobody_looked_at() -> None:
    model = taught(20)
    before = model.predict(Text(body="parcel"))
    model.learn(Text(body="parcel"), "access", Source.MODEL)
    assert model.predict(Text(body="parcel")) == before


def test_a_repair_is_learned_but_is_no_fair_sample() -> None:
    model = taught(50)
    entries, learned = len(model.gate.entries), sum(model.learned)
    model.learn(Text(body="parcel"), "access", Source.REPAIR)
    assert (len(model.gate.entries), sum(model.learned)) == (entries, learned + 1)


def test_a_mail_of_the_audit_stands_for_those_that_nobody_looked_at() -> None:
    model = taught(50)
    model.learn(Text(body="parcel"), "delivery", Source.AUDIT)
    assert model.gate.entries[-1].weight == pytest.approx(20)


def test_the_audit_takes_about_its_share_and_always_the_same_mails() -> None:
    keys = [f"mail {number}" for number in range(4000)]
    chosen = [key for key in keys if is_audited(key)]
    assert 120 < len(chosen) < 280
    assert chosen == [key for key in keys if is_audited(key)]


def test_a_queue_acts_only_after_enough_mails_and_with_a_proof(model: Model) -> None:
    assert model.threshold("invoices") < 1
    assert model.threshold("invoices", fewest=1000) == NEVER
    assert model.threshold("nobody") == NEVER
    assert taught(60).threshold("invoices", fewest=1) == NEVER


def test_a_new_queue_is_learned_beside_the_old_ones() -> None:
    model, chance = taught(200), random.Random(9)
    for _turn in range(15):
        model.learn(Text(body=" ".join(chance.sample(JOBS, 3))), "jobs")
    assert model.predict(Text(body="een vraag over uw vacature")).label == "jobs"
    assert fmean(model.predict(text).label == label for text, label in mails(100, seed=10)) > 0.9


def test_a_removed_label_is_never_said_again_and_the_others_stay() -> None:
    model = taught(200)
    model.remove_label("access")
    asked = [(text, label) for text, label in mails(100, seed=11) if label != "access"]
    assert "access" not in {entry.said for entry in model.gate.entries}
    assert fmean(model.predict(text).label == label for text, label in asked) > 0.9
    model.learn(Text(body="login"), "access")
    assert model.learned[-1] == 1


def test_a_renamed_label_keeps_what_it_has_learned() -> None:
    model = taught(300)
    before = model.threshold("access")
    model.rename_label("access", "log-in")
    assert model.predict(mail("access", random.Random(12))).label == "log-in"
    assert model.threshold("log-in") == pytest.approx(before)
    with pytest.raises(ValueError, match="already"):
        model.rename_label("log-in", "returns")


@pytest.mark.parametrize("text", ["", "\0", "\ud800 invoice", "🎉" * 50, "x" * 100_000, "1 " * 5000, "ﷺ ﬁ ǅ İ"])
def test_any_text_is_taken(text: str) -> None:
    model = taught(20)
    model.learn(Text(text, text, text, text), "invoices")
    assert model.predict(Text(text, text, text, text)).label

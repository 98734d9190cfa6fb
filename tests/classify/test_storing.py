"""A model as a file: small, read again the same, and refused when it is none."""

from __future__ import annotations

import zlib

import pytest

from postvak.classify.model import Model
from postvak.classify.storing import MAGIC, BadModel, load, save
from postvak.classify.text import Text
from tests.classify.invented import mails, taught


@pytest.fixture(scope="module")
def model() -> Model:
    return taught(300)


def test_a_loaded_model_says_the_same(model: Model) -> None:
    again = load(save(model))
    for text, _label in mails(100, seed=2):
        before, after = model.predict(text), again.predict(text)
        assert after.label == before.label
        assert after.probability == pytest.approx(before.probability, abs=0.05)
    assert again.thresholds() == pytest.approx(model.thresholds(), abs=1e-4)
    assert again.learned == model.learned


def test_a_loaded_model_goes_on_learning(model: Model) -> None:
    again = load(save(model))
    for _turn in range(10):
        again.learn(Text(body="vacature sollicitatie"), "jobs")
    assert again.predict(Text(body="sollicitatie")).label == "jobs"
    assert load(save(again)).predict(Text(body="sollicitatie")).label == "jobs"


def test_what_was_measured_on_the_old_scale_of_familiarity_opens_nothing(model: Model) -> None:
    raw = save(model)
    assert load(raw).gate.thresholds(0.5)
    old = load(MAGIC + b"\x01" + raw[5:])
    assert not old.gate.entries
    for text, label in mails(50, seed=2):
        said = old.predict(text)
        assert not old.acts(said, wished=0.5)
        assert said.label == model.predict(text).label
        old.learn(text, label)
    assert len(load(save(old)).gate.entries) == 50


def test_a_model_without_mails_can_be_kept() -> None:
    assert load(save(Model())).labels == []


def test_the_file_has_no_words_of_mails(model: Model) -> None:
    unpacked = zlib.decompress(save(model)[5:])
    assert b"invoices" in unpacked  # the label
    assert b"rechnung" not in unpacked
    assert len(save(model)) < 1_000_000


def test_a_model_made_anew_without_somebodys_mails_has_no_trace_of_them() -> None:
    others = mails(100)
    his = [(Text(body=f"zanzibar {text.body}", sender="eve@gone.example"), label) for text, label in mails(20, seed=3)]
    with_him, without_him, never_knew_him = Model(), Model(), Model()
    for text, label in [*others, *his]:
        with_him.learn(text, label)
    for text, label in others:
        without_him.learn(text, label)
        never_knew_him.learn(text, label)
    assert save(without_him) == save(never_knew_him)
    assert save(with_him) != save(without_him)
    reasons = without_him.predict(Text(body="zanzibar", sender="eve@gone.example")).words
    assert "@gone.example" not in {reason.word for reason in reasons}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04",
        MAGIC,
        MAGIC + b"\x00" + zlib.compress(b""),
        MAGIC + b"\x02" + zlib.compress(b""),
        MAGIC + b"\x03" + zlib.compress(b""),
        MAGIC + b"\x01" + zlib.compress(b""),
        MAGIC + b"\x01" + zlib.compress(b"\0\0\0\x02{}"),
        MAGIC + b"\x01" + zlib.compress(b"\0\0\0\x02[]"),
        MAGIC + b"\x01junk",
    ],
)
def test_what_is_no_model_is_refused(raw: bytes) -> None:
    with pytest.raises(BadModel):
        load(raw)


def test_a_damaged_model_is_refused_or_read_but_never_crashes(model: Model) -> None:
    raw = save(model)
    body = bytearray(zlib.decompress(raw[5:]))
    for place in range(0, 4000, 331):
        broken = bytearray(body)
        broken[place] ^= 0xFF
        try:
            read = load(raw[:5] + zlib.compress(bytes(broken), 1))
        except BadModel:
            continue
        assert isinstance(read, Model)
    with pytest.raises(BadModel):
        load(raw[: len(raw) // 2])

"""Words as search compares them. A change of these results needs a new ANALYSER, which makes the index anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.lexemes import Writer
from postvak.mail.words import ALL, ANALYSER, fold, folded_words, forms, languages_of

FOLDED = [
    ("Größe", "grosse"),
    ("STRASSE", "strasse"),
    ("Straße", "strasse"),
    ("één", "een"),
    ("ĳs", "ijs"),
    ("Ærø", "aero"),
    ("Łódź", "lodz"),
    ("２０２６", "2026"),
    ("Ελλάδα", "ελλαδα"),
    ("u\u0308ber", "uber"),
]
FOUND_BY = [
    ("lamp", "lampen"),
    ("lampen", "lamp"),
    ("rekening", "rekeningen"),
    ("facturen", "factuur"),
    ("Rechnungen", "Rechnung"),
    ("Häuser", "Haus"),
    ("Müller", "Mueller"),
    ("Mueller", "Muller"),
    ("Muller", "Müller"),
    ("grosse", "Größe"),
    ("groesse", "Größe"),
    ("invoices", "invoice"),
    ("flickering", "flickers"),
]


def all_of(word: str) -> set[str]:
    return {fold(word), *forms(word)}


@pytest.mark.parametrize(("written", "folded"), FOLDED)
def test_case_accents_and_ligatures_make_no_difference(written: str, folded: str) -> None:
    assert folded_words(written) == [folded]


@pytest.mark.parametrize(("typed", "written"), FOUND_BY)
def test_other_forms_of_a_word_are_found(typed: str, written: str) -> None:
    assert all_of(typed) & all_of(written)


def test_different_words_stay_different() -> None:
    for one, other in (("boek", "broek"), ("lamp", "lam"), ("Haus", "Maus"), ("order", "ordinary")):
        assert not all_of(one) & all_of(other)


def test_the_stems_are_those_of_this_analyser() -> None:
    """When this fails after an update of PyStemmer, raise ANALYSER and put the new stems here."""
    assert ANALYSER == 1
    assert sorted(forms("lampen")) == ["lamp"]
    assert sorted(forms("Häuser")) == ["haeuser", "haus"]
    assert sorted(forms("rekeningen")) == ["rekeen", "rekening"]
    assert sorted(forms("invoices")) == ["invoic", "invoice"]


def guess(text: str) -> tuple[str, ...]:
    return languages_of(folded_words(text))


def test_the_language_is_told_by_common_words() -> None:
    assert guess("ik heb het niet op de rekening van mijn klant gezien") == ("nl",)
    assert guess("ich habe die Rechnung nicht und das ist ein Problem") == ("de",)
    assert guess("we have not seen the invoice and it is for you") == ("en",)
    assert languages_of(["lamp"]) == ALL


def test_long_texts_keep_their_words_without_their_places() -> None:
    writer = Writer.empty()
    writer.write(" ".join(f"word{n}" for n in range(20_000)), ("en",))
    lexemes = writer.lexemes()
    assert "word19999" in lexemes.forms
    assert len(lexemes.words) < 16_000


@given(st.text())
def test_folding_never_fails_and_leaves_only_letters_and_digits(text: str) -> None:
    for word in folded_words(text):
        assert word.isalnum()
        assert fold(word) == word or not word.isascii()

"""Filters as files: what is written is read again, whatever stands in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.conditions.condition import Condition, Malformed
from postvak.conditions.operators import OPERATORS
from postvak.models import Agent, Filter, Mailbox, Queue
from postvak.process.filters.actions import ACTIONS
from postvak.process.filters.draft import BOTH, FOLLOW_UP, NEW, Action, Draft
from postvak.process.filters.exchange import Form, drafts_of, read_json, read_toml, written
from postvak.process.filters.fields import FIELDS
from postvak.process.filters.imports import ChangedMeanwhile, NotUnderstood, Result, import_text, save
from postvak.process.filters.store import draft_of, ordered_filters, save_filter

DOCS = Path(__file__).parents[2] / "docs" / "filters.md"
text = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [r"(\d+)'\"", "a\nb", "\r\n", '"""', "'''", "\\"]
)
conditions = st.builds(Condition, text, text, text, st.booleans())
actions = st.builds(Action, text, text, st.sampled_from([NEW, FOLLOW_UP, BOTH, ""]))
drafts = st.builds(
    Draft,
    name=text.map(str.strip),
    conditions=st.lists(conditions, max_size=3).map(tuple),
    actions=st.lists(actions, max_size=3).map(tuple),
    valid=st.booleans(),
    comment=text,
    mailboxes=st.none() | st.lists(text, max_size=2).map(tuple),
    match=st.sampled_from(["all", "any"]),
    stop=st.booleans(),
)

INVOICES = r"""
[[filter]]
name = "10 Invoices"
match = "all"
conditions = [{field = "subject", operator = "matches", value = 'invoice (\d+)'}]
actions = [{set = "queue", value = "Support"}, {set = "title", value = "Invoice [***]", on = "both"}]
stop = true
"""


@given(st.lists(drafts, max_size=3))
def test_json_gives_back_what_was_written(originals: list[Draft]) -> None:
    assert drafts_of(read_json(written(originals, Form.json))) == tuple(originals)


@given(st.lists(drafts, min_size=1, max_size=3))
def test_toml_gives_back_what_was_written(originals: list[Draft]) -> None:
    assert drafts_of(read_toml(written(originals, Form.toml))) == tuple(originals)


def test_no_filters_are_an_empty_file() -> None:
    assert drafts_of(read_json(written([], Form.json))) == ()
    assert written([], Form.toml) == ""


def test_expressions_and_comments_stay_readable_in_toml() -> None:
    draft = Draft("10 x", (Condition("subject", "matches", r"order (\d+)"),), comment="One line.\nAnother.")
    lines = written([draft], Form.toml).splitlines()
    assert r"""    {field = "subject", operator = "matches", value = 'order (\d+)'},""" in lines
    assert 'Another."""' in lines


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"filters": [{"name": "x", "condition": []}]}, "condition"),
        ({"filters": [], "filtres": []}, "filtres"),
        ({"filters": {"name": "x"}}, "list"),
        ("x", "list"),
    ],
)
def test_what_is_misspelt_is_refused(data: object, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        drafts_of(data)


def test_the_document_names_every_key() -> None:
    listed = DOCS.read_text()
    missing = [key for key in (*FIELDS, *OPERATORS, *ACTIONS) if f"`{key}`" not in listed]
    assert not missing


@pytest.mark.django_db
def test_a_file_of_ours_is_saved_as_it_is(support: Queue, admin: Agent) -> None:
    report = import_text(INVOICES.encode())
    assert [(entry.name, entry.result) for entry in report.entries] == [("10 Invoices", Result.taken_over)]
    assert not Filter.objects.exists()
    assert save(report, by=admin) == 1
    (row,) = ordered_filters()
    assert draft_of(row) == drafts_of(read_toml(INVOICES))[0]
    assert row.versions.get().agent == admin


@pytest.mark.django_db
def test_what_was_exported_is_unchanged_when_it_comes_back(support: Queue, mailbox: Mailbox) -> None:
    save(import_text(INVOICES.encode()), by=None)
    save(import_text(INVOICES.replace("10 I", "20 I").replace('"Support"', '"Nowhere"').encode()), by=None)
    for form in Form:
        text = written(map(draft_of, ordered_filters()), form)
        report = import_text(text.encode(), replace=True)
        assert [entry.result for entry in report.entries] == [Result.unchanged] * 2
        assert save(report, by=None) == 0


@pytest.mark.django_db
def test_a_filter_of_the_same_name_is_only_replaced_when_asked(support: Queue) -> None:
    save(import_text(INVOICES.encode()), by=None)
    changed = INVOICES.replace("invoice (", "bill (").encode()
    kept = import_text(changed)
    assert [entry.result for entry in kept.entries] == [Result.refused]
    assert "of this name" in kept.entries[0].faults[0]
    assert save(kept, by=None) == 0
    replaced = import_text(changed, replace=True)
    assert replaced.entries[0].replaces
    assert save(replaced, by=None) == 1
    (row,) = Filter.objects.all()
    assert row.conditions[0]["value"] == r"bill (\d+)"
    assert row.versions.count() == 2


@pytest.mark.django_db
def test_a_filter_that_names_something_unknown_is_saved_but_off_and_says_why(support: Queue, mailbox: Mailbox) -> None:
    text = INVOICES.replace("[[filter]]", f'[[filter]]\nmailboxes = ["{mailbox.name.upper()}", "Gone"]').replace(
        '"Support"', '"Nowhere"'
    )
    save(import_text(text.encode()), by=None)
    row = Filter.objects.get()
    assert not row.is_valid
    assert "Nowhere" in row.comment
    assert "Gone" in row.comment
    assert list(row.mailboxes.all()) == [mailbox]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ['"x\\u0000"', '"\\ud800"', '""', '"' + "x" * 201 + '"'], ids=["zero", "half", "empty", "long"]
)
def test_what_the_database_can_not_keep_is_refused(name: str) -> None:
    report = import_text(f'{{"filters": [{{"name": {name}, "conditions": []}}]}}'.encode())
    assert [entry.result for entry in report.entries] == [Result.refused]
    assert save(report, by=None) == 0


@pytest.mark.django_db
def test_a_name_that_stands_in_the_file_twice_is_taken_once(support: Queue) -> None:
    report = import_text((INVOICES + INVOICES).encode())
    assert [entry.result for entry in report.entries] == [Result.taken_over, Result.refused]
    assert save(report, by=None) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"\xff\xfe\x00",
        b"{}",
        b"[]",
        b"[1, 2]",
        b"null",
        b"a: [b",
        b"- - - -",
        b'{"filters": [{"name": 1, "x": 2}]}',
        b"SELECT * FROM postmaster_filter",
        b"INSERT INTO postmaster_filter VALUES (",
        b"INSERT INTO postmaster_filter SELECT 1",
        b"f_name;f_type;f_key;f_value\n",
        b'f_name,f_type,f_key,f_value\n"x',
        b"[" * 100_000,
        b"a: " + b"[" * 20_000,
        b"&a [*a, *a]",
        bytes(range(256)),
    ],
)
def test_a_file_without_filters_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(NotUnderstood, match=r"\.$"):
        import_text(raw, "file.txt")


@pytest.mark.django_db
def test_an_import_is_all_or_nothing(support: Queue) -> None:
    save_filter(Draft("20 x", stop=True), by=None)
    report = import_text((INVOICES + INVOICES.replace("10 I", "30 I")).encode())
    save_filter(Draft("30 Invoices", stop=True), by=None)
    with pytest.raises(ChangedMeanwhile):
        save(report, by=None)
    assert [row.name for row in ordered_filters()] == ["20 x", "30 Invoices"]


@pytest.mark.django_db
def test_a_filter_that_nobody_can_read_is_not_replaced(support: Queue) -> None:
    save(import_text(INVOICES.encode()), by=None)
    Filter.objects.update(conditions=["?"])
    report = import_text(INVOICES.encode(), replace=True)
    assert [entry.result for entry in report.entries] == [Result.refused]
    assert save(report, by=None) == 0

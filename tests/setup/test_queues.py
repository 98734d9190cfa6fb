"""Queues in the set-up file: languages, signature, names that are paths; and what the file says that it lacks."""

from pathlib import Path

import pytest

from postvak.blobs import store
from postvak.models import AnswerTemplate, AnswerTemplateFile, Look, Queue, Rule, RuleFile, Wording
from postvak.setup import file
from postvak.setup.fields import SettingError

pytestmark = pytest.mark.django_db


def apply(text: str) -> list[str]:
    return [change.as_text() for change in file.apply(text, base=Path())]


def test_languages_and_signature_go_in_and_come_out(support: Queue) -> None:
    text = '[[queue]]\nname = "Support"\nlanguages = ["nl", "pt-br", "nl"]\nsignature = { all = "Bye", nl = "Dag" }\n'
    assert len(apply(text)) == 2
    support.refresh_from_db()
    assert support.languages == ["nl", "pt-br"]
    assert {row.language: row.text for row in Wording.objects.filter(queue=support)} == {"": "Bye", "nl": "Dag"}
    assert 'languages = ["nl", "pt-br"]' in file.export()
    assert apply(file.export()) == []


@pytest.mark.parametrize("wrong", ['"nl"', '["Dutch"]', "[1]"])
def test_a_language_is_a_code(support: Queue, wrong: str) -> None:
    with pytest.raises(SettingError, match="language codes"):
        apply(f'[[queue]]\nname = "Support"\nlanguages = {wrong}\n')


def test_a_name_is_a_path_without_empty_parts(support: Queue) -> None:
    apply('[[queue]]\nname = "Support :: Hardware"\nbrand = "' + support.brand.name + '"\n')
    assert Queue.objects.filter(name="Support::Hardware").exists()
    with pytest.raises(SettingError, match="before and behind"):
        apply('[[queue]]\nname = "Support::"\nbrand = "' + support.brand.name + '"\n')


def test_what_is_too_large_for_the_file_is_named_in_it_with_the_place_where_it_is(support: Queue) -> None:
    assert file.left_out() == []
    blobs = store.prepare([b"\x89PNG\r\n\x1a\n" + bytes(50_000)])
    store.save(blobs)
    Look.objects.create(brand=support.brand, logo=blobs[0], logo_type="image/png")
    template = AnswerTemplate.objects.create(name="Label")
    facts = {"content_type": "text/plain", "size": 1, "blob": blobs[0]}
    AnswerTemplateFile.objects.create(template=template, name="how to\nreturn.pdf", **facts)
    RuleFile.objects.create(rule=Rule.objects.exclude(key="").order_by("pk")[0], name="terms.pdf", **facts)
    said = file.left_out()
    assert [line.partition(":")[0] for line in said] == [
        f"[[brand]] “{support.brand.name}”",
        "[[template]] “Label”",
        said[2].partition(":")[0],
    ]
    assert "“how to return.pdf”: a backup and the export of everything have them." in said[1]
    text = file.export()
    assert text.count("# Left out: ") == 3
    assert "# Left out: The logo of 50 kB is too large" in text
    assert apply(text) == []

"""Classification in the configuration file: the values and refusals of its pages; the key never comes out."""

from pathlib import Path

import pytest

from postvak.models import Brand, Classifier, LanguageModel, Queue
from postvak.setup.fields import SettingError
from postvak.setup.file import apply, export

pytestmark = pytest.mark.django_db

FILE = """
[[classifier]]
target = "queue"
mode = "suggest"
wished = 90
fewest = 20

[language_model]
url = "http://127.0.0.1:11434/v1"
model = "llama3.1:8b"
key = { env = "MODEL_KEY" }
mode = "shadow"

[[brand]]
name = "Shop"
asks_language_model = true

[[queue]]
name = "Returns"
brand = "Shop"
proposed = false
"""


def test_it_is_applied_once_and_written_out_without_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, support: Queue
) -> None:
    monkeypatch.setenv("MODEL_KEY", "sk-4711")
    assert apply(FILE, base=tmp_path)
    assert apply(FILE, base=tmp_path) == []
    row, service = Classifier.objects.get(target="queue"), LanguageModel.objects.get()
    assert (row.mode, row.wished, row.fewest) == ("suggest", 90, 20)
    assert (service.mode, service.secret, service.timeout) == ("shadow", "sk-4711", 30)
    assert Brand.objects.get(name="Shop").asks_language_model
    assert not Queue.objects.get(name="Returns").is_proposed
    assert Queue.objects.get(name="Support").is_proposed
    written = export()
    assert "sk-4711" not in written
    assert service.key not in written
    assert apply(written, base=tmp_path) == []


def test_a_new_installation_writes_its_values_and_takes_them_again(tmp_path: Path, brand: Brand) -> None:
    written = export()
    assert written.count("[[classifier]]") == 3
    assert "[language_model]" in written
    assert apply(written, base=tmp_path) == []
    assert not LanguageModel.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[classifier]]\ntarget = "mood"\nmode = "act"', "mood"),
        ('[[classifier]]\ntarget = "queue"\nmode = "always"', "write one of off, shadow, suggest, act"),
        ('[[classifier]]\ntarget = "queue"\nwished = 100', "99"),
        ('[language_model]\nmode = "act"', "Enter the address first."),
        ('[language_model]\nurl = "ftp://x.example"', "http"),
        ('[language_model]\nkey = "sk-4711"', "never in clear"),
    ],
)
def test_what_a_form_would_refuse_is_refused(tmp_path: Path, brand: Brand, text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        apply(text, base=tmp_path)
    assert not LanguageModel.objects.exists()

"""postvak keys: list, add, export, delete."""

import json

import pytest
from typer.testing import CliRunner

from postvak.cli import keys
from postvak.models import AuditEntry, CryptoKey
from tests.web.made_keys import made_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "prepare_database", lambda: None)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(keys.keys, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_is_added_listed_exported_and_deleted() -> None:
    files = made_once()
    run("add", str(files / "support.p12"), "--password", "geheim123")
    listed = json.loads(run("list", "--json", "--text", "support@"))
    assert [(one["has_private"], one["status"]) for one in listed] == [(True, "ending")]
    number = str(listed[0]["id"])
    assert run("export", number) == (files / "support.pem").read_text()
    assert "private key" in run("list")
    assert CryptoKey.objects.get(pk=number).sealed_private not in run("list", "--json")
    assert json.loads(run("delete", number, "--yes", "--json")) == {"id": int(number), "deleted": True, "mails": 0}
    assert list(
        AuditEntry.objects.filter(kind="cryptokey", origin="command")
        .values_list("action", flat=True)
        .distinct()
        .order_by("action")
    ) == ["created", "deleted"]


def test_what_cannot_be_added_ends_with_a_reason() -> None:
    locked = CliRunner().invoke(keys.keys, ["add", str(made_once() / "support.p12")])
    assert locked.exit_code == 1
    assert not CryptoKey.objects.exists()

"""The whole set-up by the API, and the backups that lie on the server."""

import json
import tomllib
from pathlib import Path

import pytest

from postvak.api import backups
from postvak.keep.backup import back_up
from postvak.models import Agent, AuditEntry, Mailbox, Queue, Tag
from tests.api.conftest import Program, problem

pytestmark = pytest.mark.django_db


def exported(root: Program) -> str:
    answer = root.ask("GET", "/configuration")
    assert answer.headers["Content-Type"].startswith("application/toml")
    return answer.content.decode()


# ---- the set-up ----------------------------------------------------------------


def test_the_set_up_comes_out_as_toml_and_goes_in_again_without_a_difference(root: Program, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(username="help")
    Mailbox.objects.filter(pk=mailbox.pk).update(sealed_password=sealed("geheim-4711"))
    text = exported(root)
    assert mailbox.name in {row["name"] for row in tomllib.loads(text)["mailbox"]}
    assert "geheim-4711" not in text
    assert AuditEntry.objects.filter(action="exported", kind="config", origin="api").exists()
    assert root.do("POST", "/configuration", {"toml": text}) == {"changes": [], "is_written": False}
    assert Mailbox.objects.get(pk=mailbox.pk).password == "geheim-4711"


def sealed(secret: str) -> str:
    row = Mailbox()
    row.password = secret
    return row.sealed_password


def test_a_dry_run_says_the_differences_and_writes_nothing(root: Program) -> None:
    text = '[[tag]]\nname = "VIP"\ncolour = "plum"\n'
    told = root.do("POST", "/configuration", {"toml": text, "is_dry": True})
    assert told == {
        "changes": [{"section": "tag", "key": "VIP", "field": "", "old": None, "new": None}], "is_written": False,
    }  # fmt: skip
    assert not Tag.objects.exists()
    assert root.do("POST", "/configuration", {"toml": text})["is_written"] is True
    (change,) = root.do("POST", "/configuration", {"toml": text.replace("plum", "moss")})["changes"]
    assert (change["field"], change["old"], change["new"]) == ("colour", "plum", "moss")
    assert Tag.objects.get().colour == "moss"
    assert AuditEntry.objects.filter(kind="tag", origin="api").count() == 2


def test_a_dry_run_with_a_key_writes_nothing_either(root: Program) -> None:
    body = {"toml": '[[tag]]\nname = "VIP"\n', "is_dry": True}
    first = root.ask("POST", "/configuration", body, Idempotency_Key="once")
    again = root.ask("POST", "/configuration", body, Idempotency_Key="once")
    assert (first.status_code, again.content) == (200, first.content)
    assert not Tag.objects.exists()


def test_what_is_wrong_is_said_with_its_place_and_nothing_is_changed(root: Program, support: Queue) -> None:
    text = '[[tag]]\nname = "VIP"\n\n[[queue]]\nname = "Support"\nbrand = "?"\n'
    told = problem(root.ask("POST", "/configuration", {"toml": text}), 422)
    assert told["errors"][0]["field"] == "toml"
    assert "Support" in told["detail"]
    assert not Tag.objects.exists()
    for wrong in ("= no TOML", "[[nothing]]\n", "[[tag]]\ncolour = 'moss'\n"):
        problem(root.ask("POST", "/configuration", {"toml": wrong}), 422)


def test_a_secret_comes_in_clear_and_never_from_a_file_or_the_environment(
    root: Program, support: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SERVER", "geheim")
    box = '[[mailbox]]\nname = "In"\nkind = "imap"\nhost = "imap.example.org"\npassword = '
    for reference in ('{ env = "OF_THE_SERVER" }', '{ file = "/etc/hostname" }'):
        told = problem(root.ask("POST", "/configuration", {"toml": box + reference}), 422)
        assert "write the secret as a text" in told["detail"]
    changes = root.do("POST", "/configuration", {"toml": f'{box}"geheim"'})["changes"]
    assert "geheim" not in json.dumps(changes)
    assert Mailbox.objects.get(name="In").password == "geheim"


def test_no_program_takes_the_last_administrator_away(root: Program, admin: Agent) -> None:
    text = f'[[agent]]\nemail = "{admin.email}"\nadmin = false\n'
    assert "administrator must stay" in problem(root.ask("POST", "/configuration", {"toml": text}), 422)["detail"]
    assert Agent.objects.get(pk=admin.pk).is_admin


# ---- backups ----------------------------------------------------------------


def test_a_backup_is_asked_for_and_its_job_found_by_its_kind(root: Program) -> None:
    job = root.do("POST", "/jobs", {"kind": "backup"})
    root.do("POST", "/jobs", {"kind": "export"})
    assert [row["id"] for row in root.get("/jobs?kind=backup")["items"]] == [job["id"]]
    assert [row["kind"] for row in root.get("/jobs?state=waiting")["items"]] == ["export", "backup"]
    assert root.get("/jobs?state=failed")["items"] == []


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_backups_are_listed_fetched_and_deleted(root: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "backups_folder", lambda: tmp_path)
    first, second = back_up(tmp_path).path.name, back_up(tmp_path).path.name
    (tmp_path / first / "manifest.json").write_text("{}")
    newest, damaged = root.get("/backups")["items"]
    assert (newest["name"], newest["is_readable"], newest["tickets"]) == (second, True, 0)
    assert (damaged["name"], damaged["is_readable"], damaged["made_at"]) == (first, False, None)
    page = root.get("/backups?limit=1")
    assert [row["name"] for row in root.get(f"/backups?limit=1&after={page['next']}")["items"]] == [first]
    problem(root.ask("GET", f"/backups/{first}/file"), 409)
    locked = back_up(tmp_path, passphrase="correct horse battery").path.name
    assert "on the server" in problem(root.ask("GET", f"/backups/{locked}/file"), 409)["detail"]
    root.do("DELETE", f"/backups/{locked}")
    tar = b"".join(root.ask("GET", f"/backups/{second}/file").streaming_content)  # type: ignore[attr-defined]
    assert f"{second}/manifest.json".encode() in tar
    assert AuditEntry.objects.filter(action="exported", kind="backup", name=second, origin="api").exists()
    root.do("DELETE", f"/backups/{second}")
    assert [row["name"] for row in root.get("/backups")["items"]] == [first]
    for name in (second, "..", "blobs"):
        problem(root.ask("DELETE", f"/backups/{name}"), 404)

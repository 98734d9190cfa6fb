"""The pages of backups, exports and privacy, and the one that makes words unreadable."""

import io
import zipfile
from pathlib import Path

import pytest
from django.test import Client

from postvak.blobs import store
from postvak.jobs.run import work_due
from postvak.keep import keys, work
from postvak.models import Agent, AnswerTemplate, AuditEntry, Customer, Job, Mailbox, Message, Options, Queue, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.web.admin import backups
from postvak.worker.works import WORKS
from tests.mails import mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]
real = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def message(mailbox: Mailbox, support: Queue) -> Message:
    accept(mailbox, [Arrived("k/1", mail(text="My word is tulip."))])
    process_due("test:1:x")
    return Message.objects.get()


@real
def test_a_backup_is_made_listed_downloaded_and_deleted(
    eva: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (work, backups):
        monkeypatch.setattr(module, "backups_folder", lambda: tmp_path)
    assert "No backup yet" in eva.get("/admin/backups/").content.decode()
    eva.post("/admin/backups/new/")
    eva.post("/admin/backups/new/")
    assert "is being made" in eva.get("/admin/backups/").content.decode()
    assert work_due("test:1:a", WORKS)
    assert not work_due("test:1:a", WORKS)
    name = Job.objects.get().result["name"]
    tar = b"".join(eva.get(f"/admin/backups/{name}/"))  # type: ignore[arg-type]
    assert b"manifest.json" in tar
    assert eva.get("/admin/backups/2026-01-01T000000Z/").status_code == 404
    eva.post(f"/admin/backups/{name}/deletion/")
    assert not (tmp_path / name).exists()
    assert set(AuditEntry.objects.filter(kind="backup").values_list("action", flat=True)) == {
        "created",
        "exported",
        "deleted",
    }


def test_the_daily_one_is_a_setting_with_a_line_in_the_audit(eva: Client) -> None:
    eva.post("/admin/backups/", {"backup_hour": "3", "backups_kept": "5"})
    assert Options.objects.values_list("backup_hour", "backups_kept").get() == (3, 5)
    assert AuditEntry.objects.get(kind="options").changes["backup_hour"] == [None, 3]
    assert eva.post("/admin/backups/", {"backup_hour": "3", "backups_kept": "0"}).status_code == 422


def test_keys_are_given_away_only_locked(eva: Client) -> None:
    assert eva.post("/admin/backups/keys/", {"passphrase": "short"}).status_code == 422
    answer = eva.post("/admin/backups/keys/", {"passphrase": "correct horse battery"})
    assert set(keys.unlock(answer.content, "correct horse battery")) == set(keys.NAMES)
    assert AuditEntry.objects.filter(action="downloaded", kind="keys").count() == 1


@real
def test_an_export_is_made_and_downloaded(eva: Client, message: Message) -> None:
    eva.post("/admin/exports/new/")
    assert work_due("test:1:a", WORKS)
    job = Job.objects.get()
    assert job.state == Job.State.DONE, job.said
    answer = eva.get(f"/admin/exports/{job.pk}/")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as archive:  # type: ignore[arg-type]
        assert archive.read(f"mails/{message.blob_id[:2]}/{message.blob_id}.eml") == mail(text="My word is tulip.")  # type: ignore[index]
    assert "Download" in eva.get("/admin/exports/").content.decode()


def test_a_person_is_found_reported_given_away_and_erased(eva: Client, message: Message) -> None:
    ann = Customer.objects.get()
    assert "Ann Archer" in eva.get("/admin/privacy/?q=archer%00").content.decode()
    page = f"/admin/privacy/{ann.pk}/"
    assert "Own tickets" in eva.get(page).content.decode()
    with zipfile.ZipFile(io.BytesIO(b"".join(eva.get(f"{page}export/")))) as archive:  # type: ignore[arg-type]
        assert "person.json" in archive.namelist()
    assert eva.post(page, {"tickets": "whole", "sure": "yes"}).status_code == 422
    assert not Job.objects.exists()
    assert eva.post(page, {"tickets": "whole", "sure": str(ann.pk)}).status_code == 302
    eva.post(page, {"tickets": "whole", "sure": str(ann.pk)})
    assert work_due("test:1:a", WORKS)
    assert (Job.objects.get().state, Ticket.objects.count()) == (Job.State.DONE, 0)
    assert f"Customer {ann.pk}" in eva.get("/admin/privacy/").content.decode()


def test_words_are_shown_first_and_made_unreadable_then(eva: Client, message: Message) -> None:
    page = f"/messages/{message.pk}/redaction/"
    asked = {"words": "tulip\r\n", "reason": "asked", "quotes": "on"}
    assert "<mark>tulip</mark>" in eva.post(page, asked).content.decode()
    message.refresh_from_db()
    assert "tulip" in message.text
    assert eva.post(page, {"reason": "asked"}).status_code == 422
    assert eva.post(page, asked | {"words": "tul\x00ip"}).status_code == 422
    eva.post(page, asked | {"now": "1"})
    message.refresh_from_db()
    assert message.text.strip() == "My word is *****."
    shown = eva.get(f"/tickets/{message.ticket.number}/").content.decode()
    assert "1 place was made unreadable by Eva Admin" in shown


def test_who_erases_sees_which_files_nobody_can_search(eva: Client, message: Message) -> None:
    template = AnswerTemplate.objects.create(name="Offer")
    (blob,) = store.prepare([b"%PDF"])
    store.save([blob])
    for name, kind in (("offer.pdf", "application/pdf"), ("terms.txt", "text/plain")):
        template.files.create(name=name, content_type=kind, size=4, blob=blob)
    page = eva.get(f"/admin/privacy/{message.ticket.customer_id}/").text
    assert "1 file that agents attached" in page
    assert "offer.pdf" in page
    assert f'href="/admin/answer-templates/{template.pk}/"' in page
    assert "terms.txt" not in page

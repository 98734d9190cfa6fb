"""The pages of imports and jobs: a trial first, then the import; what failed goes on; files are there to be fetched."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from postvak.bring.work import KIND, do_import, incoming_directory
from postvak.jobs import queue
from postvak.jobs.run import Run, work_due
from postvak.models import Agent, AuditEntry, Job, Queue, Ticket
from tests.bring import otobo_dump
from tests.bring.test_mails import THREAD, as_mbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def uploaded(raw: bytes, name: str = "archive.mbox") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw, "application/octet-stream")


def ask(page: Client, support: Queue, **more: object) -> Job:
    asked = {"kind": "mails", "queue": support.pk, "open_days": 0, "ours": "", "path": "", "articles": "", **more}
    answer = page.post("/admin/imports/new/", asked)
    assert answer.status_code == 302, answer.content.decode()
    return Job.objects.latest("pk")


def work() -> None:
    work_due("test:1:x", {KIND: do_import})


def test_a_trial_shows_what_would_come_and_the_import_follows(page: Client, support: Queue, admin: Agent) -> None:
    trial = ask(page, support, file=uploaded(as_mbox([*THREAD, b"shopping list"])))
    work()
    shown = page.get(f"/admin/jobs/{trial.pk}/").content.decode()
    assert "This was a trial" in shown
    assert "<b>1 mail</b>" in shown
    assert not Ticket.objects.exists()
    answer = page.post(f"/admin/imports/{trial.pk}/start/")
    work()
    assert Ticket.objects.count() == 2
    job = Job.objects.latest("pk")
    assert answer.headers["Location"] == f"/admin/jobs/{job.pk}/"
    assert "What came along" in page.get(f"/admin/jobs/{job.pk}/look/").content.decode()
    assert "Postvak can learn from these tickets" in page.get(f"/admin/jobs/{job.pk}/look/").content.decode()
    assert AuditEntry.objects.get(action="imported").agent == admin
    assert not list(incoming_directory().glob("upload-*"))


def test_the_list_of_what_was_left_out_can_be_fetched_and_is_safe_in_a_spreadsheet(
    page: Client, support: Queue
) -> None:
    job = ask(page, support, file=uploaded(b"=HYPERLINK(1)", "=cmd.eml"), now="1")
    work()
    answer = page.get(f"/admin/jobs/{job.pk}/file/")
    table = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert "It is no mail" in table
    assert "\n=" not in table
    assert ",=" not in table


def test_a_file_on_the_server_is_offered_and_taken_and_stays(page: Client, support: Queue) -> None:
    place = incoming_directory()
    place.mkdir(exist_ok=True)
    path = place / "otobo.sql"
    path.write_bytes(otobo_dump.mysqldump())
    try:
        assert "otobo.sql" in page.get("/admin/imports/new/").content.decode()
        ask(page, support, kind="otobo", path="otobo.sql", now="1")
        work()
        assert Ticket.objects.filter(number="2023030610000017").exists()
        assert path.exists()
    finally:
        path.unlink()


@pytest.mark.parametrize("path", ["../secret.key", "/etc/passwd", "upload-1", "a\0b"])
def test_only_files_that_are_offered_are_taken(path: str, page: Client, support: Queue) -> None:
    asked = {"kind": "mails", "queue": support.pk, "open_days": 0, "path": path}
    assert page.post("/admin/imports/new/", asked).status_code == 422
    assert not Job.objects.exists()


def test_without_a_file_the_form_says_so_and_keeps_what_was_typed(page: Client, support: Queue) -> None:
    asked = {"kind": "otobo", "queue": support.pk, "open_days": 5, "ours": "no address\0"}
    answer = page.post("/admin/imports/new/", asked)
    assert answer.status_code == 422
    assert 'value="5"' in answer.content.decode()


def test_a_job_is_stopped_tried_again_and_audited(page: Client, support: Queue) -> None:
    job = ask(page, support, file=uploaded(as_mbox(THREAD)), now="1")
    page.post(f"/admin/jobs/{job.pk}/stop/")
    job.refresh_from_db()
    assert job.state == Job.State.STOPPED
    page.post(f"/admin/jobs/{job.pk}/attempt/")
    work()
    assert Ticket.objects.count() == 2
    assert AuditEntry.objects.filter(kind="job", action="changed").count() == 2


def test_a_failed_job_says_why_on_its_page_and_in_the_list(page: Client, support: Queue) -> None:
    def fails(run: Run) -> None:
        raise OSError("no <b>space</b> left")

    job = queue.enqueue("export", {}, by=None)
    work_due("test:1:x", {"export": fails})
    assert "no &lt;b&gt;space" in page.get(f"/admin/jobs/{job.pk}/").content.decode()
    assert "failed" in page.get("/admin/jobs/").content.decode()
    assert page.get(f"/admin/jobs/{job.pk}/file/").status_code == 404


def test_the_lists_ask_few_queries_and_show_that_there_is_nothing(
    page: Client, django_assert_max_num_queries: object, tmp_path: Path
) -> None:
    assert "Nothing was imported yet" in page.get("/admin/imports/").content.decode()
    assert "No jobs yet" in page.get("/admin/jobs/").content.decode()
    for _number in range(60):
        queue.enqueue(KIND, {"kind": "mails", "path": "/x/a.mbox"}, by=None)
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        answer = page.get("/admin/jobs/")
    assert "Page 1 of 2" in answer.content.decode()


def test_the_form_offers_four_sources_each_by_its_own_name(page: Client) -> None:
    shown = page.get("/admin/imports/new/").content.decode()
    for name in ("Mails", "OTOBO, Znuny or OTRS", "Zammad", "osTicket"):
        assert f"<span>{name}<small>" in shown


def test_jobs_are_shown_by_how_they_are(page: Client, admin: Agent) -> None:
    for state, name in (("failed", "broken.mbox"), ("done", "fine.mbox"), ("running", "under-way.mbox")):
        job = queue.enqueue(KIND, {"kind": "mails", "path": f"/x/{name}"}, by=admin)
        Job.objects.filter(pk=job.pk).update(state=state)
    shown = {wanted: page.get(f"/admin/jobs/?state={wanted}").text for wanted in ("", "failed", "done", "open", "odd")}
    for wanted, names in (
        ("", "broken fine under-way"), ("failed", "broken"), ("done", "fine"), ("open", "under-way"), ("odd", "broken fine under-way"),
    ):  # fmt: skip
        assert {name for name in ("broken", "fine", "under-way") if f"{name}.mbox" in shown[wanted]} == set(
            names.split()
        )
    Job.objects.all().delete()
    assert "Nothing in this list is like that." in page.get("/admin/jobs/?state=failed").text
    queue.enqueue("erase", {"customer": 1}, by=admin)
    assert "Erasure" in page.get("/admin/jobs/").text

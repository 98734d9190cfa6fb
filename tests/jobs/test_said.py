"""Why a job failed, in the language of whoever reads it, however the worker was set up."""

import pytest
from django.utils import translation
from django.utils.translation import gettext_noop

from postvak.jobs.queue import enqueue, try_again
from postvak.jobs.run import JobError, Run, work_due
from postvak.jobs.said import Told, said_by
from postvak.keep.manifest import BadBackup
from postvak.models import Job

pytestmark = pytest.mark.django_db

TEXT = gettext_noop("There is no file %(path)s any more.")


def failed(error: Exception) -> Job:
    def work(run: Run) -> None:
        raise error

    job = enqueue("backup", {}, by=None)
    with translation.override("de"):
        assert work_due("test:1:x", {"backup": work})
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    return job


def test_the_text_is_kept_in_english_and_told_in_any_language() -> None:
    job = failed(JobError(TEXT, path="/tmp/100 %.mbox"))  # noqa: S108
    assert job.said == "There is no file /tmp/100 %.mbox any more."
    with translation.override("en"):
        assert said_by(job) == job.said
    for language in ("nl", "de"):
        with translation.override(language):
            assert said_by(job) != job.said
            assert "/tmp/100 %.mbox" in said_by(job)  # noqa: S108


def test_the_reason_of_a_part_is_that_of_the_job() -> None:
    job = failed(JobError.of(BadBackup(TEXT, path="x")))
    with translation.override("nl"):
        assert said_by(job) not in {"", job.said}


@pytest.mark.parametrize("error", [JobError.of(OSError("100 % full")), ValueError("%(x)s"), JobError("50 %")])
def test_what_we_do_not_know_stays_as_it_is(error: Exception) -> None:
    job = failed(error)
    with translation.override("nl"):
        assert said_by(job) == job.said
    assert str(error) in job.said


def test_a_job_that_is_tried_again_says_nothing_of_what_was() -> None:
    job = failed(JobError(TEXT, path="x"))
    try_again(job)
    assert said_by(job) == ""
    Job.objects.filter(pk=job.pk).update(said="The database is copied.")
    job.refresh_from_db()
    with translation.override("nl"):
        assert said_by(job) != "The database is copied."


def test_every_reason_of_a_backup_can_be_told() -> None:
    assert issubclass(BadBackup, Told)
    assert (
        str(BadBackup("The file %(name)s is missing in this backup.", name="a"))
        == "The file a is missing in this backup."
    )

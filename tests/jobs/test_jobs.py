"""Jobs: done once, seen while they run, stopped, tried again, and taken over from a worker that died."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.jobs.queue import directory, enqueue, file_of, forget, stop, try_again
from postvak.jobs.run import MOST_ATTEMPTS, JobError, Run, work_due
from postvak.models import Agent, Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(admin: Agent) -> Job:
    return enqueue("count", {"to": 3}, by=admin)


def count(run: Run) -> None:
    """The work of these tests: counts in steps and makes a file."""
    for number in range(run.point.get("next", 0), run.parameters["to"]):
        run.progress(done=number + 1, total=run.parameters["to"], point={"next": number + 1})
    (directory(run.job) / "numbers.txt").write_text("1 2 3")
    run.finish(result={"counted": run.parameters["to"]}, file="numbers.txt")


def test_a_job_is_done_once_and_leaves_its_result(job: Job) -> None:
    assert work_due("test:1:a", {"count": count}) == 1
    assert work_due("test:1:b", {"count": count}) == 0
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.result) == (Job.State.DONE, 3, 3, {"counted": 3})
    found = file_of(job)
    assert found is not None
    assert found.read_text() == "1 2 3"


def test_work_of_other_workers_is_left_to_them(job: Job) -> None:
    assert work_due("test:1:a", {"other": count}) == 0


def test_what_the_work_raises_is_told_and_a_new_attempt_goes_on_from_its_point(job: Job) -> None:
    def breaks(run: Run) -> None:
        run.progress(done=2, point={"next": 2})
        raise JobError("The file ends in the middle.")

    work_due("test:1:a", {"count": breaks})
    job.refresh_from_db()
    assert (job.state, job.said) == (Job.State.FAILED, "The file ends in the middle.")
    assert try_again(job)
    seen: list[int] = []
    work_due("test:1:a", {"count": lambda run: seen.append(run.point["next"])})
    job.refresh_from_db()
    assert (seen, job.state, job.said) == ([2], Job.State.DONE, "")
    assert not try_again(job)


def test_an_error_that_nobody_expected_is_told_too(job: Job) -> None:
    work_due("test:1:a", {"count": lambda run: {}["missing"]})  # type: ignore[index]
    job.refresh_from_db()
    assert (job.state, job.said) == (Job.State.FAILED, "KeyError: 'missing'")


def test_one_that_waits_is_stopped_at_once_and_one_that_runs_at_its_next_step(job: Job, admin: Agent) -> None:
    stop(job)
    assert job.state == Job.State.STOPPED
    assert work_due("test:1:a", {"count": count}) == 0
    running = enqueue("count", {"to": 3}, by=admin)

    def stopped_by_somebody(run: Run) -> None:
        run.progress(done=1, point={"next": 1})
        stop(Job.objects.get(pk=run.job.pk))
        run.progress(done=2, point={"next": 2})
        raise AssertionError("it went on")

    work_due("test:1:a", {"count": stopped_by_somebody})
    running.refresh_from_db()
    assert (running.state, running.done) == (Job.State.STOPPED, 1)


def test_a_worker_that_ends_leaves_the_rest_to_the_next(job: Job) -> None:
    leaving = iter([False, True])
    work_due("test:1:a", {"count": count}, lambda: next(leaving))
    job.refresh_from_db()
    assert (job.state, job.done) == (Job.State.WAITING, 1)
    work_due("test:1:b", {"count": count})
    job.refresh_from_db()
    assert (job.state, job.done) == (Job.State.DONE, 3)


def test_the_next_worker_goes_on_when_one_died_but_not_for_ever(job: Job) -> None:
    def dies(run: Run) -> None:
        run.progress(point={"next": 1})
        raise SystemExit

    for number in range(MOST_ATTEMPTS):
        with pytest.raises(SystemExit):
            work_due(f"test:{number}:a", {"count": dies})
        assert work_due("test:9:b", {"count": count}) == 0  # the claim still holds
        Job.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    work_due("test:9:b", {"count": count})
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "in the middle" in job.said


def test_one_that_another_worker_has_by_now_writes_nothing_more(job: Job) -> None:
    def slow(run: Run) -> None:
        Job.objects.update(claimed_by="test:2:b")
        run.progress(done=2)

    work_due("test:1:a", {"count": slow})
    job.refresh_from_db()
    assert (job.state, job.done, job.claimed_by) == (Job.State.RUNNING, 0, "test:2:b")


def test_files_go_after_their_time_and_old_jobs_too(job: Job) -> None:
    work_due("test:1:a", {"count": count})
    forget(timezone.now() + timedelta(days=8))
    job.refresh_from_db()
    assert file_of(job) is None
    assert not job.file
    forget(timezone.now() + timedelta(days=91))
    assert not Job.objects.exists()

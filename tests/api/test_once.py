"""Idempotency keys: the same request with the same key happens once, whatever comes in between."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.models import ApiToken, IdempotencyKey, Message
from postvak.tickets.programs import once
from tests.api.conftest import Program

pytestmark = pytest.mark.django_db

REQUESTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two", ""])), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(requests=REQUESTS)
def test_a_key_means_one_request_and_one_answer(
    requests: list[tuple[str, str]], program: Program, objects: dict[str, Any]
) -> None:
    """Whatever keys and texts come in which order: the first request with a key counts, also when it was refused."""
    IdempotencyKey.objects.all().delete()
    Message.objects.filter(kind="note").delete()
    path = f"/tickets/{objects['ticket'].number}/notes"
    first: dict[str, tuple[str, int, bytes]] = {}
    for key, text in requests:
        response = program.ask("POST", path, {"text": text}, idempotency_key=key)
        known = first.setdefault(key, (text, response.status_code, response.content))
        if known[0] == text:
            assert (response.status_code, response.content) == known[1:]
        else:
            assert json.loads(response.content)["code"] == "idempotency_key_reused"
    written = sorted(text for text, status, _content in first.values() if status == 201)
    assert sorted(Message.objects.filter(kind="note").values_list("text", flat=True)) == written


def test_a_mail_is_sent_once_however_often_a_script_tries(program: Program, objects: dict[str, Any]) -> None:
    path = f"/tickets/{objects['ticket'].number}/answers"
    before = Message.objects.filter(kind="outgoing").count()
    answers = [program.ask("POST", path, {"text": "Yes"}, idempotency_key="order-17") for _ in range(3)]
    assert [one.status_code for one in answers] == [201] * 3
    assert len({one.content for one in answers}) == 1
    assert [one.headers.get("Idempotency-Replayed") for one in answers] == [None, "true", "true"]
    assert Message.objects.filter(kind="outgoing").count() == before + 1


def test_while_the_first_one_runs_others_wait(program: Program, objects: dict[str, Any]) -> None:
    path = f"/tickets/{objects['ticket'].number}/notes"
    program.do("POST", path, {"text": "Hi"}, idempotency_key="k")
    IdempotencyKey.objects.update(status=0, answer=b"")  # as it is while the first request is being carried out
    response = program.ask("POST", path, {"text": "Hi"}, idempotency_key="k")
    assert response.status_code == 409
    assert json.loads(response.content)["code"] == "still_running"
    IdempotencyKey.objects.update(created_at=timezone.now() - once.SILENCE)  # its process was killed
    assert program.ask("POST", path, {"text": "Hi"}, idempotency_key="k").status_code == 201


def test_what_fails_on_our_side_may_be_tried_again(
    program: Program, objects: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/tickets/{objects['ticket'].number}/notes"
    with monkeypatch.context() as patch:
        patch.setattr("postvak.api.sending.find_mentions", lambda *args, **kwargs: 1 / 0)  # after the note was written
        assert program.ask("POST", path, {"text": "Hi"}, idempotency_key="k").status_code == 500
    assert not Message.objects.filter(kind="note").exists()
    assert program.ask("POST", path, {"text": "Hi"}, idempotency_key="k").status_code == 201


def test_keys_are_forgotten_after_a_day_and_answers_are_sealed(program: Program, objects: dict[str, Any]) -> None:
    path = f"/tickets/{objects['ticket'].number}/notes"
    program.do("POST", path, {"text": "Very secret"}, idempotency_key="k")
    row = IdempotencyKey.objects.get()
    assert b"secret" not in bytes(row.answer)
    assert once.forget(timezone.now()) == 0
    assert once.forget(timezone.now() + once.KEPT + timedelta(seconds=1)) == 1


def test_two_programs_may_use_the_same_key(program: Program, enter: Any, bob: Any, objects: dict[str, Any]) -> None:
    path = f"/tickets/{objects['ticket'].number}/notes"
    program.do("POST", path, {"text": "Hi"}, idempotency_key="k")
    enter(bob).do("POST", path, {"text": "Hi"}, idempotency_key="k")
    assert Message.objects.filter(kind="note").count() == 2
    assert ApiToken.objects.count() == 2

"""do_once(): what a request with an Idempotency-Key does, it does once; see tickets.programs.once."""

import json
from collections.abc import Callable

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from postvak.api.problems import Problem, answer_of, problem_of
from postvak.models import ApiToken, IdempotencyKey
from postvak.tickets.programs import once

KEPT_HEADERS = ("Content-Type", "Location", "ETag")
NOT_FINAL = frozenset({401, 403, 429})  # the same request may succeed later; nothing was done


class Undone(Exception):
    """The request failed: what it wrote is rolled back."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self.response = response


def do_once(token: ApiToken, key: str, digest: str, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    claimed = claim(token, key, digest)
    if isinstance(claimed, once.Answer):
        return unpacked(claimed)
    try:
        with transaction.atomic():
            response = answered(work)
            once.settle(claimed, packed(response))
            return response
    except Undone as failed:
        if failed.response.status_code >= 500 or failed.response.status_code in NOT_FINAL:
            once.drop(claimed)
        else:
            once.settle(claimed, packed(failed.response))
        return failed.response
    except once.Overtaken:
        raise running() from None
    except Exception:
        once.drop(claimed)
        raise


def claim(token: ApiToken, key: str, digest: str) -> IdempotencyKey | once.Answer:
    try:
        return once.claim(token, key, digest, timezone.now())
    except once.OtherRequest:
        text = "This Idempotency-Key was used for another request."
        raise Problem(422, text, code="idempotency_key_reused") from None
    except once.StillRunning:
        raise running() from None


def running() -> Problem:
    text = "The first request with this Idempotency-Key is still running."
    return Problem(409, text, code="still_running", headers={"Retry-After": "2"})


def answered(work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Raises Undone for anything that is no success."""
    try:
        response = work()
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        raise Undone(answer_of(problem)) from error
    if response.status_code >= 400:
        raise Undone(response)
    return response


def packed(response: HttpResponseBase) -> once.Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = response.content.decode() if isinstance(response, HttpResponse) else ""
    return once.Answer(response.status_code, json.dumps([headers, body]))


def unpacked(answer: once.Answer) -> HttpResponse:
    headers, body = json.loads(answer.text)
    return HttpResponse(body, status=answer.status, headers={**headers, "Idempotency-Replayed": "true"})

"""Asks pages of an installation that has a replica, as told by words on its input; prints a line of JSON for each. Used by test_replica.

`page PATH`: status, and which databases were asked how often. `change`: a form is sent. `wait`: until the replica is fit or not.
`health`: codes of the findings about it. `title TEXT`: the subject of the ticket becomes this. `behind SECONDS`: how late it seems to be to a
database whose clock is ahead by so much.
"""

import json
import sys
import time
from collections import Counter
from contextlib import ExitStack

import django


def main() -> None:  # noqa: C901 - one step after the other; models can be imported only after django.setup()
    django.setup()
    from django.db import connections
    from django.test import Client
    from django.utils import timezone

    from postvak.models import Agent, Brand, Queue, Status, Ticket
    from postvak.models.replica import FITNESS, seconds_behind
    from postvak.notify.health import machine

    now = timezone.now()
    queue = Queue.objects.create(name="Support", brand=Brand.objects.get())
    status = Status.objects.get(key="open")
    Ticket.objects.create(number="20261", subject="Lamp", queue=queue, status=status, created_at=now, changed_at=now)
    bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob", is_admin=True)
    client = Client()
    client.force_login(bob)

    def page(path: str) -> object:
        counted: Counter[str] = Counter()

        def count(execute: object, sql: str, parameters: object, many: bool, context: dict[str, object]) -> object:
            counted[context["connection"].alias] += 1  # type: ignore[attr-defined]
            return execute(sql, parameters, many, context)  # type: ignore[operator]

        with ExitStack() as wrapped:
            for alias in ("default", "replica"):
                wrapped.enter_context(connections[alias].execute_wrapper(count))
            answer = client.get(path)
            text = b"".join(answer) if answer.streaming else answer.content
        return {"status": answer.status_code, "text": text.decode(), **counted}

    def wait(wish: str) -> object:
        until = time.monotonic() + 30
        while FITNESS.is_fit() != (wish == "fit"):
            FITNESS.until = 0.0
            assert time.monotonic() < until, wish
            time.sleep(0.1)
        return wish

    def health(_word: str) -> object:
        return [finding.code for finding in machine.database_replica(timezone.now())]

    def title(text: str) -> object:
        return Ticket.objects.update(subject=text)

    def behind(ahead: str) -> object:
        return seconds_behind("FFFFFFFF/0", str(time.time() + int(ahead)))

    def change(_word: str) -> object:
        answer = client.post("/tickets/20261/tags/", {"tags": "x"})
        return {name: int(cookie["max-age"]) for name, cookie in answer.cookies.items() if name == "postvak_changed"}

    def forget(_word: str) -> object:
        client.cookies.pop("postvak_changed", None)
        return None

    orders = {"page": page, "wait": wait, "health": health, "title": title, "behind": behind, "change": change}
    orders["forget"] = forget
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        word, _space, rest = line.strip().partition(" ")
        print(json.dumps(orders[word](rest)), flush=True)


if __name__ == "__main__":
    main()

"""Filters changed by several people at once, and in other processes than the one that runs them."""

import subprocess
import sys
from threading import Thread

import pytest
from django.db import OperationalError, connection, connections, transaction

from postvak.models import Filter, Mailbox, Queue, Receipt
from tests.mails import mail
from tests.process.arrivals import make_filter, receive

real_commits = pytest.mark.django_db(transaction=True, serialized_rollback=True)

CHANGE = """
import django; django.setup()
from postvak.models import Filter
from postvak.process.filters.draft import Draft
from postvak.process.filters.store import draft_of, save_filter
from django.conf import settings
settings.DATABASES["default"]["NAME"] = {name!r}
row = Filter.objects.get()
save_filter(Draft.from_json(draft_of(row).as_json() | {{"actions": [{{"set": "add_tags", "value": "new"}}]}}), by=None, row=row)
"""


@real_commits
def test_a_change_by_another_process_counts_for_the_next_mail(mailbox: Mailbox, support: Queue) -> None:
    if connection.settings_dict["NAME"].startswith("file:"):
        pytest.skip("SQLite tests run in memory, which no other process can see")
    make_filter("10", ("add_tags", "old"))
    receive(mailbox, mail())
    script = CHANGE.format(name=connection.settings_dict["NAME"])
    subprocess.run([sys.executable, "-c", script], check=True, env=None, timeout=60)  # noqa: S603 - our own words
    receive(mailbox, mail(message_id="m2@customer.example", text="Two"))
    tags = [sorted(r.ticket.tags.values_list("name", flat=True)) for r in Receipt.objects.order_by("pk") if r.ticket]
    assert tags == [["old"], ["new"]]


@real_commits
def test_no_change_becomes_visible_after_a_newer_one(support: Queue) -> None:
    """Else a process that compiled in between would never see it."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    failures: list[Exception] = []

    def overtake() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
                make_filter("20", ("add_tags", "second"))
        except OperationalError as error:
            failures.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        make_filter("10", ("add_tags", "first"))
        other = Thread(target=overtake)
        other.start()
        other.join()
    assert len(failures) == 1
    assert Filter.objects.count() == 1

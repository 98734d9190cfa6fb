"""/health, /health/ready, /metrics, the page of the administration and the line on every page."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from postvak import __version__
from postvak.models import Agent, AlarmState, Channel, Lease, Mailbox, Receipt
from postvak.notify.alarm import Alarm
from postvak.notify.health.mails import show_life
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def test_health_needs_no_database_and_no_log_in(client: Client) -> None:
    """Without the mark of pytest-django, every question to the database is an error."""
    assert client.get("/health").text == "ok"


@pytest.mark.django_db
def test_ready_says_in_plain_words_which_check_failed_and_nothing_else(client: Client) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.text) == (503, "No worker was seen lately.")
    show_life("test:1:x", timezone.now())
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.text) == (200, "ready")
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert client.get("/health/ready").status_code == 503


@pytest.mark.django_db
def test_ready_knows_missing_migrations(client: Client) -> None:
    show_life("test:1:x", timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'postvak' AND name LIKE '0018%'")
    answer = client.get("/health/ready")
    assert (answer.status_code, "migrations" in answer.text) == (503, True)


def samples(text: str) -> dict[str, dict[str, float]]:
    """Name -> labels -> value; a line that is none of the format fails."""
    found: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            match = SAMPLE.match(line)
            assert match, line
            found.setdefault(match[1], {})[match[2] or ""] = float(match[3])
    return found


@pytest.mark.django_db
def test_metrics_can_be_read_and_add_up(client: Client, mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("m/1", mail()), Arrived("m/2", b"")])
    process_due("test:1:x")
    accept(mailbox, [Arrived("m/3", mail(message_id="3@x.example"))])
    Mailbox.objects.create(name='A "quoted" \\ name', kind="imap", last_success_at=timezone.now())
    Channel.objects.create(name="Relay", failures=9)
    found = samples(client.get("/metrics").text)
    assert sum(found["postvak_receipts"].values()) == Receipt.objects.count() == 3
    assert found["postvak_receipts"]['outcome="held"'] == 1
    assert found["postvak_queue_length"]['queue="processing"'] == 1
    assert found["postvak_queue_length"]['queue="held"'] == 1
    assert list(found["postvak_mailbox_up"].values()) == [1]
    assert found["postvak_channel_up"] == {'channel="Relay"': 0}
    buckets = list(found["postvak_processing_seconds_bucket"].values())
    assert buckets == sorted(buckets)
    assert buckets[-1] == found["postvak_processing_seconds_count"][""] == 2


@pytest.mark.django_db
def test_metrics_are_for_this_machine_or_those_with_the_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    with override_settings(CONFIGURATION=replace(settings.CONFIGURATION, metrics_token="s3cret")):  # noqa: S106
        assert client.get("/metrics").status_code == 404
        far = {"REMOTE_ADDR": "192.0.2.1"}
        assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}, **far).status_code == 200
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}, **far).status_code == 404


@pytest.mark.django_db
def test_metrics_ask_few_questions(client: Client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(22):
        client.get("/metrics")


@pytest.mark.django_db
def test_the_page_lists_every_finding_with_what_to_do_the_most_severe_first(eva: Client) -> None:
    show_life("test:1:x", timezone.now())
    assert "All is well" in eva.get("/admin/health/").text
    Channel.objects.create(name="Relay", failures=1, last_said="451 later <b>")
    box = Mailbox.objects.create(name="Mail", kind="imap", last_success_at=timezone.now() - timedelta(hours=9))
    page = eva.get("/admin/health/").text
    assert page.index("is silent") < page.index("Sending by the channel")
    assert "it says what to do" in page
    assert "451 later &lt;b&gt;" in page
    assert f'href="/admin/mailboxes/{box.pk}/"' in page


@pytest.mark.django_db
def test_administrators_see_a_line_on_every_page_while_something_is_an_alarm(
    eva: Client, bob: Agent, client: Client
) -> None:
    assert "health-line" not in eva.get("/").text
    Mailbox.objects.create(name="Mail", kind="imap", last_success_at=timezone.now() - timedelta(hours=9))
    Alarm().tell_one(timezone.now(), worker="test:1:x")
    for path in ("/", "/admin/queues/", "/preferences/"):
        page = eva.get(path).text
        assert "health-line" in page
        assert "Mailbox “Mail” is silent" in page
    Mailbox.objects.all().update(last_success_at=timezone.now())
    Alarm().tell_one(timezone.now(), worker="test:1:x")
    assert "health-line" not in eva.get("/").text
    AlarmState.objects.create(key="x", since=timezone.now())
    client.force_login(bob)
    assert "health-line" not in client.get("/").text


@pytest.mark.django_db
def test_that_no_worker_runs_any_more_is_on_the_line_too(eva: Client) -> None:
    show_life("test:1:x", timezone.now())
    assert "health-line" not in eva.get("/").text
    Lease.objects.update(until=timezone.now() - timedelta(minutes=2))
    assert "No worker runs" in eva.get("/").text


@pytest.mark.django_db
def test_the_page_says_which_version_runs_and_how_to_update(eva: Client) -> None:
    page = eva.get("/admin/health/").text
    assert f"Postvak {__version__}, its database as of" in page
    assert "/manual/backup-upgrade/" in page

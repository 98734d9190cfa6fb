"""Health checks: each silent while all is well, and red when it isn't; the alarm, and the web hook that gets it, too."""

import json
import threading
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone, translation

from postvak.blobs.rows import Blob
from postvak.configuration import Listening
from postvak.log.health_sentences import WORDS
from postvak.models import (
    Agent,
    AlarmState,
    Channel,
    Grant,
    Lease,
    LedgerDelta,
    Mailbox,
    Options,
    OutgoingMail,
    Receipt,
    SigningKey,
)
from postvak.net.webhook import is_acceptable, post_json
from postvak.notify.alarm import AGAIN, Alarm
from postvak.notify.health import machine, mails
from postvak.notify.health.checks import CHECKS, findings
from postvak.notify.health.finding import Finding, Severity
from postvak.receive.accept import Arrived, accept
from postvak.send.signing_keys import make_key
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.send.answering import receive
from tests.servers.tls import make_certificates

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)
WORKER = "test:1:health"


def codes(check, now: datetime = NOW) -> list[tuple[str, str]]:
    return [(one.code, one.severity.value) for one in check(now)]


# ---- one by one ----------------------------------------------------------------------------


def test_with_a_worker_and_nothing_wrong_all_is_well() -> None:
    mails.show_life(WORKER, timezone.now())
    assert findings(timezone.now()) == []


def test_a_worker_that_was_never_seen_or_not_lately_is_missed() -> None:
    assert codes(mails.worker) == [("worker_gone", "alarm")]
    mails.show_life(WORKER, timezone.now())
    assert codes(mails.worker, timezone.now()) == []
    Lease.objects.update(until=NOW - timedelta(minutes=1))
    assert codes(mails.worker) == [("worker_gone", "alarm")]


def test_signs_of_life_of_workers_that_are_gone_do_not_pile_up() -> None:
    mails.show_life("old:1:a", NOW)
    Lease.objects.update(until=LONG_AGO)
    mails.show_life("new:1:a", timezone.now())
    assert list(Lease.objects.values_list("name", flat=True)) == ["worker:new:1:a"]


def test_a_mailbox_is_a_warning_when_it_fails_and_an_alarm_when_it_is_silent() -> None:
    box = Mailbox.objects.create(name="Mail", kind="imap", last_success_at=NOW)
    assert codes(mails.mailboxes) == []
    Mailbox.objects.update(failing_since=NOW)
    assert codes(mails.mailboxes) == [("mailbox_failing", "warning")]
    Mailbox.objects.update(last_success_at=LONG_AGO)
    (found,) = mails.mailboxes(NOW)
    assert (found.code, found.severity, found.key) == ("mailbox_silent", "alarm", f"mailbox:{box.pk}:mailbox_silent")
    assert (found.path, found.since) == (f"/admin/mailboxes/{box.pk}/", LONG_AGO)


def test_a_channel_is_a_warning_at_first_and_an_alarm_after_four_failures(channel: Channel) -> None:
    assert codes(mails.channels) == []
    Channel.objects.update(failures=1)
    assert codes(mails.channels) == [("channel_failing", "warning")]
    Channel.objects.update(failures=4)
    assert codes(mails.channels) == [("channel_broken", "alarm")]
    Channel.objects.update(is_valid=False)
    assert codes(mails.channels) == []


def test_a_connected_account_that_is_refused_is_an_alarm() -> None:
    Grant.objects.create(name="Office", provider="google", client_id="a")
    assert codes(mails.grants) == []
    Grant.objects.update(failing_since=NOW)
    assert codes(mails.grants) == [("grant_broken", "alarm")]


def test_held_mail_is_an_alarm_after_the_hours_of_the_options(mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("h/1", mail())])
    Receipt.objects.update(state="done", outcome="held", received_at=NOW - timedelta(hours=25))
    assert codes(mails.held) == [("held_old", "alarm")]
    Options.objects.update(held_hours=26)
    assert codes(mails.held) == []
    Options.objects.update(held_hours=None)
    assert codes(mails.held, NOW + timedelta(days=900)) == []


def test_mail_that_nobody_processes_is_an_alarm_after_ten_minutes(mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("r/1", mail())])
    assert codes(mails.receipts, timezone.now() + timedelta(minutes=9)) == []
    assert codes(mails.receipts, timezone.now() + timedelta(minutes=11)) == [("receipts_waiting", "alarm")]


@pytest.fixture
def waiting(channel: Channel, mailbox: Mailbox, bob: Agent) -> OutgoingMail:
    """A mail in the outbox, due since two hours ago."""
    ticket = receive(mailbox, mail()).ticket
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    OutgoingMail.objects.update(next_attempt_at=NOW - timedelta(hours=2), created_at=NOW - timedelta(hours=2))
    return OutgoingMail.objects.get()


def test_mail_that_does_not_go_out_is_an_alarm_and_deferred_mail_a_warning(waiting: OutgoingMail) -> None:
    assert codes(mails.outbox) == [("outbox_stuck", "alarm")]
    OutgoingMail.objects.update(attempts=3, next_attempt_at=NOW + timedelta(minutes=5))
    assert codes(mails.outbox) == [("outbox_old", "warning")]
    OutgoingMail.objects.update(next_attempt_at=None)
    assert codes(mails.outbox) == []
    Options.objects.update(outbox_minutes=None)
    OutgoingMail.objects.update(next_attempt_at=LONG_AGO)
    assert codes(mails.outbox) == []


def test_mail_of_a_broken_channel_or_for_later_is_no_second_alarm(waiting: OutgoingMail) -> None:
    Channel.objects.update(failures=5)
    assert codes(mails.outbox) == []
    Channel.objects.update(failures=0)
    OutgoingMail.objects.update(next_attempt_at=NOW + timedelta(days=3), send_at=NOW + timedelta(days=3))
    assert codes(mails.outbox) == []


def test_a_key_that_signs_and_is_not_in_dns_is_an_alarm() -> None:
    key = make_key("example.org", NOW)
    assert codes(mails.signing) == []
    SigningKey.objects.filter(pk=key.pk).update(is_on=True, checked_at=NOW, found="")
    assert codes(mails.signing) == [("signing_lost", "alarm")]
    SigningKey.objects.update(found=f"v=DKIM1; k=rsa; p={key.public}")
    assert codes(mails.signing) == []


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("total", "free", "expected"),
    [
        (100 * 2**30, 50 * 2**30, []),
        (100 * 2**30, 4 * 2**30, [("disk_low", "alarm")]),
        (10 * 2**30, 2**29, [("disk_low", "alarm")]),
        (2**44, 2**40, []),
    ],
)
def test_a_full_disk_is_an_alarm(monkeypatch, total: int, free: int, expected: object) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(total, total - free, free))
    assert codes(machine.disk) == expected


def test_a_certificate_of_the_listener_is_told_of_two_weeks_before_its_end(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    until = machine.end_of(made.certificate)
    with listening(made.certificate):
        assert codes(machine.certificate, until - timedelta(days=15)) == []
        assert codes(machine.certificate, until - timedelta(days=13)) == [("certificate_ends", "alarm")]
        made.certificate.write_text("nonsense")
        assert codes(machine.certificate) == [("certificate_unreadable", "alarm")]
    with listening(tmp_path / "nowhere.pem"):
        assert codes(machine.certificate) == [("certificate_unreadable", "alarm")]
    assert codes(machine.certificate) == []


@contextmanager
def listening(certificate: Path) -> Iterator[None]:
    with override_settings(CONFIGURATION=replace(settings.CONFIGURATION, listening=Listening(certificate=certificate))):
        yield


def test_clocks_that_differ_are_a_warning_and_then_an_alarm() -> None:
    assert codes(machine.clock) == []
    assert [one.severity for one in machine.judge_clock(6)] == ["warning"]
    assert [one.severity for one in machine.judge_clock(61)] == ["alarm"]
    assert list(machine.judge_clock(4)) == []


def test_large_contents_that_are_gone_are_an_alarm(monkeypatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 64)
    assert codes(machine.contents) == []
    Blob.objects.create(digest="a" * 64, size=1, content=b"x")
    assert codes(machine.contents) == []
    Blob.objects.create(digest="b" * 64, size=1, content=None)
    assert codes(machine.contents) == [("blobs_missing", "alarm")]


def test_a_ledger_below_zero_is_an_alarm() -> None:
    assert codes(machine.ledger) == []
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    LedgerDelta.objects.create(hour=hour, direction="in", account=1, state="held", number=-1)
    assert codes(machine.ledger) == [("ledger_unequal", "alarm")]


def test_a_check_that_fails_itself_is_a_finding_and_stops_no_other() -> None:
    def broken(now: datetime) -> Iterator[Finding]:
        raise RuntimeError("no such thing")
        yield

    found = findings(NOW, [broken, mails.worker])
    assert [(one.code, one.severity) for one in found] == [("worker_gone", "alarm"), ("check_failed", "warning")]
    assert "no such thing" in found[1].text


def test_every_finding_has_words_that_take_its_parameters_in_every_language() -> None:
    parameters = dict.fromkeys(
        ("mailbox", "limit", "said", "channel", "times", "grant", "number", "hours", "minutes", "seen", "folder", "free",
         "percent", "name", "until", "domain", "selector", "seconds", "differences", "place", "what", "remedy", "address", "addresses", "days", "at", "most", "target", "version"), "7",
    )  # fmt: skip
    for language in ("nl", "de", "en"):
        with translation.override(language):
            for code in WORDS:
                one = Finding(code, parameters)
                assert one.title
                assert len(one.text) > 1, code


def test_the_checks_ask_few_questions(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(22 if connection.vendor == "postgresql" else 21):
        findings(NOW, CHECKS)


# ---- the web hook --------------------------------------------------------------------------


class Hook(ThreadingHTTPServer):
    """Takes what is posted; answers with the statuses that a test asks for, then 200."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.statuses = list(statuses)
        self.taken: list[dict[str, object]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?room=7"


class Taker(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status < 300:
            self.server.taken.append({"path": self.path, **json.loads(body)})
        self.send_response(status)
        if status in {301, 302}:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def hook(*statuses: int) -> Iterator[Hook]:
    server = Hook(*statuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def silent() -> Mailbox:
    return Mailbox.objects.create(name="Mail", kind="imap", last_success_at=NOW - timedelta(hours=1), last_said="BYE")


def test_the_web_hook_gets_each_alarm_once_and_again_after_a_day(silent: Mailbox) -> None:
    alarm = Alarm()
    with hook() as server:
        Options.objects.update(alarm_hook=server.url)
        for minutes in (0, 1, 30):
            alarm.tell_one(NOW + timedelta(minutes=minutes), worker=WORKER)
        (told,) = server.taken
        alarm.tell_one(NOW + AGAIN, worker=WORKER)
        assert len(server.taken) == 2
    assert told["path"] == "/hook?room=7"
    assert (told["key"], told["severity"]) == (f"mailbox:{silent.pk}:mailbox_silent", "alarm")
    assert "BYE" in str(told["text"])
    assert str(told["link"]).endswith(f"/admin/mailboxes/{silent.pk}/")
    assert datetime.fromisoformat(str(told["since"])).astimezone(UTC) == NOW - timedelta(hours=1)


def test_a_web_hook_that_fails_is_called_again_after_a_minute(silent: Mailbox) -> None:
    alarm = Alarm()
    with hook(500, 302) as server:
        Options.objects.update(alarm_hook=server.url)
        for seconds, taken in ((0, 0), (30, 0), (61, 0), (90, 0), (122, 1), (300, 1)):
            alarm.tell_one(NOW + timedelta(seconds=seconds), worker=WORKER)
            assert len(server.taken) == taken, seconds
    assert AlarmState.objects.get().hooked_at == NOW + timedelta(seconds=122)


def test_nobody_at_the_web_hook_is_no_harm(silent: Mailbox) -> None:
    with hook() as server:
        url = server.url
    Options.objects.update(alarm_hook=url)
    assert Alarm().tell_one(NOW, worker=WORKER) == 0
    assert AlarmState.objects.get().hooked_at is None


def test_a_web_hook_that_trickles_is_cut() -> None:
    with slow_server() as url:
        started = timezone.now()
        assert post_json(url, {}, seconds=0.5)
        assert timezone.now() - started < timedelta(seconds=3)


@contextmanager
def slow_server() -> Iterator[str]:
    """Sends a byte of its answer every 0.1 s, for ever."""
    stop = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            while not stop.wait(0.1):
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("url", ["", "ftp://x/", "http:///x", "https://u:p@x/", "http://x:99999/", "javascript:1"])
def test_what_is_no_web_address_is_never_called(url: str) -> None:
    assert not is_acceptable(url)
    assert post_json(url, {})


def test_a_trouble_that_is_over_is_forgotten_and_told_of_anew_when_it_comes_back(silent: Mailbox) -> None:
    alarm = Alarm()
    with hook() as server:
        Options.objects.update(alarm_hook=server.url)
        alarm.tell_one(NOW, worker=WORKER)
        Mailbox.objects.update(last_success_at=NOW)
        alarm.tell_one(NOW, worker=WORKER)
        assert not AlarmState.objects.exists()
        Mailbox.objects.update(last_success_at=NOW - timedelta(hours=1))
        alarm.tell_one(NOW, worker=WORKER)
        assert len(server.taken) == 2


def test_warnings_are_not_told() -> None:
    Mailbox.objects.create(name="Mail", kind="imap", last_success_at=NOW, failing_since=NOW)
    Alarm().tell_one(NOW, worker=WORKER)
    assert not AlarmState.objects.exists()
    assert Severity.warning in {one.severity for one in findings(NOW)}

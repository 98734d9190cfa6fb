"""`postvak doctor`: the program itself, and each check against real servers."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.cli import doctor_checks
from postvak.cli.doctor import examine
from postvak.models import Channel, LedgerDelta, LedgerTally, Mailbox, Queue
from postvak.net import dns_records
from postvak.net.certificates import certificate_end
from postvak.net.connection import Security
from postvak.notify.health.finding import Finding
from postvak.receive.accept import Arrived, accept
from tests.cli.program import Program
from tests.mails import mail
from tests.send.answering import make_channel
from tests.servers.dovecot import Dovecot
from tests.servers.nameserver import nameserver
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.servers
GOOD = {
    "example.org": ['"v=spf1 mx -all"'],
    "_dmarc.example.org": ['"v=DMARC1; p=reject"'],
}
BAD = {"example.org": ['"v=spf1 +all"'], "_dmarc.example.org": ['"v=DMARC1; x=1"']}


@pytest.fixture
def box(dovecot: Dovecot, support: Queue) -> Mailbox:
    dovecot.add_user("doctor", "geheim")
    endpoint = dovecot.imap_endpoint("doctor", "geheim")
    row = Mailbox(
        name="Service", host=endpoint.host, port=endpoint.port, ca_pem=endpoint.ca_pem, username="doctor", queue=support
    )
    row.password = "geheim"  # noqa: S105
    row.save()
    return row


def by_check(*, offline: bool) -> dict[str, list[Finding]]:
    return {one.name: list(one.found) for one in examine(timezone.now(), offline=offline)}


def codes(found: list[Finding]) -> set[str]:
    return {one.code for one in found}


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    with nameserver(request.param, kind="TXT") as (resolver, asked):
        monkeypatch.setattr(dns_records, "system_resolver", lambda: resolver)
        yield asked


# ---- the program ---------------------------------------------------------------------------


def test_the_program_says_what_is_wrong_and_ends_with_one(program: Program) -> None:
    done = program.run("doctor", "--offline")
    assert done.code == 1
    assert "ALARM    worker: No worker runs" in done.out
    assert "ok       disk" in done.out
    assert "1 alarm" in done.out


def test_as_json_each_check_has_its_findings(program: Program) -> None:
    done = program.run("doctor", "--offline", "--json", POSTVAK_URL="https://desk.example.org")
    told = json.loads(done.out)
    found = {one["name"]: one["findings"] for one in told["checks"]}
    assert (done.code, told["ok"], found["ledger_equation"]) == (1, False, [])
    (worker,) = found["worker"]
    assert (worker["severity"], worker["link"]) == ("alarm", "https://desk.example.org/admin/health/")


def test_with_a_worker_all_is_well_and_it_ends_with_nought(program: Program) -> None:
    program.python(
        "from django.utils import timezone\n"
        "from postvak.notify.health.mails import show_life\n"
        "show_life('test:1:x', timezone.now())\n"
    )
    done = program.run("doctor", "--offline", POSTVAK_URL="https://desk.example.org")
    assert (done.code, "all is well" in done.out) == (0, True), done


# ---- servers -------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("dns", [GOOD], indirect=True)
def test_servers_and_domains_that_are_well_are_asked_and_found_well(
    box: Mailbox, smtp_server: SmtpServer, dns: list[str]
) -> None:
    make_channel(smtp_server)
    found = by_check(offline=False)
    assert found["log_in_to_mailboxes"] == []
    assert found["log_in_to_channels"] == []
    assert codes(found["dns_of_sending_domains"]) == {"dkim_none"}
    assert "example.org" in dns


@pytest.mark.django_db
@pytest.mark.parametrize("dns", [BAD], indirect=True)
def test_a_wrong_password_a_dead_server_and_bad_records_are_told_with_what_to_do(box: Mailbox, dns: list[str]) -> None:
    box.password = "wrong"  # noqa: S105
    box.save()
    Channel.objects.create(name="Relay", host="127.0.0.1", port=1)
    found = by_check(offline=False)
    (mailbox,), (channel,) = found["log_in_to_mailboxes"], found["log_in_to_channels"]
    assert (mailbox.code, channel.code) == ("mailbox_refused", "channel_refused")
    assert "password" in mailbox.text
    assert "wrong" not in mailbox.text
    assert mailbox.path == f"/admin/mailboxes/{box.pk}/"
    assert codes(found["dns_of_sending_domains"]) == {"spf_bad", "dmarc_bad", "dkim_none"}


@pytest.mark.django_db
@pytest.mark.parametrize("dns", [GOOD], indirect=True)
def test_offline_nobody_is_asked(box: Mailbox, dns: list[str]) -> None:
    Channel.objects.create(name="Relay", host="127.0.0.1", port=1)
    found = by_check(offline=True)
    assert {"log_in_to_mailboxes", "log_in_to_channels", "dns_of_sending_domains"}.isdisjoint(found)
    assert dns == []


@pytest.mark.django_db
def test_a_certificate_of_a_server_that_ends_soon_is_told_of(box: Mailbox, dovecot: Dovecot) -> None:
    soon = timezone.now() + timedelta(days=20)  # those of the tests are valid for 30 days
    assert codes(list(doctor_checks.log_in_to_mailboxes(timezone.now()))) == set()
    (found,) = doctor_checks.log_in_to_mailboxes(soon)
    assert (found.code, found.severity.value) == ("certificate_ends", "warning")
    assert f"{box.host}:{box.port}" in found.title


def test_certificates_are_seen_at_once_and_after_starttls(dovecot: Dovecot, smtp_server: SmtpServer) -> None:
    dovecot.add_user("looker", "geheim")
    soon, late = timezone.now() + timedelta(days=25), timezone.now() + timedelta(days=31)
    for security in (Security.tls, Security.starttls):
        until = certificate_end(dovecot.imap_endpoint("looker", "geheim", security), "imap")
        assert until is not None
        assert soon < until < late
    assert certificate_end(dovecot.imap_endpoint("looker", "geheim", Security.none), "imap") is None


# ---- numbers and contents ------------------------------------------------------------------


@pytest.mark.django_db
def test_the_equation_of_the_ledger_is_checked_by_counting(mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("d/1", mail())])
    now = timezone.now()
    assert list(doctor_checks.ledger_equation(now)) == []
    LedgerTally.objects.all().delete()
    LedgerDelta.objects.all().delete()
    (found,) = doctor_checks.ledger_equation(now)
    assert (found.code, "received: 0 instead of 1" in found.text) == ("ledger_unequal", True)


@pytest.mark.django_db
def test_a_password_that_no_key_opens_is_told_of(box: Mailbox) -> None:
    assert list(doctor_checks.passwords(timezone.now())) == []
    Mailbox.objects.filter(pk=box.pk).update(sealed_password="nonsense")
    (found,) = doctor_checks.passwords(timezone.now())
    assert (found.code, found.key) == ("password_sealed", f"mailbox:{box.pk}:password_sealed")

"""Mailboxes and sending channels: their forms, the test buttons against real servers, their state."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Address, Channel, Mailbox
from tests.servers.scripted import scripted
from tests.servers.smtpd import SmtpServer

SECRET = "p@ssw0rd-never-shown"


@pytest.fixture
def eva(client, admin):
    """Eva's browser."""
    client.force_login(admin)
    return client


def mailbox_facts(**changes: object) -> dict[str, object]:
    facts = {
        "name": "Service", "kind": "imap", "host": "imap.example.org", "port": 993, "security": "tls",
        "verify_tls": "on", "username": "ann", "password": SECRET, "folders": "INBOX", "start": "all",
        "after_storing": "leave", "interval": 60, "size_limit": 50, "silence_limit": 15, "validity": "valid", **changes,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


def channel_facts(**changes: object) -> dict[str, object]:
    facts = {
        "name": "Provider", "kind": "smtp", "host": "localhost", "port": 587, "security": "starttls",
        "verify_tls": "on", "username": "", "password": "", "is_valid": "on", "connections": 2, **changes,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


@pytest.fixture
def stored(eva) -> Mailbox:
    eva.post("/admin/mailboxes/new/", mailbox_facts())
    return Mailbox.objects.get(name="Service")


# ---- the form of a mailbox ------------------------------------------------------------


def test_the_password_is_sealed_and_never_shown(eva, stored):
    assert SECRET not in stored.sealed_password
    assert stored.password == SECRET
    assert SECRET not in eva.get(f"/admin/mailboxes/{stored.pk}/").text
    assert SECRET not in eva.post(f"/admin/mailboxes/{stored.pk}/", mailbox_facts(name="")).text


def test_an_empty_password_keeps_the_stored_one(eva, stored):
    assert eva.post(f"/admin/mailboxes/{stored.pk}/", mailbox_facts(password="", name="Renamed")).status_code == 302
    stored.refresh_from_db()
    assert (stored.name, stored.password) == ("Renamed", SECRET)


def test_a_stored_password_is_handed_to_no_other_server(eva, stored):
    facts = mailbox_facts(password="", host="elsewhere.example")
    for page in (f"/admin/mailboxes/{stored.pk}/", f"/admin/mailboxes/{stored.pk}/check/"):
        assert "hands a stored one to no other server" in eva.post(page, facts).text
    stored.refresh_from_db()
    assert stored.host == "imap.example.org"


@pytest.mark.parametrize("after", ["seen", "move"])
def test_pop3_knows_neither_marks_nor_folders(eva, after):
    facts = mailbox_facts(kind="pop3", port=995, after_storing=after, move_to="Done")
    assert "POP3 knows neither marks nor folders" in eva.post("/admin/mailboxes/new/", facts).text


@pytest.mark.parametrize("target", ["", "INBOX"])
def test_moving_needs_a_folder_that_is_not_fetched_from(eva, target):
    answer = eva.post("/admin/mailboxes/new/", mailbox_facts(after_storing="move", move_to=target))
    assert answer.status_code == 422


def test_the_start_is_everything_or_now_or_a_day(eva, db):
    eva.post("/admin/mailboxes/new/", mailbox_facts(name="all"))
    eva.post("/admin/mailboxes/new/", mailbox_facts(name="now", start="now"))
    eva.post("/admin/mailboxes/new/", mailbox_facts(name="day", start="date", start_date="2026-05-01"))
    starts = dict(Mailbox.objects.values_list("name", "start_at"))
    assert starts["all"] is None
    assert timezone.now() - starts["now"] < timedelta(minutes=1)
    assert timezone.localtime(starts["day"]).isoformat() == "2026-05-01T00:00:00+02:00"
    assert "Enter the date" in eva.post("/admin/mailboxes/new/", mailbox_facts(start="date")).text


def test_saving_something_else_does_not_move_the_start(eva, db):
    eva.post("/admin/mailboxes/new/", mailbox_facts(start="now"))
    mailbox = Mailbox.objects.get(name="Service")
    day = timezone.localtime(mailbox.start_at).date().isoformat()
    facts = mailbox_facts(password="", comment="changed", start="date", start_date=day)
    assert eva.post(f"/admin/mailboxes/{mailbox.pk}/", facts).status_code == 302
    assert Mailbox.objects.get(pk=mailbox.pk).start_at == mailbox.start_at


def test_what_is_no_certificate_is_refused(eva):
    answer = eva.post("/admin/mailboxes/new/", mailbox_facts(ca_pem="-----BEGIN nonsense"))
    assert "This is no certificate in PEM form" in answer.text


def test_the_mailbox_of_the_command_line_has_no_server(eva, mailbox, support):
    page = eva.get(f"/admin/mailboxes/{mailbox.pk}/").text
    assert 'name="host"' not in page
    facts = {"name": "Command line", "queue": support.pk, "size_limit": 50, "validity": "valid"}
    assert eva.post(f"/admin/mailboxes/{mailbox.pk}/", facts).status_code == 302
    mailbox.refresh_from_db()
    assert (mailbox.queue, mailbox.kind) == (support, "local")


# ---- the test button of a mailbox ------------------------------------------------------------


def check(eva, facts: dict[str, object], noun: str = "mailboxes") -> str:
    answer = eva.post(f"/admin/{noun}/check/", facts, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert SECRET not in answer.text
    return answer.text


def test_the_check_says_what_is_missing(eva, db):
    text = check(eva, mailbox_facts(host=""))
    assert "Some settings are still missing" in text
    assert "Enter the name of the server." in text


def test_the_check_needs_no_name_and_saves_nothing(eva, db):
    before = Mailbox.objects.count()
    assert "Nothing answers at 127.0.0.1, port 1." in check(eva, mailbox_facts(name="", host="127.0.0.1", port=1))
    assert Mailbox.objects.count() == before


def test_a_pop3_mailbox_that_works_shows_greeting_and_number(eva, db):
    answers = {
        b"USER": b"+OK\r\n",
        b"PASS": b"+OK\r\n",
        b"UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
        b"LIST": b"+OK\r\n1 5\r\n2 5\r\n.\r\n",
    }
    with scripted(b"+OK Nordhof POP ready\r\n", lambda line: answers.get(line[:4].upper(), b"+OK\r\n")) as port:
        text = check(eva, mailbox_facts(kind="pop3", host="127.0.0.1", port=port, security="none"))
    assert "Receiving works" in text
    assert "2 mails in this mailbox" in text
    assert "Nordhof POP ready" in text


def test_a_refused_log_in_shows_sentence_remedy_and_the_servers_own_words(eva, db):
    def answer(line: bytes) -> bytes:
        return b"-ERR [AUTH] Bad luck today\r\n" if line.startswith(b"PASS") else b"+OK\r\n"

    with scripted(b"+OK ready\r\n", answer) as port:
        text = check(eva, mailbox_facts(kind="pop3", host="127.0.0.1", port=port, security="none"))
    assert "127.0.0.1 does not accept user and password." in text
    assert "app password" in text
    assert "Bad luck today" in text


@pytest.mark.servers
def test_an_imap_mailbox_shows_its_folders(eva, dovecot):
    dovecot.add_user("eva-check", SECRET)
    endpoint = dovecot.imap_endpoint("eva-check", SECRET)
    facts = mailbox_facts(host=endpoint.host, port=endpoint.port, ca_pem=endpoint.ca_pem, username="eva-check")
    text = check(eva, facts)
    assert "Receiving works" in text
    assert "INBOX" in text
    missing = check(eva, {**facts, "folders": "INBOX, Nowhere"})
    assert "There is no folder Nowhere in this mailbox." in missing


def test_check_and_save_saves_only_what_works(eva, db):
    facts = mailbox_facts(host="127.0.0.1", port=1)
    assert "Nothing answers" in eva.post("/admin/mailboxes/new/", {**facts, "check": ""}).text
    assert not Mailbox.objects.filter(name="Service").exists()
    assert eva.post("/admin/mailboxes/new/", {**facts, "unchecked": ""}).status_code == 302
    assert Mailbox.objects.filter(name="Service").exists()


# ---- the state of a mailbox ------------------------------------------------------------


def test_a_failing_mailbox_says_since_when_why_and_what_to_do(eva, stored):
    now = timezone.now()
    Mailbox.objects.filter(pk=stored.pk).update(
        failing_since=now - timedelta(hours=1), failures=7, next_fetch_at=now + timedelta(minutes=8),
        last_problem="login_refused", last_said="[AUTHENTICATIONFAILED] <b>Invalid</b>",
    )  # fmt: skip
    page = eva.get(f"/admin/mailboxes/{stored.pk}/").text
    assert "No mail arrives here since" in page
    assert "imap.example.org does not accept user and password." in page
    assert "[AUTHENTICATIONFAILED] &lt;b&gt;Invalid" in page
    assert "attempt 8" in page
    assert "disturbed" in eva.get("/admin/mailboxes/").text


def test_fetch_now_makes_the_mailbox_due(eva, stored):
    Mailbox.objects.filter(pk=stored.pk).update(next_fetch_at=timezone.now() + timedelta(hours=1))
    assert eva.post(f"/admin/mailboxes/{stored.pk}/due/").status_code == 302
    assert stored in Mailbox.objects.due(timezone.now())
    assert eva.get(f"/admin/mailboxes/{stored.pk}/due/").status_code == 405


# ---- sending channels ------------------------------------------------------------


def test_the_first_channel_offers_to_be_the_default_and_the_next_takes_its_place(eva, db):
    assert "checked" in eva.get("/admin/channels/new/").text.split('name="is_default"')[1].split(">")[0]
    eva.post("/admin/channels/new/", channel_facts(name="One", is_default="on"))
    eva.post("/admin/channels/new/", channel_facts(name="Two", is_default="on"))
    assert list(Channel.objects.filter(is_default=True).values_list("name", flat=True)) == ["Two"]


def test_a_channel_in_use_stays_valid(eva, support, channel):
    Address.objects.filter(pk=support.address.pk).update(channel=channel)
    answer = eva.post(f"/admin/channels/{channel.pk}/", channel_facts(name="Files", kind="file", is_valid=None))
    assert answer.status_code == 422
    assert re.search(r"It is still needed, so change this first: [^<]*support@example\.org", answer.text)


def test_the_default_channel_stays_valid(eva, channel):
    answer = eva.post(f"/admin/channels/{channel.pk}/", channel_facts(name="Files", kind="file", is_valid=None))
    assert "The default channel has to be valid." in answer.text


def test_a_channel_that_works_shows_the_dialogue(eva, smtp_server):
    facts = channel_facts(port=smtp_server.port, ca_pem=smtp_server.ca_pem)
    text = check(eva, facts, "channels")
    assert "Sending works: localhost" in text
    assert "ehlo" in text.lower()
    assert not smtp_server.mails


def test_an_untrusted_certificate_is_explained(eva, smtp_server):
    text = check(eva, channel_facts(port=smtp_server.port), "channels")
    assert "The certificate of localhost is not trusted." in text


def test_wrong_user_and_password_are_explained_without_showing_them(eva, db):
    with SmtpServer.running(users={"ann": "right"}) as server:
        facts = channel_facts(port=server.port, ca_pem=server.ca_pem, username="ann", password=SECRET)
        text = check(eva, facts, "channels")
    assert "localhost does not accept user and password." in text
    assert "535" in text


def test_the_test_mail_really_goes_out(eva, admin, smtp_server):
    facts = channel_facts(port=smtp_server.port, ca_pem=smtp_server.ca_pem)
    answer = eva.post("/admin/channels/mail/", facts)
    assert "The server took the mail" in answer.text
    assert "queued as TEST1" in answer.text
    (mail,) = smtp_server.mails
    assert mail.recipients == (admin.email,)
    assert b"Subject: Test mail from Postvak" in mail.raw


def test_a_refused_test_mail_shows_the_servers_words(eva, admin, smtp_server):
    smtp_server.behaviour.recipients = {admin.email: "550 5.7.1 Relaying denied"}
    answer = eva.post("/admin/channels/mail/", channel_facts(port=smtp_server.port, ca_pem=smtp_server.ca_pem))
    assert "The server refused the mail" in answer.text
    assert "Relaying denied" in answer.text


def test_a_paused_channel_says_why_and_try_now_wakes_it(eva, channel):
    until = timezone.now() + timedelta(minutes=9)
    Channel.objects.filter(pk=channel.pk).update(
        paused_until=until,
        failures=3,
        last_problem="timeout",
        last_said="timed out",
        kind="smtp",
        host="smtp.example.org",
    )
    page = eva.get(f"/admin/channels/{channel.pk}/").text
    assert "Nothing goes out by this channel until" in page
    assert "smtp.example.org did not answer in time" in page
    eva.post(f"/admin/channels/{channel.pk}/attempt/")
    channel.refresh_from_db()
    assert channel.paused_until is None


def test_a_channel_whose_last_attempt_failed_is_not_called_fine_when_its_pause_is_over(eva, channel):
    facts = {"failures": 1, "last_problem": "refused", "last_success_at": timezone.now() - timedelta(days=1)}
    Channel.objects.filter(pk=channel.pk).update(kind="smtp", host="smtp.example.org", **facts)
    assert "The last attempt to send by this channel failed" in eva.get(f"/admin/channels/{channel.pk}/").text
    page = eva.get("/admin/channels/").text
    assert "disturbed" in page
    assert "Nothing answers at smtp.example.org" in page

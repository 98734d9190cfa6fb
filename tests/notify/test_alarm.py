"""A silent mailbox is told to the administrators by mail, once, through a channel that works."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Agent, AlarmState, Channel, Mailbox, Queue, Rule
from postvak.models.rule import RuleChoice
from postvak.notify.alarm import AGAIN, Alarm, channels_for
from postvak.notify.alarm_readers import load_readers
from postvak.notify.health.finding import Finding
from tests.send.answering import make_channel, parsed
from tests.servers.smtpd import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
NOW = timezone.now()
WORKER = "test:1:alarm"


@pytest.fixture
def silent(support: Queue) -> Mailbox:
    return Mailbox.objects.create(
        name="Support mail",
        kind="imap",
        host="mail.example.org",
        last_success_at=NOW - timedelta(hours=1),
        last_said="* BYE too busy",
    )


def test_every_administrator_is_told_once_in_his_language(
    smtp_server: SmtpServer, silent: Mailbox, admin: Agent
) -> None:
    Agent.objects.filter(pk=admin.pk).update(language="nl")
    make_channel(smtp_server)
    alarm = Alarm()
    assert [alarm.tell_one(NOW, worker=WORKER) for _ in range(3)] == [1, 0, 0]
    (mail,) = smtp_server.mails
    message = parsed(mail.raw)
    assert (mail.recipients, message["Auto-Submitted"]) == ((admin.email,), "auto-generated")
    assert "Support mail" in message["Subject"]
    assert "* BYE too busy" in message.get_content()
    assert "Postvak heeft" in message.get_content()
    assert alarm.tell_one(NOW + AGAIN, worker=WORKER) == 1


def test_a_mailbox_that_is_well_again_can_be_told_of_anew(
    smtp_server: SmtpServer, silent: Mailbox, admin: Agent
) -> None:
    make_channel(smtp_server)
    alarm = Alarm()
    assert alarm.tell_one(NOW, worker=WORKER) == 1
    Mailbox.objects.filter(pk=silent.pk).update(last_success_at=NOW)
    assert alarm.tell_one(NOW, worker=WORKER) == 0
    assert not AlarmState.objects.exclude(told_at=None).exists()


def test_a_channel_that_fails_gives_way_to_the_next_and_without_any_it_is_tried_again_later(
    smtp_server: SmtpServer, silent: Mailbox, admin: Agent
) -> None:
    broken = make_channel(smtp_server, name="Broken", port=1)
    alarm = Alarm()
    assert alarm.tell_one(NOW, worker=WORKER) == 0
    assert not AlarmState.objects.exclude(told_at=None).exists()
    make_channel(smtp_server, name="Other")
    assert broken.name == "Broken"
    assert alarm.tell_one(NOW + timedelta(minutes=1), worker=WORKER) == 0
    assert alarm.tell_one(NOW + timedelta(minutes=16), worker=WORKER) == 1
    assert len(smtp_server.mails) == 1


def test_what_shares_the_fate_of_the_mailbox_comes_last(silent: Mailbox) -> None:
    for name, host in (("Same", "smtp.example.org"), ("Elsewhere", "relay.other.example")):
        Channel.objects.create(name=name, host=host)
    assert [channel.name for channel in channels_for(silent)] == ["Elsewhere", "Same"]


def test_a_broken_channel_is_told_through_another_one_until_it_works_again(
    smtp_server: SmtpServer, support: Queue, admin: Agent
) -> None:
    make_channel(smtp_server, name="Works")
    broken = Channel.objects.create(name="Broken", host="127.0.0.1", port=1, failures=3, last_said="535 wrong password")
    alarm = Alarm()
    assert alarm.tell_one(NOW, worker=WORKER) == 0
    Channel.objects.filter(pk=broken.pk).update(failures=4)
    assert [alarm.tell_one(NOW, worker=WORKER) for _ in range(2)] == [1, 0]
    (mail,) = smtp_server.mails
    assert "Broken" in parsed(mail.raw)["Subject"]
    assert "535 wrong password" in parsed(mail.raw).get_content()
    Channel.objects.filter(pk=broken.pk).update(failures=0)
    assert alarm.tell_one(NOW, worker=WORKER) == 0
    assert not AlarmState.objects.exists()


def test_two_workers_do_not_both_tell(smtp_server: SmtpServer, silent: Mailbox, admin: Agent) -> None:
    make_channel(smtp_server)
    told = [Alarm().tell_one(NOW, worker=f"test:{number}:alarm") for number in (1, 2)]
    assert told == [1, 0]


# ---- rules of the message centre ------------------------------------------------------------


def test_whom_the_rule_names_is_told_of_a_silent_mailbox(
    smtp_server: SmtpServer, silent: Mailbox, admin: Agent, bob: Agent
) -> None:
    make_channel(smtp_server)
    recipients = [f"agent:{bob.pk}", "address:duty@elsewhere.example", "assignee"]
    Rule.objects.filter(key="account").update(recipients=recipients)
    assert Alarm().tell_one(NOW, worker=WORKER) == 1
    assert {one.recipients for one in smtp_server.mails} == {(bob.email,), ("duty@elsewhere.example",)}


def test_an_administrator_may_want_no_such_mails_and_a_rule_may_be_off(
    smtp_server: SmtpServer, silent: Mailbox, admin: Agent
) -> None:
    make_channel(smtp_server)
    rule = Rule.objects.get(key="account")
    RuleChoice.objects.create(rule=rule, agent=admin, delivery="none")
    assert Alarm().tell_one(NOW, worker=WORKER) == 0
    RuleChoice.objects.all().delete()
    Rule.objects.filter(pk=rule.pk).update(is_on=False)
    assert Alarm().tell_one(NOW, worker=WORKER) == 0
    assert not AlarmState.objects.exclude(told_at=None).exists()
    Rule.objects.filter(pk=rule.pk).update(is_on=True)
    assert Alarm().tell_one(NOW, worker=WORKER) == 1


def test_a_rule_that_names_nobody_who_is_still_there_tells_the_administrators(
    smtp_server: SmtpServer, silent: Mailbox, admin: Agent, bob: Agent
) -> None:
    make_channel(smtp_server)
    Rule.objects.filter(key="account").update(recipients=[f"agent:{bob.pk}"])
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    assert Alarm().tell_one(NOW, worker=WORKER) == 1
    assert [one.recipients for one in smtp_server.mails] == [(admin.email,)]


def test_what_no_rule_is_for_goes_to_the_administrators_though_the_rules_are_off(admin: Agent, bob: Agent) -> None:
    Rule.objects.filter(key__in=["account", "certificate"]).update(is_on=False)
    readers = load_readers()
    assert [one.email for one in readers.of(Finding("disk_low"))] == [admin.email]
    assert not readers.of(Finding("certificate_ends"))
    Rule.objects.filter(key="certificate").update(is_on=True)
    assert [one.email for one in load_readers().of(Finding("certificate_ends"))] == [admin.email]

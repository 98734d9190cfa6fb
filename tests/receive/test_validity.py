"""Valid, temporarily invalid, invalid: what each means for fetching, for the list, and for alarms."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Mailbox
from postvak.receive.listener.directory import make
from postvak.receive.silence import silent_mailboxes
from tests.cli.program import Program
from tests.mails import mail


@pytest.mark.django_db
@pytest.mark.parametrize(("validity", "is_active"), [("valid", True), ("temporarily", False), ("invalid", False)])
def test_only_a_valid_mailbox_is_fetched_and_raises_the_alarm_of_silence(validity: str, is_active: bool) -> None:
    now = timezone.now()
    long_ago = now - timedelta(days=1)
    box = Mailbox.objects.create(name="Service", kind="imap", validity=validity, last_success_at=long_ago)
    assert box.is_valid is is_active
    assert (box in Mailbox.objects.due(now)) is is_active
    assert (box in silent_mailboxes(now)) is is_active


@pytest.mark.django_db
def test_in_the_list_a_paused_mailbox_keeps_its_place_and_an_invalid_one_sinks(client: Client, admin: Agent) -> None:
    for name, validity in [("A gone", "invalid"), ("B rests", "temporarily"), ("Z works", "valid")]:
        Mailbox.objects.create(name=name, kind="imap", validity=validity)
    client.force_login(admin)
    page = client.get("/admin/mailboxes/").content.decode()
    names = re.findall(r'<td class="main"><a [^>]*>([^<]*)</a>', page)
    assert names == ["B rests", "Command line", "Z works", "A gone"]
    assert [word in page for word in (">paused", "i-pause", ">invalid")] == [True] * 3
    rests = Mailbox.objects.get(name="B rests")
    assert "not while it is paused" in client.get(f"/admin/mailboxes/{rests.pk}/").content.decode()


def test_an_address_of_two_mailboxes_belongs_to_the_valid_one() -> None:
    rests = Mailbox(pk=1, kind="forward", forward_addresses="a@in.example.org", validity="temporarily")
    works = Mailbox(pk=2, kind="forward", forward_addresses="a@in.example.org")
    assert make([rests, works]).mailbox_of("a@in.example.org") == works
    found = make([rests]).mailbox_of("A@in.example.org")
    assert found is not None
    assert found.is_paused


def test_the_command_line_hands_no_mail_to_a_paused_mailbox(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    setup = tmp_path / "setup.toml"
    setup.write_text('[[mailbox]]\nname = "Command line"\nkind = "local"\nvalidity = "temporarily"\n')
    program.ok("config", "apply", setup)
    assert 'validity = "temporarily"' in program.ok("config", "export")
    assert program.run("ingest", "-", stdin=mail()).code == 75
    setup.write_text('[[mailbox]]\nname = "Command line"\nvalidity = "invalid"\n')
    program.ok("config", "apply", setup)
    assert program.run("ingest", "-", stdin=mail()).code == 1
    setup.write_text('[[mailbox]]\nname = "Command line"\nvalid = true\n')
    assert "Did you mean “validity”?" in program.run("config", "apply", setup).err
    setup.write_text('[[mailbox]]\nname = "Command line"\nvalidity = "broken"\n')
    assert "“Command line”, validity:" in program.run("config", "apply", setup).err

"""`postvak user …`: the way back in when nobody can log in, on the real program."""

import json
import re

import pytest
import typer
from django.contrib.auth.tokens import default_token_generator

from postvak.cli.user import add_command, list_command, password_command
from postvak.models import Agent, AuditEntry

pytestmark = pytest.mark.django_db


def link_in(text: str) -> tuple[int, str]:
    found = re.search(r"/login/password/(\d+)/([^/]+)/", text)
    assert found is not None, text
    return int(found[1]), found[2]


def test_a_new_agent_chooses_his_password_by_the_printed_link(client, capsys):
    add_command("New@Example.org", name="Nele Neu", admin=True)
    key, token = link_in(capsys.readouterr().out)
    agent = Agent.objects.get(pk=key)
    assert (agent.email, agent.name, agent.is_admin, agent.has_usable_password()) == (
        "new@example.org",
        "Nele Neu",
        True,
        False,
    )
    assert AuditEntry.objects.get(kind="agent").origin == "command"
    answer = client.post(
        f"/login/password/{key}/{token}/", {"password": "seven green lamps", "again": "seven green lamps"}
    )
    assert answer.status_code == 302
    agent.refresh_from_db()
    assert agent.check_password("seven green lamps")


def test_a_link_for_a_forgotten_password_leaves_the_old_one_until_it_is_used(bob, capsys):
    password_command("bob@example.org")
    key, token = link_in(capsys.readouterr().out)
    bob.refresh_from_db()
    assert key == bob.pk
    assert default_token_generator.check_token(bob, token)
    assert bob.check_password("correct horse battery")


@pytest.mark.parametrize("email", ["nobody@example.org", "cas@example.org"])
def test_who_is_not_there_or_invalid_gets_none(cas, capsys, email):
    Agent.objects.update(is_active=False)
    with pytest.raises(typer.Exit) as error:
        password_command(email)
    assert error.value.exit_code == 1
    assert capsys.readouterr().out == ""


def test_the_list_says_who_is_administrator(admin, bob, capsys):
    list_command(as_lines=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["email"], line["admin"]) for line in lines] == [("bob@example.org", False), ("eva@example.org", True)]

"""`postvak user …`: the agents, for the day on which nobody can log in any more."""

import json
from typing import Annotated

import typer
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.log.audit import COMMAND, recording
from postvak.models import Agent
from postvak.tickets.login.factors import factors_of, remove_all
from postvak.web.account.joining import make

user = typer.Typer(help="Agents: list, add, a link for a new password.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Email = Annotated[str, typer.Argument(help="The agent's e-mail address.")]


@user.command("list")
def list_command(as_lines: Json = False) -> None:
    """All agents, one on a line."""
    prepare_database()
    for agent in Agent.objects.order_by("email"):
        facts = {"email": agent.email, "name": agent.name, "admin": agent.is_admin, "valid": agent.is_active}
        if as_lines:
            print(json.dumps(facts, ensure_ascii=False))
            continue
        marks = [word for word, is_so in (("administrator", agent.is_admin), ("invalid", not agent.is_active)) if is_so]
        print(f"{agent.email}  {agent.name}" + (f"  ({', '.join(marks)})" if marks else ""))


@user.command("add")
def add_command(
    email: Email,
    name: Annotated[
        str, typer.Option(help="As colleagues and customers see it; default: the address before the @.")
    ] = "",
    admin: Annotated[bool, typer.Option("--admin", help="An administrator.")] = False,
) -> None:
    """Make an agent, and print the link with which he chooses his password."""
    prepare_database()
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        fail(f"{email} is no e-mail address.")
    if Agent.objects.filter(email=email).exists():
        fail(f"There is an agent {email} already. For a new password: postvak user password {email}")
    with recording(COMMAND) as made:
        agent = make(email, name, None, is_admin=admin)
        made.append(agent)
    say_link(agent)


@user.command("password")
def password_command(email: Email) -> None:
    """Print a link with which this agent chooses a new password. The old one holds until then."""
    prepare_database()
    say_link(agent_with(email))


@user.command("factors")
def factors_command(email: Email) -> None:
    """Remove this agent's second factors (app, passkeys, recovery codes), so that the password alone is enough to log in."""
    prepare_database()
    agent = agent_with(email)
    if not factors_of(agent):
        fail(f"{agent.email} has no second factor.")
    remove_all(agent, COMMAND)
    print(f"{agent.email} logs in with the password alone now.")


def agent_with(email: str) -> Agent:
    agent = Agent.objects.filter(email=email.strip().lower()).first()
    if agent is None:
        fail(f"There is no agent {email}. postvak user list shows all.")
    if not agent.is_active:
        fail(f"{agent.email} is invalid: make the account valid first (Administration, Agents).")
    return agent


def say_link(agent: Agent) -> None:
    path = reverse("new-password", args=[agent.pk, default_token_generator.make_token(agent)])
    address = settings.CONFIGURATION.url or "http://127.0.0.1:8000"
    print(f"{agent.email} chooses a password here, within an hour: {address}{path}")

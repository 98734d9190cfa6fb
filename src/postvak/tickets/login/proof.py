"""Is it really he? What an agent proves himself by before he changes how he logs in, and once more at the log-in. Guessing is slowed down."""

from collections.abc import Callable

from django.utils.translation import gettext

from postvak.log import audit
from postvak.models import Agent
from postvak.tickets.login import throttle
from postvak.tickets.login.factors import takes


def proof_problem(agent: Agent, ip: str, ask: Callable[[], str]) -> str:
    """What `ask` says is wrong with his proof, "" if nothing is; it isn't asked while he has to wait. Not in a transaction that is
    rolled back when the proof is wrong: failures are counted."""
    name = f"code:{agent.email}"
    if wait := throttle.refusal(name, ip):
        return wait
    problem = ask()
    if problem:
        throttle.failed(name, ip)
        audit.login_refused(agent.email, ip=ip)
    else:
        throttle.succeeded(name)
    return problem


def typed_problem(agent: Agent, typed: str) -> str:
    """Of what he typed: his password, or a code when he has none."""
    return "" if proves(agent, typed) else gettext("That is wrong. Try once more.")


def proves(agent: Agent, typed: str) -> bool:
    if agent.has_usable_password():
        return bool(agent.check_password(typed))
    return bool(takes(agent, typed))

"""Where agents are logged in, and their second factors. A factor is never added here: that needs the device, at a browser."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Problem,
    Router,
    Token,
    agent_of,
    asking,
    found,
    gone,
    invalid,
    refuse_key,
)
from postvak.log import audit
from postvak.models import Agent
from postvak.tickets.login import factors
from postvak.tickets.login.proof import proof_problem
from postvak.tickets.login.sessions import end, sessions_of

router = Router(tags=["You"])
people = Router(tags=["People"])
WRONG = "That is wrong. Try once more."
READ, WRITE = Token("account:read"), Token("account:write")
READ_ALL, WRITE_ALL = Token("people:read", admin=True), Token("people:write", admin=True)


class SessionShown(BaseModel):
    id: int
    browser: str = Field(description="As it says of itself.")
    ip: str = Field(description="Where it was used last; empty: not known.")
    since: datetime
    seen_at: datetime


class Ended(BaseModel):
    ended: int = Field(description="So many browsers were logged out.")


class FactorShown(BaseModel):
    id: int
    kind: str = Field(description="totp (an app), webauthn (a passkey).")
    name: str
    created_at: datetime
    last_used_at: datetime | None


class FactorsShown(BaseModel):
    items: list[FactorShown]
    recovery_codes: int | None = Field(description="So many are left; null: there are none.")
    must_have_one: bool = Field(description="By the rule of the installation: the last one stays.")


class ProofGiven(Body):
    proof: str = Field(
        min_length=1, max_length=1024, description="A code of the agent's app, or one of his recovery codes."
    )


# -- one's own ----------------------------------------------------------------------------


@router.get("/me/sessions", auth=READ, response=list[SessionShown])
def list_my_sessions(request: ApiRequest) -> Any:
    """Browsers in which the agent of the token is logged in, the one used last first."""
    return sessions_shown(agent_of(request))


@router.delete("/me/sessions", auth=WRITE, response=Ended)
def end_my_sessions(request: ApiRequest) -> Any:
    """Log out everywhere. Tokens stay."""
    return {"ended": end(agent_of(request))}


@router.delete("/me/sessions/{int:pk}", auth=WRITE, response={204: None})
def end_my_session(request: ApiRequest, pk: int) -> Any:
    """Log out there."""
    if not end(agent_of(request), keys=[pk]):
        raise Problem(404, "There is no such session.")
    return gone()


@router.get("/me/second-factors", auth=READ, response=FactorsShown)
def list_my_factors(request: ApiRequest) -> Any:
    """What the log-in of the agent asks for besides his password."""
    return factors_shown(agent_of(request))


@router.post("/me/second-factors/{int:pk}/removal", auth=WRITE, response={204: None})
def remove_my_factor(request: ApiRequest, pk: int, given: ProofGiven) -> Any:
    """Remove one, with a code of the app or a recovery code: neither a token nor a password alone weakens a log-in. With the last
    one the recovery codes go."""
    refuse_key(request)
    agent = agent_of(request)
    row = found(Authenticator.objects.filter(user=agent, type__in=factors.FACTORS), pk=pk)
    if factors.is_needed(agent, row):
        raise Problem(409, "This agent needs a second factor, and it is his last one.")
    has = factors.factors_of(agent)
    if has.app is None and not has.codes_left:
        raise Problem(409, "Only a passkey proves who this agent is: a browser is needed.")
    if problem := proof_problem(agent, request.ip, lambda: "" if factors.takes(agent, given.proof) else WRONG):
        raise invalid("proof", problem)
    factors.remove(agent, row, asking(request))
    return gone()


# -- those of agents, for administrators ----------------------------------------------------------------------------


@people.get("/agents/{int:pk}/sessions", auth=READ_ALL, response=list[SessionShown])
def list_sessions(request: ApiRequest, pk: int) -> Any:
    """Browsers in which an agent is logged in, the one used last first."""
    return sessions_shown(found(Agent.objects.all(), pk=pk))


@people.delete("/agents/{int:pk}/sessions", auth=WRITE_ALL, response=Ended)
def end_sessions(request: ApiRequest, pk: int) -> Any:
    """Log an agent out everywhere. His tokens stay."""
    agent = found(Agent.objects.all(), pk=pk)
    with transaction.atomic():
        ended = end(agent)
        audit.record(asking(request), audit.Action.LOGGED_OUT, agent)
    return {"ended": ended}


@people.get("/agents/{int:pk}/second-factors", auth=READ_ALL, response=FactorsShown)
def list_factors(request: ApiRequest, pk: int) -> Any:
    """Which second factors an agent has."""
    return factors_shown(found(Agent.objects.all(), pk=pk))


@people.delete("/agents/{int:pk}/second-factors", auth=WRITE_ALL, response={204: None})
def remove_factors(request: ApiRequest, pk: int) -> Any:
    """For a colleague who lost telephone and codes: all go, and he is logged out everywhere. One's own: `/me/second-factors`."""
    agent = found(Agent.objects.all(), pk=pk)
    if agent == agent_of(request):
        raise Problem(409, "These are the token's own agent's: remove them one by one, with a proof.")
    if agent.is_admin:
        raise Problem(409, "An administrator's second factors are removed at a browser.")
    with transaction.atomic():
        factors.remove_all(agent, asking(request))
        end(agent)
    return gone()


# -- as it is shown ----------------------------------------------------------------------------


def sessions_shown(agent: Agent) -> list[dict[str, Any]]:
    return [
        {"id": one.key, "browser": one.device.name, "ip": one.ip, "since": one.since, "seen_at": one.seen_at}
        for one in sessions_of(agent)
    ]


def factors_shown(agent: Agent) -> dict[str, Any]:
    has = factors.factors_of(agent)
    rows = [*([has.app] if has.app else []), *has.passkeys]
    return {
        "items": [factor_shown(row) for row in rows],
        "recovery_codes": has.codes_left,
        "must_have_one": factors.must_have_one(agent),
    }


def factor_shown(row: Authenticator) -> dict[str, Any]:
    plain = {"id": row.pk, "kind": row.type, "name": factors.name_of(row)}
    return plain | {"created_at": row.created_at, "last_used_at": row.last_used_at}

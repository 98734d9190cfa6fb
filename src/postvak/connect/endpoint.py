"""How to reach the server of a mailbox or a sending channel: with its password, or with a fresh token.

A token that a server refuses although its time isn't over (revoked, another password, the wrong clock) is renewed
once, and the work is tried once more.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.utils import timezone

from postvak.connect.registration import overrides_of
from postvak.connect.tokens import access_token
from postvak.models import Grant
from postvak.models.account import Account
from postvak.net.connection import ConnectionProblem, Endpoint, Problem
from postvak.net.oauth_providers import may_see_token

Opened = TypeVar("Opened")


def endpoint_of(account: Account, *, refused: str = "") -> Endpoint:
    """Not inside a transaction: it may ask the provider. Raises ConnectionProblem, CannotOpen."""
    grant = account.grant
    if grant is None:
        return account.endpoint
    if not may_see_token(grant.provider, account.host, overrides_of(grant)):
        said = f"{account.host} is no server of {grant.get_provider_display()}: it is not given the token"
        raise ConnectionProblem(Problem.login_refused, said, {"host": account.host, "grant": grant.name})
    token = access_token(grant, refused=refused)
    return replace(account.endpoint, username=account.username or grant.account, token=token)


def with_endpoint(account: Account, work: Callable[[Endpoint], Opened]) -> Opened:
    """`work(endpoint)`: mostly opening a session. Raises ConnectionProblem, CannotOpen."""
    endpoint = endpoint_of(account)
    try:
        return work(endpoint)
    except ConnectionProblem as problem:
        if not endpoint.token or problem.problem is not Problem.login_refused:
            raise
    try:
        return work(endpoint_of(account, refused=endpoint.token))
    except ConnectionProblem as problem:
        problem.details.setdefault("grant", str(account.grant))
        raise


def has_run_out(account: Account, problem: ConnectionProblem) -> bool:
    """The session broke off because its token's time was over: a new session gets a new one."""
    if account.grant_id is None or "grant" in problem.details:
        return False
    if problem.problem not in {Problem.login_refused, Problem.closed}:
        return False
    return not Grant.objects.get(pk=account.grant_id).is_fresh(timezone.now())

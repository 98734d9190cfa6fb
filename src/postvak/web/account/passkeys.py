"""Passkeys and security keys (WebAuthn level 2): making one, logging in with it. The cryptography is fido2's.

`data` of a row: {"name", "id": credential id, "credential": its public key as attested, "count": of signatures, "synced"}, bytes in
URL-safe base 64. Only for pages on https or on localhost: browsers refuse it elsewhere.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from postvak.log.audit import By
from postvak.mail.charsets import storable
from postvak.models import Agent
from postvak.tickets.login.factors import Type, note

STATE = "passkey"  # in the session: the challenge that waits for its answer
LONGEST_ANSWER = 64 * 1024
LONGEST_NAME = 100
MOST = 20  # of one agent


class Refused(Exception):
    """The browser's answer is none, or not the one to our question."""


def server(request: HttpRequest) -> Fido2Server:
    host = urlsplit(settings.CONFIGURATION.url).hostname or request.get_host().partition(":")[0]
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="Postvak"))


def rows_of(agent: Agent) -> list[Authenticator]:
    return list(Authenticator.objects.filter(user=agent, type=Type.WEBAUTHN).order_by("pk"))


def credential_of(row: Authenticator) -> AttestedCredentialData:
    return AttestedCredentialData(websafe_decode(row.data["credential"]))


# ---- a new one ---------------------------------------------------------------------------


def begin_making(request: HttpRequest, agent: Agent) -> dict[str, Any]:
    """What the browser is asked for (PublicKeyCredentialCreationOptions as JSON)."""
    user = PublicKeyCredentialUserEntity(name=agent.email, id=handle_of(agent), display_name=agent.name)
    options, state = server(request).register_begin(
        user,
        [credential_of(row) for row in rows_of(agent)],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    request.session[STATE] = state
    return dict(options)


def finish_making(request: HttpRequest, agent: Agent, answer: str, name: str, by: By) -> Authenticator:
    """Raises Refused."""
    state, values = request.session.pop(STATE, None), values_of(answer)
    if state is None or len(rows_of(agent)) >= MOST:
        raise Refused
    try:
        made = server(request).register_complete(state, values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused from error
    credential = made.credential_data
    if credential is None:
        raise Refused
    name = storable(name).strip()[:LONGEST_NAME]
    data = {
        "name": name,
        "id": websafe_encode(credential.credential_id),
        "credential": websafe_encode(bytes(credential)),
        "count": made.counter,
    }
    with transaction.atomic():
        row = Authenticator.objects.create(user=agent, type=Type.WEBAUTHN, data=data)
        note(by, agent, before="", after=name)
    return row


# ---- logging in --------------------------------------------------------------------------


def begin_asking(request: HttpRequest, agent: Agent | None = None) -> dict[str, Any]:
    """`agent`: whose passkeys may answer; null: whoever has one, and then it has to know its owner by PIN, finger or face."""
    credentials = [credential_of(row) for row in rows_of(agent)] if agent else None
    verification = UserVerificationRequirement.PREFERRED if agent else UserVerificationRequirement.REQUIRED
    options, state = server(request).authenticate_begin(credentials, user_verification=verification)
    request.session[STATE] = state
    return dict(options)


def answered_by(request: HttpRequest, answer: str, agent: Agent | None = None) -> Agent:
    """Whose passkey it was. Raises Refused. The caller sees to it that he may log in."""
    state, values = request.session.pop(STATE, None), values_of(answer)
    if state is None or (agent is None and state.get("user_verification") != UserVerificationRequirement.REQUIRED):
        raise Refused
    owner = agent or owner_in(values)
    rows = rows_of(owner)
    try:
        response = AuthenticationResponse.from_dict(values)
        used = server(request).authenticate_complete(state, [credential_of(row) for row in rows], response)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused from error
    counter = response.response.authenticator_data.counter
    row = next(one for one in rows if one.data["id"] == websafe_encode(used.credential_id))
    note_use(row, counter)
    return owner


def note_use(row: Authenticator, counter: int) -> None:
    """A counter that doesn't go up is that of a copy (WebAuthn 7.2 step 22); synchronised passkeys always say 0. Raises Refused."""
    with transaction.atomic():
        kept = Authenticator.objects.select_for_update().filter(pk=row.pk).first()
        if kept is None or (counter or kept.data["count"]) and counter <= kept.data["count"]:
            raise Refused
        kept.data["count"], kept.last_used_at = counter, timezone.now()
        kept.save(update_fields=["data", "last_used_at"])


def handle_of(agent: Agent) -> bytes:
    return f"agent {agent.pk}".encode()


def owner_in(values: dict[str, Any]) -> Agent:
    """Whom the passkey was made for, as it says. Raises Refused."""
    response = values.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    try:
        key = websafe_decode(str(handle)).decode().removeprefix("agent ")
    except ValueError as error:
        raise Refused from error
    agent = Agent.objects.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 16 else None
    if agent is None:
        raise Refused
    return agent


def values_of(answer: str) -> dict[str, Any]:
    """Raises Refused."""
    try:
        values = json.loads(answer[:LONGEST_ANSWER])
    except (ValueError, RecursionError) as error:
        raise Refused from error
    if not isinstance(values, dict):
        raise Refused
    return values

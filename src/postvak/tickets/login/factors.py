"""The second factors of an agent: codes of an app, recovery codes, passkeys; who has which, who must, and checking a code.

They stand in allauth's table of authenticators, one row for the app, one for the recovery codes, one for each passkey.
`data` of the app: {"secret": sealed, "counter": of the last code that was taken}; of the recovery codes: {"left": [hashes]}; of a passkey:
web.account.passkeys. Decision 005.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.crypto.sealing import CannotOpen, seal, unseal
from postvak.log import audit
from postvak.log.audit import By
from postvak.models import Agent, Options
from postvak.tickets.login import recovery, totp

Type = Authenticator.Type
FACTORS = (Type.TOTP, Type.WEBAUTHN)  # recovery codes stand in for one of these


@dataclass(frozen=True, slots=True)
class Factors:
    """`app`: since when, null: none. `codes_left`: null: there are no recovery codes."""

    app: Authenticator | None
    passkeys: tuple[Authenticator, ...]
    codes_left: int | None

    def __bool__(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def factors_of(agent: Agent) -> Factors:
    """One query."""
    rows = list(Authenticator.objects.filter(user=agent).order_by("pk"))
    app = next((row for row in rows if row.type == Type.TOTP), None)
    codes = next((row for row in rows if row.type == Type.RECOVERY_CODES), None)
    passkeys = tuple(row for row in rows if row.type == Type.WEBAUTHN)
    return Factors(app, passkeys, len(codes.data["left"]) if codes else None)


def has_factor(agent: Agent) -> bool:
    return bool(Authenticator.objects.filter(user=agent, type__in=FACTORS).exists())


def must_have_one(agent: Agent) -> bool:
    """By the rule of the installation."""
    rule = Options.objects.values_list("second_factor", flat=True).get()
    return rule == Options.SecondFactor.ALL or (rule == Options.SecondFactor.ADMINS and agent.is_admin)


def is_needed(agent: Agent, row: Authenticator) -> bool:
    """It is the last one of an agent who must have one."""
    others = Authenticator.objects.filter(user=agent, type__in=FACTORS).exclude(pk=row.pk)
    return must_have_one(agent) and not others.exists()


def keep_app(agent: Agent, secret: str, counter: int, by: By) -> None:
    """From now on the log-in asks for its codes."""
    with transaction.atomic():
        Authenticator.objects.filter(user=agent, type=Type.TOTP).delete()
        data = {"secret": seal(secret, settings.CONFIGURATION.sealing_keys), "counter": counter}
        Authenticator.objects.create(user=agent, type=Type.TOTP, data=data)
        note(by, agent, before="", after=words_of(Type.TOTP))


def renew_codes(agent: Agent, by: By) -> list[str]:
    """Ten new recovery codes; the old ones are worth nothing. They are shown this once."""
    codes = recovery.new_codes()
    data = {"left": [recovery.digest_of(code, agent.pk) for code in codes]}
    with transaction.atomic():
        Authenticator.objects.update_or_create(user=agent, type=Type.RECOVERY_CODES, defaults={"data": data})
        note(by, agent, before="", after=words_of(Type.RECOVERY_CODES))
    return codes


def remove(agent: Agent, row: Authenticator, by: By) -> None:
    """With the last factor the recovery codes go."""
    with transaction.atomic():
        row.delete()
        if not has_factor(agent):
            Authenticator.objects.filter(user=agent).delete()
        note(by, agent, before=name_of(row), after="")


def remove_all(agent: Agent, by: By) -> None:
    """For a colleague who lost everything."""
    with transaction.atomic():
        names = [name_of(row) for row in Authenticator.objects.filter(user=agent).order_by("pk")]
        Authenticator.objects.filter(user=agent).delete()
        if names:
            note(by, agent, before=", ".join(names), after="")


def note(by: By, agent: Agent, *, before: str, after: str) -> None:
    audit.record(by, audit.Action.CHANGED, agent, {"second_factor": [before, after]})


def name_of(row: Authenticator) -> str:
    return str(row.data.get("name", "")) if row.type == Type.WEBAUTHN else words_of(row.type)


def words_of(kind: str) -> str:
    return {Type.TOTP: _("authenticator app"), Type.RECOVERY_CODES: _("recovery codes")}.get(Type(kind), _("passkey"))


# ---- checking a code ---------------------------------------------------------------------


def takes(agent: Agent, typed: str) -> str:
    """Which factor the code is of, an Authenticator.Type; "" if it is none. A code works once, whoever else tries it now."""
    code = "".join(typed.split())[:40]
    with transaction.atomic():
        rows = {
            row.type: row
            for row in Authenticator.objects.select_for_update().filter(user=agent).exclude(type=Type.WEBAUTHN)
        }
        if Type.TOTP in rows and takes_app(rows[Type.TOTP], code):
            return str(Type.TOTP)
        if Type.RECOVERY_CODES in rows and takes_recovery(rows[Type.RECOVERY_CODES], code):
            return str(Type.RECOVERY_CODES)
    return ""


def takes_app(row: Authenticator, code: str) -> bool:
    try:
        secret = unseal(row.data["secret"], settings.CONFIGURATION.sealing_keys)
    except CannotOpen:
        return False
    counter = totp.matching_counter(secret, code, time.time(), after=row.data.get("counter", -1))
    if counter is None:
        return False
    return used(row, row.data | {"counter": counter})


def takes_recovery(row: Authenticator, code: str) -> bool:
    digest = recovery.digest_of(code, row.user_id)
    if digest not in row.data["left"]:
        return False
    return used(row, {"left": [one for one in row.data["left"] if one != digest]})


def used(row: Authenticator, data: dict[str, Any], now: datetime | None = None) -> bool:
    row.data, row.last_used_at = data, now or timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True

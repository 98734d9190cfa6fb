"""SPF (RFC 7208): may the server that handed the mail over send for the domain of its envelope sender? By pyspf, which asks our
names instead of its own."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

import spf

from postvak.mail.addresses import ascii_domain
from postvak.net.answers import Ask
from postvak.trust.values import Result

LOCAL = re.compile(r"[!-?A-~]{1,64}")
BY_NAME = {result.value: result for result in Result}


class Query(spf.query):  # type: ignore[misc]
    """One question of pyspf; `ask` answers, follows aliases and keeps the time."""

    def __init__(self, ask: Ask, **given: Any) -> None:
        super().__init__(**given)
        self.ask = ask

    def dns(self, name: Any, qtype: str, cnames: Any = None, ignore_void: bool = False) -> list[Any]:
        """As spf.query has it: TXT as tuples of bytes, MX with a preference. Raises spf.TempError, spf.PermError."""
        key = (str(name).rstrip(".").lower(), qtype)
        if key in self.cache:
            return list(self.cache[key])
        answer = self.ask(key[0], qtype)
        if answer.has_failed:
            raise spf.TempError(f"no answer about {key[0]}")
        found = [shaped(value, place, qtype) for place, value in enumerate(answer.values)]
        self.cache[key] = found
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
        return list(found)


def shaped(value: str, place: int, kind: str) -> Any:
    if kind == "TXT":
        return (value.encode("utf-8", "replace"),)
    return (place, value) if kind == "MX" else value


def check_spf(ask: Ask, *, ip: str, sender: str, helo: str) -> tuple[Result, str]:
    """(what came out, the domain that it is about); none, "" where there is nothing to ask about. A server in a net of our own is our
    own relay: only a pass says something then."""
    domain = ascii_domain(sender.rpartition("@")[2].lower()) if "@" in sender else ascii_domain(helo.lower())
    if not is_ip(ip) or not domain or not domain.isascii():
        return Result.none, ""
    local = sender.rpartition("@")[0]
    local = local if LOCAL.fullmatch(local) else "postmaster"
    try:
        query = Query(ask, i=ip, s=f"{local}@{domain}", h=helo or "unknown")
        found, _code, _words = query.check()
    except Exception:  # noqa: BLE001 - pyspf meets records that it wasn't written for; the mail is judged without them
        return Result.permerror, domain
    result = BY_NAME.get(found, Result.permerror)
    if result is not Result.passed and not is_public(ip):
        return Result.none, domain
    return result, domain


def is_ip(ip: str) -> bool:
    try:
        ip_address(ip)
    except ValueError:
        return False
    return True


def is_public(ip: str) -> bool:
    if not is_ip(ip):
        return False
    address = ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_global)

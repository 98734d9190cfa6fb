"""Who is logged in where: one row of allauth's UserSession for each session, found by its agent.

Django's own table can't be asked for the sessions of an agent. A row is written at the log-in and kept up about once a minute;
a session that began otherwise gets its row with its next page.
"""

import ipaddress
from datetime import datetime, timedelta
from threading import Lock

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest

from postvak.mail.charsets import storable
from postvak.models import Agent
from postvak.tickets.login.sessions import NO_ADDRESS, end
from postvak.web.session import client_ip

PAUSE = timedelta(minutes=1)  # between two notes of the same session
MOST_REMEMBERED = 10_000
LONGEST_NAME = 200


class Noted:
    """When this process last wrote a session's row: most requests ask nothing of the database."""

    def __init__(self) -> None:
        self.times: dict[str, datetime] = {}
        self.lock = Lock()

    def is_due(self, key: str, now: datetime) -> bool:
        with self.lock:
            last = self.times.get(key)
            if last is not None and last <= now < last + PAUSE:
                return False
            if len(self.times) >= MOST_REMEMBERED:
                self.times.clear()
            self.times[key] = now
            return True


noted = Noted()


def note(request: HttpRequest, agent: Agent, now: datetime) -> None:
    """This session was just used, from this address."""
    key = request.session.session_key
    if not key:
        return
    facts = {"last_seen_at": now, "ip": address_of(request), "user_agent": browser_of(request), "user": agent}
    if not UserSession.objects.filter(session_key=key).update(**facts):
        row = UserSession(session_key=key, created_at=now, **facts)
        UserSession.objects.bulk_create([row], ignore_conflicts=True)


def address_of(request: HttpRequest) -> str:
    """The column holds addresses only."""
    try:
        return str(ipaddress.ip_address(client_ip(request)))
    except ValueError:
        return NO_ADDRESS


def browser_of(request: HttpRequest) -> str:
    return storable(request.headers.get("User-Agent", ""))[:LONGEST_NAME]


def forget(request: HttpRequest) -> None:
    """Before a log-out."""
    UserSession.objects.filter(session_key=request.session.session_key or "").delete()


def move(request: HttpRequest) -> None:
    """The session goes on under a new key: what an observer knew of the old one is worth nothing."""
    before = request.session.session_key or ""
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def password_changed(request: HttpRequest, agent: Agent) -> None:
    """Of the agent who asks: this session goes on under a new key, his others end."""
    before = request.session.session_key or ""
    update_session_auth_hash(request, agent)
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)
    end(agent, but=request.session.session_key)

"""Whose sessions these are, for many at once: the log-in that the pages check one by one (django.contrib.auth.get_user)."""

from collections.abc import Collection

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from postvak.models import Agent


def agents_of(keys: Collection[str]) -> dict[str, int]:
    """Key of the session: key of the agent. Left out: sessions that ended, agents that aren't valid any more, and
    log-ins with a password that was changed since."""
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = {row.session_key: row.get_decoded() for row in rows}
    wanted = {data[SESSION_KEY] for data in sessions.values() if str(data.get(SESSION_KEY, "")).isdecimal()}
    agents = {str(agent.pk): agent for agent in Agent.objects.filter(pk__in=wanted, is_active=True)}
    return {
        key: agent.pk
        for key, data in sessions.items()
        if (agent := agents.get(str(data.get(SESSION_KEY, "")))) is not None
        and constant_time_compare(data.get(HASH_SESSION_KEY, ""), agent.get_session_auth_hash())
    }

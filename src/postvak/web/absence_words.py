"""Out of office in a few words, for menus that offer colleagues."""

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.models import Agent
from postvak.tickets.absence import is_away
from postvak.web.formats import when


def absence(agent: Agent) -> str:
    """Such as: away until 3 Dec 2026, 09:00, substitute Cas de Vries. Nothing while he is in. Select `substitute` with the agents."""
    if not is_away(agent, timezone.now()):
        return ""
    values = {"time": when(agent.away_until, "short"), "name": agent.substitute.name if agent.substitute else ""}
    if agent.away_until and agent.substitute:
        return _("away until %(time)s, substitute %(name)s") % values
    if agent.away_until:
        return _("away until %(time)s") % values
    return _("away, substitute %(name)s") % values if agent.substitute else _("away")

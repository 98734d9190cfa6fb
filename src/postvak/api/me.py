"""Who am I: the token, its agent, which queues he sees, and his own preferences."""

from typing import Any

from postvak.api.frame import ApiRequest, BaseModel, Field, Router, Token, agent_of, asking, invalid
from postvak.api.settings import SettingsGiven, told
from postvak.models import Agent
from postvak.setup.fields import SettingError
from postvak.setup.one import change, shown
from postvak.setup.people import AGENTS
from postvak.tickets.access import visible_queues

router = Router(tags=["You"])
OWN = ("language", "time_zone", "signature", "away_from", "away_until", "substitute")  # what he sets of himself


class Queue(BaseModel):
    id: int
    name: str


class Me(BaseModel):
    id: int = Field(description="Key of the agent.")
    name: str
    email: str
    is_admin: bool
    token: str = Field(description="Name of the token.")
    scopes: list[str]
    expires_at: str | None
    queues: list[Queue]


class Preferences(BaseModel):
    settings: dict[str, Any] = Field(description=f"As in `/settings/agent`: {', '.join(OWN)}.")


@router.get("/me", auth=Token(""), response=Me)
def who_am_i(request: ApiRequest) -> Any:
    """The agent as whom the token acts, what the token is for, and the queues that he sees."""
    agent, token = agent_of(request), request.token
    return {
        "id": agent.pk,
        "name": agent.name,
        "email": agent.email,
        "is_admin": agent.is_admin,
        "token": token.name,
        "scopes": token.scopes,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "queues": list(visible_queues(agent).filter(is_valid=True).values("id", "name")),
    }


@router.get("/me/preferences", auth=Token("account:read"), response=Preferences)
def get_preferences(request: ApiRequest) -> Any:
    """Language, signature and absence of the agent of the token."""
    return own_of(agent_of(request))


@router.patch("/me/preferences", auth=Token("account:write"), response=Preferences)
def change_preferences(request: ApiRequest, given: SettingsGiven) -> Any:
    """Change some of them."""
    if strange := sorted(set(given.settings) - set(OWN)):
        raise invalid(f"settings.{strange[0]}", f"One's own settings are: {', '.join(OWN)}.")
    agent, substitute = agent_of(request), given.settings.get("substitute")
    if substitute and not Agent.objects.filter(email=str(substitute).lower(), is_active=True).exists():
        raise invalid("settings.substitute", "There is no such colleague, or not any more.")
    try:
        change(AGENTS, agent.email, given.settings, asking(request), is_whole=False)
    except SettingError as error:
        raise told(error) from error
    return own_of(Agent.objects.get(pk=agent.pk))


def own_of(agent: Agent) -> dict[str, Any]:
    settings = shown(AGENTS, agent)
    return {"settings": {name: settings[name] for name in OWN}}

"""Who am I: the token, its agent, and which queues he sees."""

from typing import Any

from postvak.api.frame import ApiRequest, BaseModel, Field, Router, Token, agent_of
from postvak.tickets.access import visible_queues

router = Router(tags=["You"])


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

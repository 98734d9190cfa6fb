"""What goes over a stream: small events that say that something changed, never what is in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class Letter:
    """An event and the agents who get it; None: all."""

    agents: frozenset[int] | None
    data: bytes


def event(name: str, values: Mapping[str, object], id: int | None = None) -> bytes:
    """In the form of server-sent events (HTML standard, 9.2). `id`: of the newest row of Change that the browser knows then."""
    head = f"id: {id}\n" if id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(values)}\n\n".encode()

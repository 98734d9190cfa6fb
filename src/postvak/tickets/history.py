"""Writes the history of tickets; sentences are in log.sentences."""

from django.utils import timezone

from postvak.log.reason import Parameter
from postvak.models import Agent, History, Ticket


def write_history(ticket: Ticket, code: str, /, *, by: Agent | None, **parameters: Parameter) -> None:
    """One line; call inside the transaction that makes the change."""
    History.objects.create(ticket=ticket, at=timezone.now(), agent=by, code=code, parameters=parameters)

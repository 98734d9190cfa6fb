"""A look at what the communication log holds."""

from postvak.log.talk_sentences import talk_line
from postvak.models import Communication, CommunicationEntry, CommunicationObject

DEBUG = CommunicationEntry.Priority.DEBUG


def last() -> Communication:
    found = Communication.objects.order_by("-pk").first()
    assert found is not None
    return found


def connection_of(talk: Communication) -> CommunicationObject:
    return talk.objects_of.get(kind="connection")


def mails_of(talk: Communication) -> list[CommunicationObject]:
    return list(talk.objects_of.filter(kind="message"))


def codes(about: CommunicationObject) -> list[str]:
    """Without those of debugging."""
    return [entry.code for entry in about.entries.filter(priority__gt=DEBUG)]


def debug_codes(about: CommunicationObject) -> list[str]:
    return [entry.code for entry in about.entries.filter(priority=DEBUG)]


def text(about: CommunicationObject) -> str:
    """As a reader sees it."""
    return "\n".join(f"{line.title} {line.detail}".strip() for line in map(talk_line, about.entries.all()))

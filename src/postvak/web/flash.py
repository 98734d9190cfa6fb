"""Messages for the next page of the same session ("Queue saved."), with an optional way back. Shown as a toast."""

from dataclasses import asdict, dataclass

from django.http import HttpRequest

KEY = "flash"


@dataclass(frozen=True, slots=True)
class Message:
    """`tone` is "" (quiet), "warn" or "alert"; with `undo_url` the toast has a button that POSTs there. `seconds`: for
    how long it is shown; 0: the usual time."""

    text: str
    tone: str = ""
    undo_url: str = ""
    undo_label: str = ""
    seconds: int = 0


def say(
    request: HttpRequest, text: object, *, tone: str = "", undo_url: str = "", undo_label: object = "", seconds: int = 0
) -> None:
    """Show `text` on the next page that this agent sees."""
    message = Message(str(text), tone, undo_url, str(undo_label), seconds)
    request.session[KEY] = [*request.session.get(KEY, []), asdict(message)]


def take_messages(request: HttpRequest) -> list[Message]:
    """The waiting messages; each is shown once."""
    return [Message(**stored) for stored in request.session.pop(KEY, [])]

"""Was something decrypted for the page that is being made? Then nobody keeps a copy of it (web.middleware.kept_by_nobody)."""

from contextvars import ContextVar

_is_secret: ContextVar[bool] = ContextVar("postvak_is_secret", default=False)


def start() -> None:
    _is_secret.set(False)


def note() -> None:
    """What came or went out encrypted was read."""
    _is_secret.set(True)


def is_noted() -> bool:
    return _is_secret.get()

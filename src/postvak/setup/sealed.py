"""Secrets: never written out; given as `{ env = "NAME" }` or `{ file = "path" }`."""

import os
from typing import cast

from django.db.models import Model

from postvak.crypto.sealing import CannotOpen
from postvak.models import Agent
from postvak.setup.fields import KEPT, Base, Field, JsonSchema, SettingError, Value


class Secret(Field):
    """A sealed password or client secret, given by reference."""

    is_secret = True
    schema: JsonSchema = {"type": "string", "writeOnly": True}

    nothing: Value = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.attribute, f"sealed_{self.attribute}")

    def read(self, row: Model) -> Value:
        return None

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        secret = resolve(value, base)
        if self.is_same(row, secret):
            return KEPT, KEPT
        setattr(row, self.attribute, secret)
        return KEPT, "(new secret)"

    def is_same(self, row: Model, secret: str) -> bool:
        """One that can't be opened any more counts as different, so that a file can repair it."""
        try:
            return bool(getattr(row, self.attribute) == secret)
        except CannotOpen:
            return False


class Password(Secret):
    """An agent's password: kept as a hash only; a new agent without one can't log in."""

    def __init__(self) -> None:
        super().__init__("password")

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        agent, secret = cast(Agent, row), resolve(value, base)
        if agent.password and agent.check_password(secret):
            return KEPT, KEPT
        agent.set_password(secret)
        return KEPT, "(new secret)"

    def set_initial(self, row: Model, *, where: str, name: str) -> None:
        cast(Agent, row).set_unusable_password()


def resolve(value: Value, base: Base) -> str:
    """The secret behind `{ env = "NAME" }` or `{ file = "path" }`. Raises SettingError."""
    if base is None:
        if not isinstance(value, str):
            raise SettingError("write the secret as a text.")
        return value
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in {"env", "file"}:
        raise SettingError('write passwords as { env = "NAME" } or { file = "path" }, never in clear.')
    kind, where = next(iter(value.items()))
    if kind == "env":
        if str(where) not in os.environ:
            raise SettingError(f"the environment variable {where} is not set.")
        return os.environ[str(where)]
    try:
        return (base / str(where)).read_text().rstrip("\n")
    except OSError as error:
        raise SettingError(f"the file {where} can't be read: {error.strerror}.") from error

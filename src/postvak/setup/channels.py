"""Settings of sending channels in the TOML file, beside those of their connection."""

from collections.abc import Mapping
from typing import cast

from django.db.models import Model

from postvak.models import Channel, Mailbox
from postvak.send.channel_rules import stored
from postvak.send.providers import PROVIDERS, Provider, is_elsewhere, set_provider_settings
from postvak.setup.fields import KEPT, Base, Field, Flag, JsonSchema, Number, NumberOrNone, SettingError, Text, Value
from postvak.setup.references import Reference
from postvak.setup.sealed import resolve

MEGABYTE = 1024 * 1024


class ReturnPath(Text):
    """As addresses are compared: lower case."""

    def check(self, value: Value) -> Value:
        return str(super().check(value)).strip().lower()


class ProviderName(Text):
    """Settings of another provider go, secrets first of all."""

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old, new = super().write(row, value, base)
        if old != new:
            cast(Channel, row).sealed_settings = ""
        return old, new


class Megabytes(NumberOrNone):
    """Of a column in bytes."""

    def read(self, row: Model) -> Value:
        return -(-cast(int, super().read(row)) // MEGABYTE)

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old, new = self.read(row), cast(int, self.check(value))
        setattr(row, self.attribute, new * MEGABYTE or None)
        return old, new


class ProviderSettings(Field):
    """What the provider's API asks for: `{ region = "eu", api_key = { env = "NAME" } }`. Secrets are never written out,
    and stay as they are when the table doesn't name them – unless it comes from outside and names another place of the API: a stored
    secret goes to no other server. Stands after `provider`."""

    schema: JsonSchema = {"type": "object"}
    nothing: Value = {}

    def __init__(self) -> None:
        super().__init__("sealed_settings")

    def read(self, row: Model) -> Value:
        values = self.stored(row)
        plain = {one.key for one in self.provider(row).settings if not one.is_secret} if values else set()
        return {key: value for key, value in sorted(values.items()) if key in plain and value} or None

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        provider, before, shown = self.provider(row), self.stored(row), self.read(row)
        if not isinstance(value, dict):
            raise SettingError('write a table: { api_key = { env = "NAME" } }.')
        named = self.named(provider, value, base)
        kept = {} if base is None and is_elsewhere(provider, before, named) else before
        secrets = {one.key: kept.get(one.key, "") for one in provider.settings if one.is_secret}
        after = secrets | named
        if after != {key: before.get(key, "") for key in after} or set(before) - set(after) - {"webhook_secret"}:
            set_provider_settings(cast(Channel, row), {str(key): text for key, text in after.items()})
        is_new_secret = any(after[key] != before.get(key, "") for key in secrets)
        return (KEPT, "(new secret)") if is_new_secret else (shown, self.read(row))

    def named(self, provider: Provider, value: dict[str, Value], base: Base) -> dict[str, str]:
        """The settings that the file names, secrets resolved. Raises SettingError."""
        known = {one.key: one for one in provider.settings}
        for key in value:
            if key not in known:
                raise SettingError(f"{provider.name} has no setting “{key}”. There are: {', '.join(known)}.")
        found = {}
        for key, written in value.items():
            if known[key].is_secret:
                found[key] = resolve(written, base)
            elif isinstance(written, str):
                found[key] = written
            else:
                raise SettingError(f"write {key} as a text in quotes, not {written!r}.")
        return found

    def provider(self, row: Model) -> Provider:
        key = cast(Channel, row).provider
        if key not in PROVIDERS:
            raise SettingError(f"there is no provider “{key}”. There are: {', '.join(PROVIDERS)}.")
        return PROVIDERS[key]

    def stored(self, row: Model) -> dict[str, str]:
        return stored(cast(Channel, row)) if cast(Channel, row).provider in PROVIDERS else {}


CHANNEL_FIELDS: Mapping[str, Field] = {
    "provider": ProviderName("provider"),
    "provider_settings": ProviderSettings(),
    "connections": Number("connections"),
    "rate_per_minute": NumberOrNone("rate_per_minute"),
    "size_limit": Megabytes("size_limit"),
    "return_path": ReturnPath("return_path"),
    "copies_folder": Text("copies_folder"),
    "valid": Flag("is_valid"),
    "default": Flag("is_default", exclusive=True),
}
LATE_CHANNEL_FIELDS: Mapping[str, Field] = {"copies_to": Reference("copies_to", Mailbox, "name")}

"""The section of web hooks: which programs are told what happens."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.models import Queue, Webhook
from postvak.net.webhook import is_acceptable
from postvak.setup.fields import Field, Flag, JsonSchema, SettingError, Text, Value
from postvak.setup.references import Rows
from postvak.setup.removal import plainly
from postvak.setup.sealed import Secret
from postvak.setup.section import Section
from postvak.tickets.hooks.deliver import new_secret
from postvak.tickets.hooks.events import NAMES


@dataclass(frozen=True)
class WebhookSection(Section):
    """Without a secret in the file a new one gets one of its own, which nobody sees."""

    def make(self, key: str) -> Model:
        row = Webhook(name=key, created_at=timezone.now())
        row.secret = new_secret()
        return row


class Events(Field):
    """Names of events; none: all of them."""

    schema: JsonSchema = {"type": "array", "items": {"type": "string", "enum": list(NAMES)}}
    nothing: Value = []

    def check(self, value: Value) -> Value:
        if not isinstance(value, list):
            raise SettingError("write a list of events: [ … ].")
        for name in value:
            if name not in NAMES:
                raise none_such_event(name)
        return [name for name in NAMES if name in value]


def none_such_event(name: Value) -> SettingError:
    return SettingError(f"there is no event “{name}” (there are: {', '.join(NAMES)}).")


def check_webhook(row: Webhook) -> None:
    if not is_acceptable(row.url):
        said = _("It has to begin with http:// or https:// and may hold neither user nor password.")
        raise ValidationError({"url": said})


WEBHOOKS = WebhookSection(
    "webhook",
    Webhook,
    "name",
    {"url": Text("url"), "secret": Secret("secret"), "events": Events("events"), "valid": Flag("is_valid")},
    {"queues": Rows("queues", Queue, "name")},
    check=check_webhook,
    remove=plainly,
)

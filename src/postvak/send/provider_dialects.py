"""Providers that take a whole mail as bytes, spoken to as django-anymail speaks to them otherwise.

The frozen bytes go out unchanged, so that threads, our own signature and encrypted mails survive.
"""

import base64
import json
from typing import Any

from anymail.backends.mailgun import EmailBackend as MailgunBackend
from anymail.backends.mailgun import MailgunPayload
from anymail.backends.postal import EmailBackend as PostalBackend
from anymail.backends.postal import PostalPayload


class MailgunRaw(MailgunBackend):  # type: ignore[misc]
    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        return MailgunRawPayload(message, defaults, self)


class MailgunRawPayload(MailgunPayload):  # type: ignore[misc]
    """POST /<domain>/messages.mime: `to` is the envelope, the file `message` the mail; options as ever."""

    def get_api_endpoint(self) -> str:
        return f"{super().get_api_endpoint()}.mime"

    def serialize_data(self) -> dict[str, Any]:
        data = super().serialize_data()
        self.files = [("message", ("mail.eml", self.message.raw, "message/rfc822"))]
        return {key: value for key, value in data.items() if key == "to" or key.startswith(("o:", "v:"))}


class PostalRaw(PostalBackend):  # type: ignore[misc]
    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        return PostalRawPayload(message, defaults, self)


class PostalRawPayload(PostalPayload):  # type: ignore[misc]
    """POST /api/v1/send/raw."""

    def get_api_endpoint(self) -> str:
        return "api/v1/send/raw"

    def serialize_data(self) -> str:
        mail = self.message
        return json.dumps(
            {
                "mail_from": mail.envelope_from or mail.from_email,
                "rcpt_to": list(mail.to),
                "data": base64.b64encode(mail.raw).decode("ascii"),
            }
        )

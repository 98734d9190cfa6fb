"""XOAUTH2: logging in at IMAP, POP3 and SMTP servers with an access token.

The mechanism of Google and Microsoft (developers.google.com/gmail/imap/xoauth2-protocol). A refusal comes as a
challenge with JSON in it, which has to be answered with an empty line before the server says no.
"""

import base64
import binascii
import json

from postvak.net.connection import Endpoint

MECHANISM = "XOAUTH2"


def first_words(endpoint: Endpoint) -> str:
    """What the client says, before base64."""
    return f"user={endpoint.username}\1auth=Bearer {endpoint.token}\1\1"


def encoded(endpoint: Endpoint) -> str:
    return base64.b64encode(first_words(endpoint).encode()).decode()


def decoded(challenge: bytes) -> str:
    """The base64 challenge of a refusal in readable form."""
    try:
        return explained(base64.b64decode(challenge))
    except binascii.Error:
        return ""


def explained(challenge: bytes) -> str:
    """`{"status":"401","schemes":"bearer"}` as "status 401, schemes bearer"; anything else as it is."""
    text = challenge.decode("utf-8", "replace").strip()
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(values, dict):
        return text
    return ", ".join(f"{name} {value}" for name, value in values.items())


def joined(said: str, challenge: str) -> str:
    """The server's last words and what its challenge said before."""
    return f"{said} ({challenge})" if challenge else said

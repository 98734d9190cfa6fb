"""What a provider's answer to our request means for the mail: its own words, and whose fault it was.

HTTP alone doesn't tell: some say "not allowed" (403) of one sending address, and 400 when the account ran dry.
"""

import json
import re
import ssl
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import requests
from anymail.exceptions import AnymailError

from postvak.net.connection import LONGEST_WORDS, Problem

SENDER = re.compile(
    r"(sender|from|identity|email address|domain)\b.{0,80}(not|n't|isn't|unverified).{0,40}(verif|match|authori|allow|regist|confirm)",
    re.IGNORECASE | re.DOTALL,
)
ACCOUNT = re.compile(
    r"out of .{0,20}credits|account.{0,40}(suspend|disabl|paused|pending|inactive|closed)|sending ?paused|payment",
    re.IGNORECASE | re.DOTALL,
)
TOO_FAST = re.compile(r"throttl|too ?many ?requests|rate.{0,10}(limit|exceed)|limit ?exceeded", re.IGNORECASE)
MISSPELT = "Invalid Mailgun API endpoint"  # Mailgun answers 200 to an address that doesn't exist
SPOKEN_IN = ("Message", "message", "detail", "description", "ErrorMessage", "reason", "error", "title", "name")


class Meaning(Enum):
    TAKEN = auto()
    REFUSED = auto()  # this mail or recipient, for good
    LATER = auto()
    DOUBT = auto()  # the provider may have it
    CHANNEL = auto()  # log-in, account, address of the API: no mail gets through


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None when there was no answer; `problem` counts for Meaning.CHANNEL."""

    meaning: Meaning
    said: str
    problem: Problem = Problem.rejected
    status: int | None = None

    @classmethod
    def of_response(cls, response: Any) -> "Answer":
        status, said = spoken(response)
        return cls(Meaning.TAKEN, said, status=status)

    @property
    def is_refusal(self) -> bool:
        return self.status is not None and self.status >= 400


def answer_of(error: AnymailError) -> Answer:
    """The meaning of a request that didn't go well."""
    status, said = spoken(error.response)
    if status is None:
        return unanswered(error)
    meaning, problem = meaning_of(status, said, words_of(error))
    return Answer(meaning, said, problem, status)


def meaning_of(status: int, said: str, ours: str) -> tuple[Meaning, Problem]:
    """`ours`: the words of the exception, where the library knows more than the answer says."""
    if status == 504:
        return Meaning.DOUBT, Problem.timeout
    if status < 400:  # 3xx: the mail went nowhere, as redirections aren't followed
        is_elsewhere = MISSPELT in ours or status >= 300
        return (Meaning.CHANNEL if is_elsewhere else Meaning.DOUBT), Problem.rejected
    if status == 429 or status >= 500 or TOO_FAST.search(said):
        return Meaning.LATER, Problem.rejected
    if SENDER.search(said) and status != 401:
        return Meaning.REFUSED, Problem.rejected
    if status in (401, 403):
        return Meaning.CHANNEL, Problem.login_refused
    if status in (402, 404) or ACCOUNT.search(said):
        return Meaning.CHANNEL, Problem.rejected
    return Meaning.REFUSED, Problem.rejected


def unanswered(error: AnymailError) -> Answer:
    """Nobody was reached, or the line broke when the request was on its way."""
    greeted = any(isinstance(cause, ssl.SSLError) and not in_handshake(cause) for cause in causes(error))
    for cause in causes(error):
        problem = next((problem for name, problem in NOT_REACHED if name in kinds(cause)), None)
        if problem is not None and not greeted:
            return Answer(Meaning.CHANNEL, reason_in(cause), problem)
    return Answer(Meaning.DOUBT, reason_in(next(cause for cause in causes(error) if str(cause))))


def in_handshake(error: BaseException) -> bool:
    """Did TLS fail before there was a line to say something on? Later the request may have come through."""
    return any(frame.name == "do_handshake" for frame in traceback.extract_tb(error.__traceback__))


def reason_in(error: BaseException) -> str:
    """ "HTTPSConnection(host='api.example.org', port=443): Failed to resolve …" without its programmers' part."""
    where = re.search(r"host='([^']+)'", str(error))
    said = re.sub(r"\A\w+\(.*?\): ", "", str(error)) or type(error).__name__
    return one_line(f"{where[1]}: {said}" if where and where[1] not in said else said)


# Class names of requests, urllib3 and botocore (which isn't always there). First match wins.
NOT_REACHED: tuple[tuple[str, Problem], ...] = (
    ("NameResolutionError", Problem.unknown_host),
    ("NewConnectionError", Problem.refused),
    ("ConnectTimeoutError", Problem.timeout),
    ("ConnectTimeout", Problem.timeout),
    ("CertificateError", Problem.tls_untrusted),
    ("SSLCertVerificationError", Problem.tls_untrusted),
    ("SSLError", Problem.tls_failed),
    ("EndpointConnectionError", Problem.refused),
    ("ProxyError", Problem.refused),
    ("NoCredentialsError", Problem.login_refused),
    ("InvalidURL", Problem.unknown_host),
    ("MissingSchema", Problem.unknown_host),
    ("InvalidSchema", Problem.unknown_host),
)


def kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions behind this one, the innermost first: urllib3 wraps its reason, requests wraps urllib3."""
    chain: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(chain) < 10:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in chain:
            chain.append(one)
            waiting += [one.__cause__, getattr(one, "reason", None), getattr(one, "error", None), *one.args]
    yield from reversed(chain)


def words_of(error: AnymailError) -> str:
    """What the library says, without the dump of the answer that it adds."""
    text = " ".join(str(one) for one in error.args if one)
    if error.__cause__ is not None:
        text = f"{text} {error.__cause__}".strip()
    return one_line(text or type(error).__name__)


def spoken(response: Any) -> tuple[int | None, str]:
    """HTTP status and the provider's words; (None, "") without an answer. boto3 gives a dict."""
    if isinstance(response, dict):
        metadata, error = response.get("ResponseMetadata", {}), response.get("Error", {})
        status = metadata.get("HTTPStatusCode")
        said = " ".join(filter(None, (error.get("Code"), error.get("Message")))) or response.get("MessageId", "")
        return (int(status), one_line(f"HTTP {status} {said}")) if status else (None, "")
    if not isinstance(response, requests.Response):
        return None, ""
    return response.status_code, one_line(f"HTTP {response.status_code} {sentence_in(response) or response.reason}")


def sentence_in(response: requests.Response) -> str:
    """The words meant for people, wherever they stand in the JSON; else the text as it is."""
    try:
        values = json.loads(response.content)
    except ValueError:
        return str(response.text)
    found = " – ".join(dict.fromkeys(sentences(values)))
    return found or str(response.text)


def sentences(values: object, depth: int = 0) -> Iterator[str]:
    if depth > 5:
        return
    if isinstance(values, list):
        for one in values[:10]:
            yield from sentences(one, depth + 1)
    elif isinstance(values, dict):
        yield from (values[key] for key in SPOKEN_IN if isinstance(values.get(key), str) and values[key])
        for value in values.values():
            if isinstance(value, list | dict):
                yield from sentences(value, depth + 1)


def one_line(text: str) -> str:
    return " ".join(text.replace("\0", "\ufffd").split())[:LONGEST_WORDS]

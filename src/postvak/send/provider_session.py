"""A mail provider's API as a way out: hands a mail over by django-anymail and says what became of each recipient. Spec 04.

All settings are the channel's own, none is Django's. The deliveries are *sending* by now: what breaks while the request
is on its way leaves them in doubt; when nobody was reached, it is the channel's fault.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any, Self

from anymail.exceptions import AnymailError
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from postvak.log.talk_notes import Topic
from postvak.mail.addresses import normalise
from postvak.models import Channel, Delivery, OutgoingMail
from postvak.net.connection import ConnectionProblem, Problem
from postvak.send.provider_answers import Answer, Meaning, answer_of, words_of
from postvak.send.provider_mail import CannotCarry, People, ProviderMail, make_mail, requests_for, set_switches
from postvak.send.providers import Provider, provider_of, provider_settings, with_defaults
from postvak.send.record import Result

log = logging.getLogger("postvak.send")

MARK = "postvak"  # the name of our mark in the provider's metadata
TIMEOUTS = (10, 90)  # seconds: connecting, waiting for the answer; well inside outbox.LEASE
# What the library makes of an answer that isn't as it expects: the provider may have the mail by then.
UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, OSError)
PATIENCE = 600  # seconds for all requests of one mail; what comes later waits for the next attempt, inside the lease
State = Delivery.State
Results = dict[str, Result]


class ProviderChannel:
    """One HTTP session that carries many mails. Raises ConnectionProblem, crypto.sealing.CannotOpen."""

    dialogue = ()

    def __init__(self, channel: Channel) -> None:
        provider = provider_of(channel)
        if provider is None or not provider.is_installed:
            said = f"The provider “{channel.provider}” can't be used: this installation lacks what it needs."
            raise ConnectionProblem(Problem.rejected, said)
        self.provider: Provider = provider
        values = with_defaults(provider, provider_settings(channel))
        missing = [str(one.label) for one in provider.settings if one.is_required and one.key not in values]
        if missing:
            raise ConnectionProblem(Problem.login_refused, f"Not filled in: {', '.join(missing)}.")
        self.secrets = [
            values[one.key] for one in provider.settings if one.is_secret and len(values.get(one.key, "")) > 5
        ]
        odd = [str(one.label) for one in provider.settings if one.is_secret and not is_word(values.get(one.key, ""))]
        if odd:
            said = f"Enter it again, a character in it can't stand in a key: {', '.join(odd)}."
            raise ConnectionProblem(Problem.login_refused, said)
        self.until = 0.0
        with self.settings_checked():
            self.backend: Any = import_string(provider.backend)(**backend_options(channel.provider, values))

    def __enter__(self) -> Self:
        with self.settings_checked():
            self.backend.open()
        if getattr(self.backend, "session", None) is not None:
            self.backend.session.get_redirect_target = not_redirected
        return self

    def note_opening(self, connection: Topic) -> None:
        connection.debug("provider_ready", provider=self.provider.name)

    @contextmanager
    def settings_checked(self) -> Iterator[None]:
        """What the library says of settings that it can't work with is the channel's fault."""
        try:
            yield
        except (AnymailError, ImproperlyConfigured, *UNEXPECTED) as error:
            raise ConnectionProblem(Problem.rejected, self.clean(str(error))) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.backend.close()

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]:
        """Raises ConnectionProblem, as long as nobody got the mail."""
        self.until = monotonic() + PATIENCE
        return self.requests(mail, recipients, raw, {})

    def requests(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes, known: Results) -> Results:
        """`known`, and what becomes of `recipients`. What is known stays, whatever happens to the others. Raises
        ConnectionProblem while nothing is."""
        results = dict(known)
        try:
            for people in requests_for(raw, recipients, self.provider):
                is_late = bool(results) and monotonic() > self.until
                results |= for_all(people, *LATER) if is_late else self.request(mail, people, raw)
        except ConnectionProblem as problem:
            if not results:
                raise
            left = [one for one in recipients if one not in results]
            results |= dict.fromkeys(left, Result(State.DEFERRED, None, problem.said))
        return results

    def request(self, mail: OutgoingMail, people: People, raw: bytes) -> Results:
        """One request; a second one without the recipients whom the provider refused by name, if it took none then."""
        try:
            letter = self.letter(mail, people, raw)
        except CannotCarry as refusal:
            return for_all(people, State.FAILED, f"{self.provider.name} can't carry a part of this mail: {refusal}")
        except AnymailError as refusal:
            return for_all(people, State.FAILED, self.clean(words_of(refusal)))
        except UNEXPECTED as error:
            log.exception("channel %s: a mail can't be written for %s", mail.channel_id, self.provider.name)
            said = f"The mail can't be written for {self.provider.name}: {error}"
            return for_all(people, State.FAILED, self.clean(said))
        try:
            self.backend.send_messages([letter])
        except AnymailError as error:
            return self.refused(mail, people, raw, answer_of(error))
        except UNEXPECTED as error:
            log.exception("channel %s: an answer of %s makes no sense", mail.channel_id, self.provider.name)
            return for_all(people, State.IN_DOUBT, f"The answer makes no sense ({type(error).__name__}).")
        return self.taken(mail, people, raw, letter)

    def letter(self, mail: OutgoingMail, people: People, raw: bytes) -> ProviderMail:
        """The mail, tried out against the provider's dialect before anything is sent. Raises CannotCarry, AnymailError."""
        letter = make_mail(raw, people, self.provider, envelope_from=mail.envelope_from)
        mark = {MARK: mark_of(mail)}
        tracks = mail.message is not None and mail.message.ticket.queue.brand.tracks_opening  # never what agents read
        set_switches(
            letter,
            metadata=mark if self.provider.takes_metadata else {},
            tracks=tracks if self.provider.can_track else None,
        )
        if self.provider.backend.startswith("anymail.backends.amazon_ses"):
            letter.esp_extra = {"EmailTags": [{"Name": MARK, "Value": mark[MARK]}]}
        self.backend.build_message_payload(letter, {})
        return letter

    def refused(self, mail: OutgoingMail, people: People, raw: bytes, answer: Answer) -> Results:
        """Raises ConnectionProblem for what is the channel's fault."""
        said = self.clean(answer.said)
        if answer.meaning is Meaning.CHANNEL:
            raise ConnectionProblem(answer.problem, said)
        if answer.meaning is Meaning.REFUSED:
            named = [one for one in people.all if is_named(one, said)]
            if named and len(named) < len(people.all):
                return self.rest(mail, people, raw, dict.fromkeys(named, Result(State.FAILED, None, said)))
        return for_all(people, STATES[answer.meaning], said)

    def taken(self, mail: OutgoingMail, people: People, raw: bytes, letter: ProviderMail) -> Results:
        """The answer per recipient. Postmark may refuse one of them, and all with it, in an answer that is no error."""
        status = letter.anymail_status
        by_address = {normalise(address): one for address, one in status.recipients.items()}
        answer = Answer.of_response(status.esp_response)
        said, results = self.clean(answer.said), {}
        for recipient in people.all:
            found = by_address.get(normalise(recipient))
            state = State.FAILED if found and found.status in ("invalid", "rejected", "failed") else State.ACCEPTED
            if state == State.ACCEPTED and not (found and found.message_id) and answer.is_refusal:
                continue
            remote_id = str(found.message_id or "")[:255] if found else ""
            results[recipient] = Result(state, None, said, remote_id=remote_id)
        if len(results) == len(people.all):
            return results
        if not results:
            return for_all(people, State.FAILED, said)
        return self.rest(mail, people, raw, results)

    def rest(self, mail: OutgoingMail, people: People, raw: bytes, known: Results) -> Results:
        return self.requests(mail, [one for one in people.all if one not in known], raw, known)

    def clean(self, said: str) -> str:
        for secret in self.secrets:  # what is that short is no secret, but part of words
            said = said.replace(secret, "•••")
        return said


STATES: Mapping[Meaning, Delivery.State] = {
    Meaning.REFUSED: State.FAILED,
    Meaning.LATER: State.DEFERRED,
    Meaning.DOUBT: State.IN_DOUBT,
}

LATER = (State.DEFERRED, "The time of this attempt is over: each hidden recipient takes a request of his own.")


def is_word(secret: str) -> bool:
    return secret.isascii() and (secret.isprintable() or not secret)


def is_named(address: str, said: str) -> bool:
    """Not as the end or the beginning of a longer address."""
    return bool(re.search(rf"(?<![\w.+%-]){re.escape(address)}(?![\w-]|\.\w)", said, re.IGNORECASE))


def not_redirected(response: object) -> None:
    """Mail and key go to the address that the channel names, and to no other."""


def for_all(people: People, state: Delivery.State, said: str) -> Results:
    return dict.fromkeys(people.all, Result(state, None, said))


def mark_of(mail: OutgoingMail) -> str:
    """Names the mail in events; by its Message-ID, so that another installation at the same provider has another one."""
    return f"{mail.pk}-{hashlib.sha256(mail.own_id.encode()).hexdigest()[:16]}"


def backend_options(key: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of django-anymail's backend. Nothing is tried twice behind our back: we alone repeat."""
    options: dict[str, Any] = {"ignore_recipient_status": True, "send_defaults": {}}
    if key == "amazon_ses":
        return options | amazon_options(values)
    keys = [one for one in values if "webhook" not in one and one != "signing_secret"]
    return options | {one: values[one] for one in keys} | {"timeout": TIMEOUTS}


def amazon_options(values: Mapping[str, str]) -> dict[str, Any]:
    connect, read = TIMEOUTS
    client = {
        "aws_access_key_id": values["access_key"],
        "aws_secret_access_key": values["secret_key"],
        "region_name": values["region"],
        "config": {"connect_timeout": connect, "read_timeout": read, "retries": {"total_max_attempts": 1}},
    }
    if "endpoint_url" in values:
        client["endpoint_url"] = values["endpoint_url"]
    return {"client_params": client, "configuration_set_name": values.get("configuration_set_name")}

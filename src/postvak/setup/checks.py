"""The test buttons: connect with what stands in the form (or is stored), save nothing, show the server's own words.

Runs outside of any database transaction, with shorter time limits than the worker's: a person waits.
"""

import secrets
from dataclasses import dataclass, field, replace
from time import monotonic

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from postvak.connect.endpoint import with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.log.problems import sentence
from postvak.log.wording import byte_size
from postvak.mail import return_path
from postvak.mail.compose import Draft, compose
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Channel, Mailbox
from postvak.net.connection import ConnectionProblem, Endpoint, Problem
from postvak.receive import imap, pop3
from postvak.receive.source import Probe
from postvak.send import smtp
from postvak.send.providers import provider_of
from postvak.send.sender import address_by
from postvak.send.signing import CannotSign, sign
from postvak.send.smtp_values import InDoubt
from postvak.send.trial import Trial, try_provider

NOT_HEARD = (
    Problem.unknown_host, Problem.refused, Problem.timeout, Problem.tls_untrusted, Problem.tls_failed, Problem.not_stored,
)  # fmt: skip
CONNECT_SECONDS, READ_SECONDS, FINAL_REPLY_SECONDS = 10.0, 20.0, 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """What the page shows: a sentence, what to do, the server's words (a text or dialogue lines)."""

    ok: bool
    what: str
    remedy: str = ""
    said: str | tuple[str, ...] = ()
    host: str = ""
    folders: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    problem: str = ""

    @property
    def heard(self) -> bool:
        """The words are the server's own, not those of this machine about the network."""
        return self.problem not in NOT_HEARD


def patient(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)


def failed(error: ConnectionProblem | CannotOpen) -> Check:
    if isinstance(error, CannotOpen):
        return Check(False, gettext("The stored password can't be opened."), str(error))
    what, remedy = sentence(error.problem.value, error.details)
    dialogue = error.details.get("dialogue", "")
    said = tuple(dialogue.split("\n")) if dialogue else error.said
    return Check(False, what, remedy, said, error.details.get("host", ""), problem=error.problem.value)


def check_mailbox(mailbox: Mailbox) -> Check:
    """Log in, count, change nothing."""
    started = monotonic()
    try:
        probe = with_endpoint(mailbox, lambda endpoint: look_into(mailbox, patient(endpoint)))
    except (ConnectionProblem, CannotOpen) as error:
        return failed(error)
    what = ngettext(
        "Receiving works: %(host)s, %(count)s mail in this mailbox.",
        "Receiving works: %(host)s, %(count)s mails in this mailbox.",
        probe.messages,
    ) % {"host": where(mailbox), "count": number_format(probe.messages, force_grouping=True)}
    return Check(
        True, what, said=probe.said, host=mailbox.host, folders=tuple(probe.folders), seconds=monotonic() - started
    )


def look_into(mailbox: Mailbox, endpoint: Endpoint) -> Probe:
    return pop3.probe(endpoint) if mailbox.kind == Mailbox.Kind.POP3 else imap.probe(endpoint, mailbox.folder_list)


def check_channel(channel: Channel) -> Check:
    """Connect and log in, send nothing."""
    if channel.kind == Channel.Kind.FILE:
        return Check(
            True, gettext("Nothing to check: mails become files in the data directory and never leave this machine.")
        )
    if channel.kind == Channel.Kind.PROVIDER:
        return Check(True, gettext("Nothing is missing. Only a test mail shows whether the provider accepts the key."))
    started = monotonic()
    try:
        probe = with_endpoint(channel, lambda endpoint: smtp.probe(patient(endpoint)))
    except (ConnectionProblem, CannotOpen) as error:
        return failed(error)
    what = gettext("Sending works: %(host)s accepts user and password.") % {"host": where(channel)}
    if channel.grant_id:
        what = gettext("Sending works: %(host)s accepts the connected account.") % {"host": where(channel)}
    elif not channel.username:
        what = gettext("Sending works: %(host)s answers.") % {"host": where(channel)}
    if probe.size_limit:
        what += " " + gettext("It takes up to %(size)s per mail.") % {"size": byte_size(probe.size_limit)}
    return Check(True, what, said=probe.dialogue, host=channel.host, seconds=monotonic() - started)


def send_test_mail(channel: Channel, agent: Agent) -> Check:
    """A real mail to the agent; the whole dialogue is shown. Signed, and with the return path, as an answer would be."""
    sender = address_by(channel) or agent.email
    started = monotonic()
    try:
        raw = test_mail(sender, agent)
        if channel.kind == Channel.Kind.PROVIDER:
            tried = try_provider(channel, raw, agent.email)
        else:
            tried = try_server(channel, sender, sign(raw), agent.email)
    except (ConnectionProblem, CannotOpen) as error:
        return failed(error)
    except (ValueError, CannotSign) as error:
        return Check(False, gettext("The test mail can't be written."), str(error))
    return result_of_test(tried, sender, agent.email, place_of(channel), monotonic() - started)


def try_server(channel: Channel, sender: str, raw: bytes, recipient: str) -> Trial:
    """Raises ConnectionProblem, CannotOpen."""
    path = return_path.make(channel.return_path, 0, key=settings.SECRET_KEY.encode()) or sender
    session = with_endpoint(channel, patient_session)
    try:
        attempt = session.send(path, [recipient], raw)
        return Trial(attempt.replies[recipient].is_success, (*attempt.dialogue, *session.leave()))
    except InDoubt as doubt:
        doubt.details["dialogue"] = "\n".join(doubt.attempt.dialogue)
        raise
    finally:
        session.close()


def result_of_test(tried: Trial, sender: str, recipient: str, host: str, seconds: float) -> Check:
    facts = {"sender": sender, "recipient": recipient}
    if tried.ok:
        text = gettext(
            "The server took the mail from %(sender)s to %(recipient)s. It should be in your mailbox in a moment."
        )
        return Check(True, text % facts, said=tried.said, host=host, seconds=seconds)
    what = gettext("The server refused the mail from %(sender)s to %(recipient)s.")
    remedy = gettext("Read its words below. Often it lets this user send from certain addresses only.")
    return Check(False, what % facts, remedy, tried.said, host, problem=Problem.rejected.value)


def place_of(channel: Channel) -> str:
    provider = provider_of(channel)
    return provider.name if provider else channel.host


def patient_session(endpoint: Endpoint) -> smtp.SmtpSession:
    return smtp.SmtpSession(patient(endpoint), final_reply_timeout=FINAL_REPLY_SECONDS)


def where(account: Mailbox | Channel) -> str:
    return f"{account.host}:{account.port}"


def test_mail(sender: str, agent: Agent) -> bytes:
    return compose(
        Draft(
            author=MailAddress("Postvak", sender),
            to=(MailAddress(agent.name, agent.email),),
            subject=gettext("Test mail from Postvak"),
            text=gettext("This mail shows that Postvak can send. Nobody has to do anything."),
            message_id=f"test.{secrets.token_hex(8)}@{sender.rpartition('@')[2]}",
            date=timezone.now(),
        )
    )

"""A mail that is sent to try a channel out, past the outbox: what the other side said about it, whole."""

from dataclasses import dataclass

from anymail.exceptions import AnymailError

from postvak.models import Channel
from postvak.send.provider_answers import Answer, answer_of
from postvak.send.provider_mail import People, make_mail
from postvak.send.provider_session import UNEXPECTED, ProviderChannel

REFUSED = {"invalid", "rejected", "failed"}


@dataclass(frozen=True, slots=True)
class Trial:
    """Was the mail taken, and in which words? A text, or lines of a dialogue."""

    ok: bool
    said: str | tuple[str, ...]


def try_provider(channel: Channel, raw: bytes, recipient: str) -> Trial:
    """One request to the provider's API, with its answer. Raises ConnectionProblem, CannotOpen."""
    with ProviderChannel(channel) as session:
        letter = make_mail(raw, People(to=(recipient,)), session.provider, envelope_from="")
        try:
            session.backend.send_messages([letter])
        except AnymailError as error:
            return Trial(False, session.clean(answer_of(error).said))
        except UNEXPECTED as error:
            return Trial(False, f"The answer makes no sense ({type(error).__name__}).")
        status = letter.anymail_status
        refused = REFUSED & {str(one.status) for one in status.recipients.values()}
        return Trial(not refused, session.clean(Answer.of_response(status.esp_response).said))

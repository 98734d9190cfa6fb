"""What of a mail is looked at: the writer's own words, the subject, his domain, and our address that he wrote to. Spec 08.

The same of a mail that comes in and of one on an old ticket, so that what was learned fits what is asked. Only what is stored is looked
at: of an encrypted mail no more than its queue keeps (process.plan.Facts.kept).
"""

from collections.abc import Iterable, Iterator

from postvak.classify.text import Text
from postvak.learn.school import with_signs
from postvak.learn.values import SPAM_TARGET
from postvak.mail.quotes import reply_text
from postvak.trust.hops import is_of_the_house, parts_of

LONGEST = 20_000  # letters; what comes later says little about the subject
HOPS = 2000  # letters of a Received line
Headers = Iterable[tuple[str, str]]


def text_of(*, subject: str, text: str, sender: str, recipient: str) -> Text:
    """`sender` wrote it to `recipient` of ours ("" when unknown). Who only passes a mail on has no words of his own: then all count."""
    beginning = text[:LONGEST]
    return Text(subject=subject, body=reply_text(beginning, "") or beginning, sender=sender, recipient=recipient)


def fit_for(target: str, text: Text, headers: Headers, *, level: str, is_trusted: bool) -> Text:
    """For spam with signs besides the words: what servers before us said, and `level` of the sender (trust.values.Level, "": unknown).
    `is_trusted`: the mailbox gets mail only from servers that are trusted."""
    if target != SPAM_TARGET:
        return text
    signed = with_signs(text, headers if is_trusted else trusted(headers))
    return Text(
        subject=signed.subject,
        body=signed.body,
        sender=signed.sender,
        recipient=signed.recipient,
        signs=(*signed.signs, *([f"sender {level}"] if level else [])),
    )


def trusted(headers: Headers) -> Iterator[tuple[str, str]]:
    """Lines that our own servers put on top: those above the hand-over by a strange one, who can write below it what he likes."""
    for name, value in headers:
        if name.lower() == "received" and not is_of_the_house(*parts_of(value[:HOPS])):
            return
        yield name, value

"""A message, with what is searched of its ticket, its customer and its files, becomes lexemes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from postvak.mail.lexemes import Lexemes, Writer
from postvak.mail.words import ALL, folded_words, languages_of
from postvak.models import Attachment, AttachmentText, CustomerAddress, ExternalReference, Message, Ticket

Key = TypeVar("Key")
Value = TypeVar("Value")
SHORTEST_END = 3
LONGEST_END = 8


@dataclass(frozen=True, slots=True)
class Content:
    """A message and what stands elsewhere. `numbers`: the ticket's own, then those that lead to it."""

    message: Message
    people: tuple[str, ...]
    numbers: tuple[str, ...]
    files: tuple[Attachment, ...]
    file_texts: tuple[str, ...]


def gather(keys: Sequence[int]) -> list[Content]:
    """The messages with these keys, as far as they are there; the number of queries is always the same."""
    messages = list(
        Message.objects.filter(pk__in=keys)
        .select_related("ticket__customer__organisation", "ticket__organisation")
        .defer("references")
        .order_by("pk")
    )
    files = grouped((file.message_id, file) for file in Attachment.objects.filter(message__in=keys))
    texts = AttachmentText.objects.filter(attachment__message__in=keys, state=AttachmentText.State.READ)
    file_texts = grouped(texts.order_by("pk").values_list("attachment__message_id", "text"))
    tickets = {message.ticket_id for message in messages}
    references = ExternalReference.objects.filter(ticket__in=tickets).order_by("pk")
    merged = Ticket.objects.filter(merged_into__in=tickets).order_by("pk")
    numbers = grouped([*references.values_list("ticket_id", "value"), *merged.values_list("merged_into_id", "number")])
    customers = {message.ticket.customer_id for message in messages if message.ticket.customer_id}
    emails = grouped(CustomerAddress.objects.filter(customer__in=customers).values_list("customer_id", "email"))
    return [
        Content(
            message,
            people_of(message, emails),
            (message.ticket.number, *numbers[message.ticket_id]),
            tuple(files[message.pk]),
            tuple(file_texts[message.pk]),
        )
        for message in messages
    ]


def grouped(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, list[Value]]:
    found: defaultdict[Key, list[Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def people_of(message: Message, emails: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    """Requester and organisation of the ticket: a note is found by the name of the customer that it is about."""
    ticket = message.ticket
    customer = ticket.customer
    if customer is None:
        return (ticket.organisation.name,) if ticket.organisation else ()
    organisation = ticket.organisation or customer.organisation
    names = [customer.name, *emails[customer.pk]]
    return (*names, *([organisation.name, organisation.number] if organisation else []))


def lexemes_of(content: Content) -> Lexemes:
    """What matters most comes first: only so many words have a place (mail.lexemes.MOST_PLACES)."""
    message, ticket = content.message, content.message.ticket
    titles = list(dict.fromkeys([message.subject, ticket.subject]))
    folded = folded_words(f"{message.subject} {message.text[:4000]}")
    languages = languages_of(folded)
    writer = Writer.empty()
    for title in titles:
        writer.write(title, languages, "s")
    writer.write(f"{message.author_name} {message.author_email}", ALL, "f")
    writer.write(message.text, languages)
    for name in content.people:
        writer.write(name, ALL)
    for number in content.numbers[1:]:
        writer.write(number, ())
    for file in content.files:
        writer.write(file.name, languages)
    for name, email in [*message.to, *message.cc]:
        writer.write(f"{name} {email}", ALL, "t")
    for text in content.file_texts:
        writer.write(text, languages_of(folded_words(text[:4000])))
    if any(not file.is_inline for file in content.files):
        writer.forms.add("h_attachment")
    writer.forms |= {f"n_{part}" for number in content.numbers for part in parts_of_number(number)}
    return writer.lexemes()


def parts_of_number(number: str) -> set[str]:
    """What a number is found by: the whole, its ends, and from each of its parts on ("RMA-2026-118": 2026118)."""
    words = folded_words(number)
    whole = "".join(words)
    tails = {"".join(words[place:]) for place in range(len(words))} | set(words)
    return tails | {whole[-size:] for size in range(SHORTEST_END, LONGEST_END + 1) if size < len(whole)}

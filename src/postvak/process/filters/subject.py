"""Subject: one mail as filters see it. Values are read when a condition first asks, and kept for the others."""

from collections.abc import Callable

from postvak.mail.addresses import normalise
from postvak.process.controls import FOLLOW_UP, computed, control_of, is_computed
from postvak.process.plan import Facts, KnownTicket, Wishes

LOOKED_AT = 1_000_000  # characters of one value: enough for every rule, and a bound for hostile mails
Values = tuple[str, ...]
Raws = tuple[bytes, ...]


class Subject:
    """`ticket`: the one that the mail would join. `wishes` changes while filters run; values of it are never kept.

    `texts` by form and key, `raws` by key: what was read already. Forms are "text" (as it is), "folded" (for comparing
    without regard to letter case) and "emails" (bare addresses).
    """

    __slots__ = ("_headers", "facts", "raws", "texts", "ticket", "wishes")

    def __init__(self, facts: Facts, ticket: KnownTicket | None, wishes: Wishes) -> None:
        self.facts = facts
        self.ticket = ticket
        self.wishes = wishes
        self.texts: dict[tuple[str, str], Values] = {}
        self.raws: dict[str, Raws] = {}
        self._headers: dict[str, list[str]] | None = None

    def text(self, form: str, key: str, read: "Read") -> Values:
        found = self.texts.get(("text", key))
        if found is None:
            found = self.texts["text", key] = bounded(read(self))
        if form != "text":
            found = self.texts[form, key] = in_form(form, found)
        return found

    def raw(self, key: str, read: "Read") -> Raws:
        """UTF-8, which is what RE2 works on; encoded once for all expressions on the field."""
        found = self.raws[key] = encoded(self.text("text", key, read))
        return found

    def header(self, name: str) -> Values:
        """All values of a header; a control header is what trusted headers and earlier filters set, or we computed."""
        control = control_of(name)
        if is_computed(control):
            number = self.ticket.number if self.ticket else ""
            return (computed(self.facts.mail, number)[control.removeprefix(FOLLOW_UP)],)
        if control:
            return tuple(wish.value for wish in self.wishes.get(control, ()))
        if self._headers is None:
            self._headers = {}
            for key, value in self.facts.mail.headers:
                self._headers.setdefault(key.lower(), []).append(value)
        return tuple(self._headers.get(name.lower(), ()))


Read = Callable[[Subject], Values]


def bounded(values: Values) -> Values:
    """What is absent counts as one empty value: "is empty" and negated conditions are true for it."""
    return tuple(value[:LOOKED_AT] for value in values) or ("",)


def in_form(form: str, values: Values) -> Values:
    if form == "folded":
        return tuple(value.casefold() for value in values)
    return tuple(bare(value) for value in values) if form == "emails" else values


def encoded(values: Values) -> Raws:
    return tuple(value.encode("utf-8", "replace") for value in values)


def bare(value: str) -> str:
    """The e-mail address of "Name <email>"."""
    return normalise(value.rpartition("<")[2].rstrip("> ").strip())

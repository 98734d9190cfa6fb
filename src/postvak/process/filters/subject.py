"""Subject: one mail as filters see it. Values are read when a condition first asks, and kept for the others."""

from postvak.process.controls import FOLLOW_UP, computed, control_of, is_computed
from postvak.process.plan import Facts, KnownTicket, Wishes

LOOKED_AT = 1_000_000  # characters of one value: enough for every rule, and a bound for hostile mails


class Subject:
    """`ticket`: the one that the mail would join. `wishes` changes while filters run; values of it are not kept."""

    __slots__ = ("_folded", "_raw", "_texts", "facts", "ticket", "wishes")

    def __init__(self, facts: Facts, ticket: KnownTicket | None, wishes: Wishes) -> None:
        self.facts = facts
        self.ticket = ticket
        self.wishes = wishes
        self._texts: dict[str, tuple[str, ...]] = {}
        self._folded: dict[str, tuple[str, ...]] = {}
        self._raw: dict[str, tuple[bytes, ...]] = {}

    def keep(self, key: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """What is absent counts as one empty value: "is empty" and negated conditions are true for it."""
        found = tuple(value[:LOOKED_AT] for value in values) or ("",)
        self._texts[key] = found
        return found

    def kept(self, key: str) -> tuple[str, ...] | None:
        return self._texts.get(key)

    def folded(self, key: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """For comparing without regard to letter case."""
        found = self._folded.get(key)
        if found is None:
            found = self._folded[key] = tuple(value.casefold() for value in values)
        return found

    def raw(self, key: str, values: tuple[str, ...]) -> tuple[bytes, ...]:
        """UTF-8, which is what RE2 works on; encoded once for all expressions on the field."""
        found = self._raw.get(key)
        if found is None:
            found = self._raw[key] = tuple(value.encode("utf-8", "replace") for value in values)
        return found

    def forget(self, key: str) -> None:
        """A value changed."""
        for kept in (self._texts, self._folded, self._raw):
            kept.pop(key, None)

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header; a control header is what trusted headers and earlier filters set, or we computed."""
        control = control_of(name)
        if is_computed(control):
            number = self.ticket.number if self.ticket else ""
            return (computed(self.facts.mail, number)[control.removeprefix(FOLLOW_UP)],)
        if control:
            return tuple(wish.value for wish in self.wishes.get(control, ()))
        wanted = name.lower()
        return tuple(value for key, value in self.facts.mail.headers if key.lower() == wanted)

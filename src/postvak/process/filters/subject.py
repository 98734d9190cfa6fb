"""Subject: one mail as filters see it. Values are read when a condition first asks, and kept for the others."""

from collections.abc import Callable

from postvak.conditions.field import Values, bounded, encoded, in_form
from postvak.process.controls import FOLLOW_UP, computed, control_of, is_computed
from postvak.process.plan import Facts, KnownTicket, Wishes

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
            decrypted = self.facts.mail.text if self.facts.is_decrypted else ""
            return (computed(self.facts.mail, number, decrypted)[control.removeprefix(FOLLOW_UP)],)
        if control:
            return tuple(wish.value for wish in self.wishes.get(control, ()))
        if self._headers is None:
            self._headers = {}
            for key, value in self.facts.mail.headers:
                self._headers.setdefault(key.lower(), []).append(value)
        return tuple(self._headers.get(name.lower(), ()))


Read = Callable[[Subject], Values]

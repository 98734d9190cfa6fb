"""What a browser would send when somebody opens a page with a form and presses its button."""

from html.parser import HTMLParser

Fields = dict[str, list[str]]


class FormReader(HTMLParser):
    """The fields of each form that is posted, with their present values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Fields] = []
        self.current: Fields | None = None
        self.select = ""
        self.chosen: list[str] = []
        self.first: str | None = None
        self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.current = {} if facts.get("method") == "post" else None
            if self.current is not None:
                self.forms.append(self.current)
        elif self.current is not None and "disabled" not in facts:
            self.field(tag, facts)

    def field(self, tag: str, facts: dict[str, str]) -> None:
        assert self.current is not None
        name = facts.get("name", "")
        if tag == "input" and name:
            kind = facts.get("type", "text")
            if kind in {"radio", "checkbox"} and "checked" not in facts or kind in {"submit", "file"}:
                return
            value = facts.get("value", "on" if kind == "checkbox" else "")
            self.current.setdefault(name, []).append(value)
        elif tag == "select":
            self.select, self.chosen, self.first = name, [], None
            self.is_multiple = "multiple" in facts
        elif tag == "option" and self.select:
            value = facts.get("value", "")
            self.first = value if self.first is None else self.first
            if "selected" in facts:
                self.chosen.append(value)
        elif tag == "textarea" and name:
            self.area = name
            self.current.setdefault(name, []).append("")

    def handle_data(self, data: str) -> None:
        if self.area and self.current is not None:
            self.current[self.area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.current = None
        elif tag == "textarea":
            if self.area and self.current is not None:
                self.current[self.area][-1] = self.current[self.area][-1].removeprefix("\n")
            self.area = ""
        elif tag == "select" and self.current is not None and self.select:
            values = self.chosen if self.is_multiple else (self.chosen or [self.first or ""])[:1]
            self.current.setdefault(self.select, []).extend(values)
            self.select = ""


def filled(html: str) -> Fields:
    """Of the largest form that is posted."""
    reader = FormReader()
    reader.feed(html)
    return max(reader.forms, key=len)

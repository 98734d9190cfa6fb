"""Filters as a file: JSON `{"filters": [...]}` and TOML `[[filter]]`; each is the form of draft.py. docs/filters.md.

Reading what was written gives equal drafts. TOML has no null: there a filter without `mailboxes` is for all of them.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum

import tomlkit
from tomlkit.items import InlineTable, Item, Table

from postvak.conditions.condition import Malformed
from postvak.process.filters.draft import Draft


class Form(StrEnum):
    json = "json"
    toml = "toml"


MAY_BE_LEFT_OUT = {"value", "on"}


def written(drafts: Iterable[Draft], form: Form) -> str:
    if form is Form.json:
        return json.dumps({"filters": [draft.as_json() for draft in drafts]}, indent=2, ensure_ascii=False) + "\n"
    document = tomlkit.document()
    tables = tomlkit.aot()
    for draft in drafts:
        tables.append(table_of(draft))
    document.append("filter", tables)
    return tomlkit.dumps(document) if tables else ""


def table_of(draft: Draft) -> Table:
    table = tomlkit.table()
    for key, value in draft.as_json().items():
        if isinstance(value, list) and key != "mailboxes":
            rows = tomlkit.array().multiline(True)
            for row in value:
                rows.append(row_of(row))
            table.append(key, rows)
        elif value is not None:
            table.append(key, text_of(value, may_break=True) if isinstance(value, str) else tomlkit.item(value))
    return table


def row_of(row: Mapping[str, object]) -> InlineTable:
    """Without what people leave out, too: an empty value, the usual "on", "not" = false."""
    inline = tomlkit.inline_table()
    for key, value in row.items():
        if isinstance(value, str):
            if value or key not in MAY_BE_LEFT_OUT:
                inline.append(key, text_of(value))
        elif value:
            inline.append(key, value)
    return inline


def text_of(value: str, *, may_break: bool = False) -> Item:
    """In '…' where that saves doubled backslashes: expressions stay readable. Comments of several lines stay lines."""
    is_plain = "\\" in value and "'" not in value and value.isprintable()
    lines = value.split("\n")
    has_lines = (
        may_break and len(lines) > 1 and bool(lines[0]) and all(not line or line.isprintable() for line in lines)
    )
    return tomlkit.string(value, literal=is_plain, multiline=has_lines)


def drafts_of(data: object) -> tuple[Draft, ...]:
    """Of what was JSON or TOML: {"filters": […]}, {"filter": […]}, a list, or one filter. Raises Malformed."""
    if isinstance(data, Mapping):
        listed = data.get("filters", data.get("filter", [data]))
        strange = set(data) - {"filters", "filter"} if listed != [data] else set()
        if strange:
            raise Malformed(f"the file has unknown {', '.join(sorted(map(str, strange)))}")
    else:
        listed = data
    if not isinstance(listed, list):
        raise Malformed("a list of filters is needed")
    return tuple(map(Draft.from_json, listed))


def is_ours(data: object) -> bool:
    """Does it look like our form, right or wrong?"""
    if isinstance(data, Mapping):
        return "filters" in data or "filter" in data or {"name", "conditions"} <= set(data)
    return isinstance(data, list) and any(isinstance(item, Mapping) and "conditions" in item for item in data)


def read_toml(text: str) -> object | None:
    """None if it is no TOML."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def read_json(text: str) -> object | None:
    """None if it is no JSON."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found

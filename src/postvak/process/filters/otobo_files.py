"""Files that OTOBO, Znuny, OTRS and database tools write, read into OldFilters. NOT HERE: what they mean (otobo.py).

Forms: rows of the table postmaster_filter as SQL, CSV or JSON; Znuny's export of filters and OTOBO's export of the
configuration as YAML; the JSON of the package PostMasterFilterImportExport.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import yaml

PREFIX = "PostMaster::PreFilterModule"
TABLE = "postmaster_filter"
Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class OldRow:
    key: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OldFilter:
    """`match` and `set` in the order in which OTOBO reads them. `module`: of a filter that stands in the configuration,
    '' for one of the table."""

    name: str
    match: tuple[OldRow, ...]
    set: tuple[OldRow, ...]
    stop: bool = False
    is_valid: bool = True
    module: str = ""


@dataclass(slots=True)
class Rows:
    """What was read of one filter so far."""

    stop: bool = False
    match: list[OldRow] = field(default_factory=list)
    set: list[OldRow] = field(default_factory=list)


class BadFile(ValueError):
    """It has not the form that it seems to have; the text says where."""


class Words(yaml.SafeLoader):
    """Everything but null is text: Perl writes `yes` and `2026-01-01` without quotation marks, and means words."""


Words.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in found if tag == "tag:yaml.org,2002:null"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def data_of_yaml(text: str) -> object:
    """Raises BadFile."""
    try:
        return yaml.load(text, Loader=Words)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadFile(" ".join(str(error).split())) from error


def rows_of_csv(text: str) -> list[dict[str, str]]:
    """Raises BadFile."""
    head = text.lstrip().split("\n", 1)[0]
    separator = max(",;\t|", key=head.count)
    try:
        read = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=separator, strict=True)
        names = [name.strip().lower() for name in next(read)]
        return [dict(zip(names, values, strict=False)) for values in read if any(values)]
    except csv.Error as error:
        raise BadFile(str(error)) from error


def is_csv(text: str) -> bool:
    head = text.lstrip().split("\n", 1)[0].lower()
    return all(name in head for name in ("f_name", "f_type", "f_key", "f_value")) and "(" not in head


def filters_of_rows(rows: Iterable[Mapping[Name, object]]) -> list[OldFilter]:
    """Rows with the same name are one filter. Raises BadFile for rows of another table."""
    found: dict[str, Rows] = {}
    for number, row in enumerate(rows, 1):
        small = {str(name).lower(): value for name, value in row.items()}
        kind = word(small.get("f_type")).strip().lower()
        if "f_name" not in small or kind not in {"match", "set"}:
            raise BadFile(f"row {number}")
        kept = found.setdefault(word(small["f_name"]), Rows())
        kept.stop = kept.stop or is_true(small.get("f_stop"))
        rows_of_kind = kept.match if kind == "match" else kept.set
        rows_of_kind.append(OldRow(word(small.get("f_key")), word(small.get("f_value")), is_true(small.get("f_not"))))
    return [OldFilter(name, in_order(kept.match), in_order(kept.set), kept.stop) for name, kept in found.items()]


def in_order(rows: Iterable[OldRow]) -> tuple[OldRow, ...]:
    """By key, then value: the order in which OTOBO reads them from its table, whatever was typed first."""
    return tuple(sorted(rows, key=lambda row: (row.key.casefold(), row.value.casefold())))


def word(value: object) -> str:
    """JSON and YAML have numbers and null where the table has text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def is_true(value: object) -> bool:
    return word(value).strip().lower() not in {"", "0", "f", "false", "no", "null", "\\n"}


def filters_of_data(data: object) -> list[OldFilter]:
    """Of what was JSON or YAML; empty when nothing in it looks like filters. Raises BadFile."""
    if isinstance(data, Mapping):
        return filters_of_mapping(data)
    found = [item for item in data if isinstance(item, Mapping)] if isinstance(data, list) else []
    if any("f_name" in lower(item) for item in found):
        return filters_of_rows(found)
    tables = [item for item in found if item.get("type") == "table" and item.get("name") == TABLE]  # phpMyAdmin
    if tables:
        return filters_of_rows(row for table in tables for row in mappings(table.get("data")))
    return [exported(item) for item in found if "Name" in item and ("Match" in item or "Set" in item)]


def filters_of_mapping(data: Mapping[object, object]) -> list[OldFilter]:
    if isinstance(data.get(TABLE), list):
        return filters_of_rows(mappings(data[TABLE]))
    if isinstance(data.get("Filters"), list):
        return [
            packaged(word(item.get("Name")), item.get("Entries"), item.get("Stop"))
            for item in mappings(data["Filters"])
        ]
    if "Name" in data and ("Match" in data or "Set" in data):
        return [exported(data)]
    if data and all(isinstance(entries, list) and is_packaged(entries) for entries in data.values()):
        return [packaged(word(name), entries, None) for name, entries in data.items()]
    return [configured(key, settings) for key, settings in modules_in(data)]


def lower(item: Mapping[object, object]) -> set[str]:
    return {str(name).lower() for name in item}


def mappings(data: object) -> list[Mapping[object, object]]:
    """The objects of a list."""
    return [item for item in data if isinstance(item, Mapping)] if isinstance(data, list) else []


def is_packaged(entries: Sequence[object]) -> bool:
    return bool(entries) and all(isinstance(entry, Mapping) and {"Type", "Key"} <= set(entry) for entry in entries)


def packaged(name: str, entries: object, stop: object) -> OldFilter:
    """{Stop, Entries: [{Type, Key, Value, Not}]}"""
    rows = [
        {
            "f_name": name,
            "f_stop": entry.get("Stop", stop),
            "f_type": entry.get("Type"),
            "f_key": entry.get("Key"),
            "f_value": entry.get("Value"),
            "f_not": entry.get("Not"),
        }
        for entry in mappings(entries)
    ]
    found = filters_of_rows(rows)
    return found[0] if found else OldFilter(name, (), (), is_true(stop))


def exported(item: Mapping[object, object]) -> OldFilter:
    """Znuny: {Name, StopAfterMatch, Match: [{Key, Value}], Not: [{Key, Value}], Set: [{Key, Value}]}"""
    match = listed(item.get("Match"), item.get("Not"))
    return OldFilter(
        word(item.get("Name")), in_order(match), in_order(listed(item.get("Set"))), is_true(item.get("StopAfterMatch"))
    )


def listed(data: object, negations: object = None) -> tuple[OldRow, ...]:
    """Either [{Key, Value, Not}] or {key: value}; `negations` has the same order, or the same keys."""
    if isinstance(data, Mapping):
        negated = negations if isinstance(negations, Mapping) else {}
        return tuple(OldRow(word(key), word(value), is_true(negated.get(key))) for key, value in data.items())
    flags = [is_true(item.get("Value")) for item in mappings(negations)]
    rows = mappings(data)
    return tuple(
        OldRow(word(row.get("Key")), word(row.get("Value")), is_true(row.get("Not")) or flag)
        for row, flag in zip(rows, [*flags, *[False] * len(rows)], strict=False)
    )


def modules_in(data: Mapping[object, object]) -> Iterator[tuple[str, Mapping[object, object]]]:
    """(key, settings) of filters in an export of the configuration: `PostMaster::PreFilterModule###1-Match`, wherever
    in it. Each mapping is looked at once, however often an alias names it."""
    waiting, seen = [data], {id(data)}
    while waiting:
        for key, value in waiting.pop().items():
            if not isinstance(value, Mapping) or id(value) in seen:
                continue
            seen.add(id(value))
            name = word(key)
            if name.startswith(PREFIX + "###"):
                yield name[len(PREFIX) + 3 :], value
            elif name == PREFIX:
                yield from ((word(inner), found) for inner, found in value.items() if isinstance(found, Mapping))
            else:
                waiting.append(value)


def configured(key: str, settings: Mapping[object, object]) -> OldFilter:
    """Match and Set as in the configuration, in the order of their keys."""
    value = settings.get("EffectiveValue", settings)
    found = value if isinstance(value, Mapping) else {}
    return OldFilter(
        key,
        in_order(listed(found.get("Match"))),
        in_order(listed(found.get("Set"))),
        is_true(found.get("StopAfterMatch")),
        is_valid=is_true(settings.get("IsValid", "1")),
        module=word(found.get("Module")).rpartition("::")[2] or "Match",
    )

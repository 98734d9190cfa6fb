"""The search of the communication log on SQLite: FTS5 gives steps in the order of their keys, without sorting."""

import json
from collections.abc import Iterable, Sequence

from django.db import connection

from postvak.log.talk_ways import ESCAPES, Way
from postvak.models.talk_triggers import DEBUG

Part = tuple[str, list[str | int]]


def find(ways: Sequence[Way], newest: int) -> tuple[set[int], bool]:
    """(communications, there are more): from so many of the newest steps of each way."""
    parts = [in_parameters(way, newest) if way.words else with_code(way.codes[0], newest) for way in ways]
    each = " UNION ALL ".join(
        f"SELECT id, {place} AS way FROM ({sql}) AS way{place}"  # noqa: S608
        for place, (sql, _values) in enumerate(parts)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT o.communication_id, hits.way, count(*) FROM ({each}) AS hits"  # noqa: S608
            " JOIN postvak_communicationentry e ON e.id = hits.id"
            " JOIN postvak_communicationobject o ON o.id = e.about_id GROUP BY 1, 2",
            [value for _sql, values in parts for value in values],
        )
        found = cursor.fetchall()
    counts: dict[int, int] = {}
    for _key, way, number in found:
        counts[way] = counts.get(way, 0) + number
    return {key for key, _way, _number in found}, any(number >= newest for number in counts.values())


def with_code(code: str, newest: int) -> Part:
    sql = (
        "SELECT id FROM (SELECT id FROM postvak_communicationentry WHERE code = %s AND priority > %s"
        " ORDER BY id DESC LIMIT %s) AS newest"
    )
    return sql, [code, DEBUG, newest]


def in_parameters(way: Way, newest: int) -> Part:
    coded = f" AND e.code IN ({', '.join(['%s'] * len(way.codes))})" if way.codes else ""
    join = " JOIN postvak_communicationentry e ON e.id = w.rowid" if way.codes else ""
    sql = f"SELECT w.rowid AS id FROM postvak_talkwords w{join} WHERE w.postvak_talkwords MATCH %s{coded}"  # noqa: S608
    order = " ORDER BY w.rowid DESC LIMIT %s"
    return f"SELECT id FROM ({sql}{order}) AS newest", [as_fts5(way.words), *way.codes, newest]  # noqa: S608


def as_fts5(words: Iterable[str]) -> str:
    """What stands in the JSON text; it escapes what isn't ASCII, so that capitals beyond ASCII are spelt out."""
    return " AND ".join(f"({' OR '.join(quoted(form) for form in forms_of(word))})" for word in words)


def forms_of(word: str) -> list[str]:
    spellings = [word] if word.isascii() else [word, word.lower(), word.upper(), word.capitalize()]
    plain = [json.dumps(one)[1:-1] for one in dict.fromkeys(spellings)]
    return [*plain, *(letter + one for letter in ESCAPES for one in plain if one[0].isalnum())]


def quoted(form: str) -> str:
    return '"{}"*'.format(form.replace('"', '""'))

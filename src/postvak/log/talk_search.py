"""Search in the communication log: which communications have a step with all these words, in its sentence as the reader sees it
or in its parameters, where the server's own words stand.

Steps of the level debug are not searched: their words are not indexed. Of words that stand everywhere the newest steps are found.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from postvak.models.talk_triggers import DEBUG

NEWEST = 5000  # steps of each way to be found
MOST_WORDS = 5
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%%")
WORD = re.compile(r"[^\W_]+")
ESCAPES = "nrt"  # JSON writes a new line as \n: its letter sticks to the word behind it
SQL = str
Part = tuple[SQL, list[str | int]]


@dataclass(frozen=True, slots=True)
class Hits:
    """`keys`: of communications. `is_cut`: there are more in older steps."""

    keys: Sequence[int]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a code reads, placeholders and all. `needs`: the parameters with which it reads so; "": with any."""

    code: str
    words: str
    needs: str = ""


def communications_with(text: str, sentences: Iterable[Spoken]) -> Hits | None:
    """None: nothing to look for was typed. `sentences`: in the reader's language."""
    words = [word for word in text.split() if WORD.search(word)][:MOST_WORDS]
    if not words:
        return None
    ways = ways_to(words, sentences)
    each = " UNION ALL ".join(
        f"SELECT id, {place} AS way FROM ({sql}) AS way{place}"  # noqa: S608
        for place, (sql, _values) in enumerate(ways)
    )
    parameters = [value for _sql, values in ways for value in values]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT o.communication_id, hits.way, count(*) FROM ({each}) AS hits"  # noqa: S608
            " JOIN postvak_communicationentry e ON e.id = hits.id"
            " JOIN postvak_communicationobject o ON o.id = e.about_id GROUP BY 1, 2",
            parameters,
        )
        found = cursor.fetchall()
    counts: dict[int, int] = {}
    for _key, way, number in found:
        counts[way] = counts.get(way, 0) + number
    return Hits(sorted({key for key, _way, _number in found}), any(number >= NEWEST for number in counts.values()))


def ways_to(words: Sequence[str], sentences: Iterable[Spoken]) -> list[Part]:
    """A step is found when what its sentence doesn't say stands in its parameters."""
    ways = [in_parameters(words, ())]
    for (said, needs), codes in by_what_is_said(words, sentences).items():
        left = [*(word for word in words if word not in said), *([needs] if needs else [])]
        ways += [in_parameters(left, codes)] if left else [with_code(code) for code in codes]
    return ways


def by_what_is_said(words: Iterable[str], sentences: Iterable[Spoken]) -> dict[tuple[frozenset[str], str], list[str]]:
    """(those of the words that a sentence says, what it needs) -> the codes of such sentences; others are left out."""
    wanted = [(word, folded(word)) for word in words]
    found: dict[tuple[frozenset[str], str], list[str]] = {}
    for sentence in sentences:
        heard = words_of(sentence.words)
        said = frozenset(word for word, parts in wanted if begins_in(parts, heard))
        if said:
            found.setdefault((said, sentence.needs), []).append(sentence.code)
    return found


def words_of(sentence: str) -> list[str]:
    return folded(PLACEHOLDER.sub(" ", sentence))


def folded(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def begins_in(parts: Sequence[str], spoken: Collection[str]) -> bool:
    """Each part of what was typed is the beginning of a word."""
    return all(any(word.startswith(part) for word in spoken) for part in parts)


# -- as the databases are asked -----------------------------------------------------------------


def with_code(code: str) -> Part:
    sql = (
        "SELECT id FROM (SELECT id FROM postvak_communicationentry WHERE code = %s AND priority > %s"
        " ORDER BY id DESC LIMIT %s) AS newest"
    )
    return sql, [code, DEBUG, NEWEST]


def in_parameters(words: Sequence[str], codes: Sequence[str]) -> Part:
    """All words in the parameters of one step; with codes: of such a step."""
    coded = f" AND e.code IN ({', '.join(['%s'] * len(codes))})" if codes else ""
    if connection.vendor == "sqlite":
        join = " JOIN postvak_communicationentry e ON e.id = w.rowid" if codes else ""
        sql = f"SELECT w.rowid AS id FROM postvak_talkwords w{join} WHERE w.postvak_talkwords MATCH %s{coded}"  # noqa: S608
        order, wanted = " ORDER BY w.rowid DESC LIMIT %s", as_fts5(words)
        return f"SELECT id FROM ({sql}{order}) AS newest", [wanted, *codes, NEWEST]  # noqa: S608
    sql = (
        "SELECT e.id FROM postvak_communicationentry e WHERE e.priority > 10"  # noqa: S608 - as the index has it
        f" AND postvak_talk_words(e.parameters) @@ to_tsquery('simple', %s){coded} ORDER BY e.id DESC LIMIT %s"
    )
    return f"SELECT id FROM ({sql}) AS newest", [as_tsquery(words), *codes, NEWEST]  # noqa: S608


def as_fts5(words: Iterable[str]) -> str:
    """What stands in the JSON text; it escapes what isn't ASCII, so that capitals beyond ASCII are spelt out."""
    return " AND ".join(f"({' OR '.join(quoted(form) for form in forms_of(word))})" for word in words)


def forms_of(word: str) -> list[str]:
    spellings = [word] if word.isascii() else [word, word.lower(), word.upper(), word.capitalize()]
    plain = [json.dumps(one)[1:-1] for one in dict.fromkeys(spellings)]
    return [*plain, *(letter + one for letter in ESCAPES for one in plain if one[0].isalnum())]


def quoted(form: str) -> str:
    return '"{}"*'.format(form.replace('"', '""'))


def as_tsquery(words: Iterable[str]) -> str:
    return " & ".join(
        f"({' | '.join(phrase(form) for form in ['', *ESCAPES] for form in [form + word])})" for word in words
    )


def phrase(form: str) -> str:
    """Letters and digits only: nothing that was typed can be the syntax of a query."""
    return " <-> ".join(f"'{part}'" for part in WORD.findall(form.lower())) + ":*"

"""The search of the communication log on PostgreSQL. The index of words gives steps in no order, and reading it takes as long as
there are steps with these words: so the newest steps are read one by one first. Words that stand in many of them are looked for no
further; of others the rarest one is asked of the index, and the steps that have it are read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from postvak.log.keys import Parameter, keys, keys_by_words
from postvak.log.talk_ways import ESCAPES, WORD, Way
from postvak.models.talk_triggers import DEBUG

NEAR = 4000  # newest steps that are read one by one
ENOUGH = 50  # so many of them have the words: these stand everywhere
FEW = 4000  # steps of the index that are read
FAR = 500_000  # steps of which the index is asked at once, at most, when there are more
WORDS = "postvak_talk_words(parameters)"
TABLE = "postvak_communicationentry"


@dataclass(slots=True)
class Near:
    """What the newest steps have of a way: `hits` of all its words, and how many hold each of its `single` words."""

    way: Way
    single: list[str]
    hits: list[int] = field(default_factory=list)
    holding: list[int] = field(default_factory=list)

    def rarest(self) -> tuple[int, str]:
        return min(zip(self.holding, self.single, strict=True))


def find(ways: Sequence[Way], newest: int) -> tuple[set[int], bool]:
    """(communications, there may be more): from so many of the newest steps of each way, or fewer."""
    edge = low_edge()
    steps, is_cut = set[int](), False
    for way in ways:
        if not way.words:
            found, is_more = with_code(way.codes[0], newest)
            steps.update(found)
            is_cut = is_cut or is_more
    for near in among_the_newest([Near(way, single_words(way)) for way in ways if way.words], edge):
        found, is_more = further_back(near, edge, newest)
        steps.update(found)
        is_cut = is_cut or is_more
    return communications_of(steps), is_cut


def low_edge() -> int:
    """The key that NEAR steps go back to; 0: there aren't so many."""
    found = keys(f"SELECT id FROM {TABLE} ORDER BY id DESC OFFSET %s LIMIT 1", [NEAR])  # noqa: S608
    return found[0] if found else 0


def among_the_newest(asked: list[Near], edge: int) -> list[Near]:
    """One reading for all ways."""
    queries = [query for near in asked for query in (as_tsquery(near.way.words), *near.single)]
    if not queries:
        return []
    answers = ", ".join(["words @@ to_tsquery('simple', %s)"] * len(queries))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH near AS MATERIALIZED (SELECT id, code, {WORDS} AS words FROM {TABLE} WHERE id >= %s AND priority > %s) "  # noqa: S608
            f"SELECT id, code, {answers} FROM near ORDER BY id DESC",
            [edge, DEBUG, *queries],
        )
        rows = cursor.fetchall()
    place = 2
    for near in asked:
        codes = near.way.codes
        near.hits = [row[0] for row in rows if row[place] and (not codes or row[1] in codes)]
        near.holding = [sum(row[place + number] for row in rows) for number in range(1, len(near.single) + 1)]
        place += 1 + len(near.single)
    return asked


def with_code(code: str, newest: int) -> tuple[list[int], bool]:
    sql = f"SELECT id FROM {TABLE} WHERE code = %s AND priority > %s ORDER BY id DESC LIMIT %s"  # noqa: S608
    found = keys(sql, [code, DEBUG, newest])
    return found, len(found) >= newest


def further_back(near: Near, edge: int, newest: int) -> tuple[list[int], bool]:
    if len(near.hits) >= min(newest, ENOUGH) or not edge:
        return near.hits[:newest], len(near.hits) >= newest or edge > 0
    number, rarest = near.rarest()
    codes = list(near.way.codes)
    sql = (
        f"SELECT id FROM {TABLE} WHERE priority > 10 AND {WORDS} @@ to_tsquery('simple', %s)"  # noqa: S608 - as the index has it
        f" AND ({WORDS} @@ to_tsquery('simple', %s)) IS TRUE"  # read from the step, not asked of the index
        f"{' AND code = ANY(%s)' if codes else ''} AND id >= %s AND id < %s LIMIT %s"
    )
    asked: list[Parameter] = [rarest, as_tsquery(near.way.words), *([codes] if codes else [])]
    if not number:
        all_of_them = keys_by_words(sql, [*asked, 0, edge, FEW])
        if len(all_of_them) < FEW:
            return all_of_them, False
    middle = max(edge - (min(NEAR * FEW // number, FAR) if number else FAR), 0)
    return [*near.hits, *keys_by_words(sql, [*asked, middle, edge, FEW])], middle > 0


def communications_of(steps: set[int]) -> set[int]:
    sql = (
        f"SELECT DISTINCT o.communication_id FROM {TABLE} e "  # noqa: S608
        "JOIN postvak_communicationobject o ON o.id = e.about_id WHERE e.id = ANY(%s)"
    )
    return set(keys(sql, [sorted(steps)]))


def as_tsquery(words: Iterable[str]) -> str:
    return " & ".join(f"({' | '.join(phrase(escape + word) for escape in ('', *ESCAPES))})" for word in words)


def single_words(way: Way) -> list[str]:
    """Each a query; a step that has all words has each of these."""
    found = []
    for word in way.words:
        first, *others = WORD.findall(word.lower())
        end = "" if others else ":*"
        found.append(" | ".join(f"'{escape}{first}'{end}" for escape in ("", *ESCAPES)))
        found += [f"'{part}'{':*' if part is others[-1] else ''}" for part in others]
    return found


def phrase(form: str) -> str:
    """Letters and digits only: nothing that was typed can be the syntax of a query."""
    return " <-> ".join(f"'{part}'" for part in WORD.findall(form.lower())) + ":*"

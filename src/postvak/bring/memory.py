"""What was taken over from a source, row by row (models.Imported): a second import goes on and doubles nothing."""

from collections.abc import Iterable, Mapping, Sequence

from postvak.bring.values import LeftOut
from postvak.mail.charsets import storable
from postvak.models import Imported

AT_ONCE = 400
LONGEST_KEY, LONGEST_SAID = 255, 1000


def found(source: str, kind: str, keys: Iterable[str]) -> dict[str, int]:
    """Foreign key -> the key of our row; 0: it was left out."""
    wanted, here = sorted(set(keys)), dict[str, int]()
    for start in range(0, len(wanted), AT_ONCE):
        rows = Imported.objects.filter(source=source, kind=kind, foreign_key__in=wanted[start : start + AT_ONCE])
        here.update(rows.values_list("foreign_key", "row_key"))
    return here


def all_of(source: str, kind: str) -> dict[str, int]:
    """For what there is little of: queues, agents, types."""
    return dict(Imported.objects.filter(source=source, kind=kind).values_list("foreign_key", "row_key"))


def keep(source: str, kind: str, keys: Mapping[str, int], *, job: int | None) -> None:
    """Write down what became of them. What was left out before and came now says so."""
    Imported.objects.bulk_create(
        [
            Imported(source=source, kind=kind, foreign_key=key[:LONGEST_KEY], row_key=row, job_id=job)
            for key, row in keys.items()
        ],
        update_conflicts=True,
        unique_fields=["source", "kind", "foreign_key"],
        update_fields=["row_key", "said", "job"],
    )


def keep_left_out(source: str, left: Sequence[LeftOut], *, job: int | None) -> None:
    """What is here keeps its row."""
    rows = {
        (one.kind, one.key): Imported(
            source=source,
            kind=one.kind,
            foreign_key=storable(one.key)[:LONGEST_KEY],
            said=storable(f"{one.code}: {one.detail}" if one.detail else one.code)[:LONGEST_SAID],
            job_id=job,
        )
        for one in left
    }
    here = {
        (kind, key)
        for kind in {kind for kind, _key in rows}
        for key, row in found(source, kind, [key for other, key in rows if other == kind]).items()
        if row
    }
    Imported.objects.bulk_create(
        [row for name, row in rows.items() if name not in here],
        update_conflicts=True,
        unique_fields=["source", "kind", "foreign_key"],
        update_fields=["said", "job"],
    )

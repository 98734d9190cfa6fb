"""A dump of a database as the source of an import: read once into the job's directory, with what of it can't be read."""

from collections.abc import Callable, Iterable, Sequence

from postvak.bring.dump import Row
from postvak.bring.staging import Staging, stage
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.jobs.queue import directory
from postvak.models import Job

STAGED = "source.sqlite3"


class NoTickets(ValueError):
    """The file has none of the tables that were expected."""


def staged(
    trip: Trip, wanted: Callable[[str], str], indexes: Iterable[tuple[str, str]] = ()
) -> tuple[Staging, list[Row]]:
    job, path = Job.objects.get(pk=trip.options.job or 0), trip.options.path
    trip.total = None
    return stage(
        path,
        directory(job) / STAGED,
        wanted,
        indexes,
        lambda place: trip.tell(done=place, total=path.stat().st_size, said="reading"),
    )


def say_broken(trip: Trip, source: str, broken: Sequence[Row]) -> None:
    """`table` "": the file ends in the middle of a statement."""
    trip.leave_out(
        source, [LeftOut("row", f"{row.table or 'end'}:{row.line}:{place}", "row") for place, row in enumerate(broken)]
    )

"""What must be true after soak.py: nothing lost, nothing doubled, numbers that add up, and memory, handles and tables that don't grow."""

import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.end_to_end.installation import children
from tests.torture.plant import Plant

if TYPE_CHECKING:
    from soak import Site

LOOK = 5.0
TELLING = 4  # every so many looks
MEGABYTES = 3.0  # by which a process may grow with 10,000 mails, when it has lived for a while
HANDLES = 10  # more than at the beginning
ENOUGH = 10_000  # mails, before a slope is worth a verdict
EMPTY = {  # what is not there when all work is done
    "receipts under way": "postvak_receipt WHERE state <> 'done'",
    "mails to go out": "postvak_outgoingmail WHERE next_attempt_at IS NOT NULL",
    "automatic mails to write": "postvak_automaticmail WHERE settled_at IS NULL AND state NOT IN ('collected', 'skipped')",
    "changes to follow": "postvak_change WHERE NOT is_followed",
    "deltas of the ledger": "postvak_ledgerdelta",
    "deltas of the tally": "postvak_tallydelta",
}
FIRSTS = "('new_ticket', 'follow_up', 'grouped', 'new_ticket_instead')"


# -- while it runs ------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    mails: int
    megabytes: float
    handles: int


@dataclass
class Watch:
    """Memory and file handles of each process of the tree. Between begin() and end() nothing is killed: there it is measured."""

    site: "Site"
    is_on: bool = False
    seen: dict[str, list[Sample]] = field(default_factory=dict)

    def begin(self) -> None:
        self.is_on = True

    def end(self) -> None:
        self.is_on = False

    def watch(self, over: threading.Event) -> None:
        for look in itertools.count():
            if over.wait(LOOK):
                return
            if look % TELLING == 0:
                print(
                    f"{time.strftime('%X')} {len(self.site.sent)} mails, {left(self.site.plant)}",
                    file=sys.stderr,
                    flush=True,
                )
            if self.is_on:
                for name, pid in parts(self.site.plant).items():
                    self.seen.setdefault(name, []).append(sample(pid, len(self.site.sent)))


def parts(plant: Plant) -> dict[str, int]:
    assert plant.process is not None
    found = children(plant.process.pid)
    return {"supervisor": plant.process.pid, **dict(zip(("web", "worker"), found, strict=False))}


def sample(pid: int, mails: int) -> Sample:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return Sample(mails, resident / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def is_finished(site: "Site") -> bool:
    known = site.plant.value("SELECT count(DISTINCT message_id_header) FROM postvak_receipt WHERE state = 'done'")
    return bool(known >= len(site.sent) and not any(left(site.plant).values()))


def message_id(number: int) -> str:
    """Of the mail with this number."""
    return f"{number}@soak.customer.example"


def left(plant: Plant) -> dict[str, int]:
    return {name: plant.value(f"SELECT count(*) FROM {rows}") for name, rows in EMPTY.items()}


# -- afterwards ------------------------------------------------------------


def check(site: "Site", watch: Watch) -> tuple[dict[str, object], list[str]]:
    """(figures, what is wrong in words)"""
    incoming, wrong_in = check_incoming(site)
    outgoing, wrong_out = check_outgoing(site)
    processes, wrong_processes = check_processes(watch.seen)
    rest = [f"{number} {name}" for name, number in left(site.plant).items() if number]
    wrong = [*wrong_in, *wrong_out, *check_books(site.plant), *rest, *wrong_processes]
    return {"incoming": incoming, "outgoing": outgoing, "processes": processes, "rows": rows_of(site.plant)}, wrong


def check_incoming(site: "Site") -> tuple[dict[str, int], list[str]]:
    """Each mail on exactly one ticket, as one message; what came twice is a duplicate. Tickets that the trash gave up took theirs along."""
    plant = site.plant
    firsts = Counter(
        header for (header,) in plant.rows(f"SELECT message_id_header FROM postvak_receipt WHERE outcome IN {FIRSTS}")
    )
    wanted = {message_id(number) for number in site.sent}
    messages = Counter(
        header for (header,) in plant.rows("SELECT message_id FROM postvak_message WHERE kind = 'incoming'")
    )
    told = {
        "lost": wanted - set(firsts),
        "unknown": set(firsts) - wanted,
        "on two tickets": twice(firsts),
        "in two messages": twice(messages),
    }
    outcomes = dict(plant.rows("SELECT outcome, count(*) FROM postvak_receipt GROUP BY outcome"))
    return outcomes, [f"{len(ids)} mails {what}, such as {min(ids)}" for what, ids in told.items() if ids]


def check_outgoing(site: "Site") -> tuple[dict[str, int], list[str]]:
    """What we call accepted was taken; what was taken twice shows as doubt, and nothing more than twice but by hand."""
    rows = site.plant.rows(
        "SELECT lower(coalesce(m.message_id, o.message_id_header)), d.state, "
        "EXISTS(SELECT 1 FROM postvak_deliveryevent e WHERE e.delivery_id = d.id AND e.kind = 'in_doubt') "
        "FROM postvak_delivery d JOIN postvak_outgoingmail o ON d.outgoing_id = o.id LEFT JOIN postvak_message m ON o.message_id = m.id"
    )
    taken, doubted = site.relay.taken, {header for header, _state, doubt in rows if doubt}
    told = {
        "accepted, but never taken": {
            header for header, state, _doubt in rows if state == "accepted" and not taken[header]
        },
        "without an end": {header for header, state, _doubt in rows if state not in {"accepted", "in_doubt"}},
        "sent twice without a word": twice(taken) - doubted - removed(site.plant),
    }
    figures = {
        **Counter(state for _header, state, _doubt in rows),
        "taken": taken.total(),
        "taken twice": len(twice(taken)),
        "ever in doubt": len(doubted),
    }
    return figures, [f"{len(ids)} mails {what}, such as {min(ids)}" for what, ids in told.items() if ids]


def twice(numbers: Counter[str]) -> set[str]:
    return {name for name, number in numbers.items() if number > 1}


def removed(plant: Plant) -> set[str]:
    """Mails of tickets that the trash gave up: their lines in the ledger stay, without a delivery."""
    rows = plant.rows("SELECT lower(numbers) FROM postvak_ledgerentry WHERE direction = 'out' AND delivery_id IS NULL")
    return {words.split()[0] for (words,) in rows if words.split()}


def check_books(plant: Plant) -> list[str]:
    """Received = sum of outcomes + in progress, and every content is there: what `postvak doctor` finds."""
    done = plant.cli("doctor", "--offline", "--json")
    found = [one for check in json.loads(done.stdout)["checks"] for one in check["findings"]]
    return [json.dumps(one) for one in found if str(one["key"]).startswith(("ledger", "blobs_missing"))]


def check_processes(seen: dict[str, list[Sample]]) -> tuple[dict[str, object], list[str]]:
    """Of the last three quarters of the measured time, when everything was used once."""
    told: dict[str, object] = {}
    wrong = []
    for name, samples in seen.items():
        steady = samples[len(samples) // 4 :]
        if len(steady) < 4:
            continue
        growth = slope([one.mails for one in steady], [one.megabytes for one in steady]) * 10_000
        more = max(one.handles for one in steady[-len(steady) // 4 :]) - max(
            one.handles for one in steady[: len(steady) // 4]
        )
        told[name] = {
            "mb": [
                round(steady[0].megabytes),
                round(steady[-1].megabytes),
                round(max(one.megabytes for one in steady)),
            ],
            "mb_per_10000_mails": round(growth, 2),
            "handles": [steady[0].handles, steady[-1].handles, max(one.handles for one in steady)],
        }
        if steady[-1].mails - steady[0].mails >= ENOUGH and growth > MEGABYTES:
            wrong.append(f"{name} grows by {growth:.1f} MB with 10,000 mails")
        if more > HANDLES:
            wrong.append(f"{name} has {more} more file handles than at the beginning")
    return told, wrong


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the line that fits best (least squares); 0 when nothing moved."""
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((one - x) ** 2 for one in xs)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / spread if spread else 0.0


def rows_of(plant: Plant) -> dict[str, int]:
    """Of the tables that are only passed through, and for comparison those that grow with every mail."""
    tables = (
        "change",
        "lease",
        "job",
        "digest",
        "loopbreak",
        "communication",
        "ticket",
        "message",
        "history",
        "outgoingmail",
    )
    return {name: plant.value(f"SELECT count(*) FROM postvak_{name}") for name in tables}

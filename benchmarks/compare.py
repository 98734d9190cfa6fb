"""Has a mail become dearer? Mails of each kind beside a load that never changes, against what was recorded.

    python benchmarks/compare.py            exits with 1 when a kind of mail costs over 25 % more than in baseline.json
    python benchmarks/compare.py --record   after a change that was meant: writes baseline.json

What is compared is CPU per mail in thousandths of the reference load (reference.py). Both are run in turns of a fraction of a second in one
process, and of each the least of all turns counts: so numbers of different machines compare, and other programs on the machine, which
only ever make a turn dearer, would have to disturb all of them. Part of `bin/test`; about 30 s of processor time.
"""

import argparse
import gc
import json
import sys
import time
from pathlib import Path

from ingest import MAKERS, ingest, prepared_mailbox
from reference import ROUNDS, measured
from report import data_directory

BASELINE = Path(__file__).with_name("baseline.json")
FIRST = {"small": 0, "followup": 0, "multipart": 1_000_000, "attachment": 2_000_000}  # follow-ups answer the small ones
BATCH = 50
TURNS = 12
PART = 2  # of the reference load, before each batch: about as long as the batch, so that both find a quiet moment equally often
MOST = 1.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    with data_directory():
        costs = measure(options.turns)
    if options.record:
        BASELINE.write_text(json.dumps(costs, indent=2) + "\n")
    recorded = json.loads(BASELINE.read_text())
    ratios = {kind: round(cost / recorded[kind], 2) for kind, cost in costs.items()}
    dearer = [kind for kind, ratio in ratios.items() if ratio > MOST]
    print(json.dumps({"costs": costs, "of_recorded": ratios, "dearer": dearer, "cpu_s": round(time.process_time(), 1)}))
    if dearer:
        sys.exit(
            f"Over {MOST - 1:.0%} more CPU per mail than recorded: {', '.join(dearer)}. Profile it, or record it if it was meant."
        )


def measure(turns: int) -> dict[str, float]:
    """Kind of mail -> CPU of one in thousandths of the reference load."""
    mailbox = prepared_mailbox()
    references: dict[str, list[float]] = {kind: [] for kind in FIRST}
    found: dict[str, list[float]] = {kind: [] for kind in FIRST}
    for turn in range(-1, turns):  # in the first one, which doesn't count, what is imported late
        for kind, costs in found.items():
            gc.collect()
            gc.freeze()
            references[kind].append(measured(ROUNDS // PART) * PART)
            costs.append(cost_of(mailbox, kind, turn))
    return {kind: round(1000 * min(costs[1:]) / min(references[kind][1:]), 3) for kind, costs in found.items()}


def cost_of(mailbox, kind: str, turn: int) -> float:
    """Milliseconds of processor time for one mail of a batch."""
    start = FIRST[kind] + turn * BATCH
    raws = [MAKERS[kind](number) for number in range(start, start + BATCH)]
    began = time.process_time()
    ingest(mailbox, raws, BATCH, f"{kind} {turn}")
    return (time.process_time() - began) * 1000 / BATCH


if __name__ == "__main__":
    main()

"""Has a mail become dearer? The benchmark of ingest beside a load that never changes, against what was recorded.

    python benchmarks/compare.py            exits with 1 when a kind of mail costs over 25 % more than in baseline.json
    python benchmarks/compare.py --record   after a change that was meant: writes baseline.json

What is compared is CPU per mail in thousandths of the reference load (reference.py) of the same minutes, the least of several turns:
so numbers of different machines, and of busy ones, compare.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
MAILS = {"small": 600, "followup": 400, "multipart": 400, "attachment": 100}
TURNS = 3
MOST = 1.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    costs = measure(options.turns)
    if options.record:
        BASELINE.write_text(json.dumps(costs, indent=2) + "\n")
    recorded = json.loads(BASELINE.read_text())
    ratios = {kind: round(cost / recorded[kind], 2) for kind, cost in costs.items()}
    dearer = [kind for kind, ratio in ratios.items() if ratio > MOST]
    print(json.dumps({"costs": costs, "of_recorded": ratios, "dearer": dearer}))
    if dearer:
        sys.exit(
            f"Over {MOST - 1:.0%} more CPU per mail than recorded: {', '.join(dearer)}. Profile it, or record it if it was meant."
        )


def measure(turns: int) -> dict[str, float]:
    """Kind of mail -> CPU of one in thousandths of the reference load. In turns, so that what slows the machine slows both."""
    reference: list[float] = []
    found: dict[str, list[float]] = {kind: [] for kind in MAILS}
    for _ in range(turns):
        reference.append(printed("reference.py")["cpu_ms"])
        for kind, mails in MAILS.items():
            found[kind].append(printed("ingest.py", "--kind", kind, "--mails", str(mails), "--json")["cpu_ms_per_mail"])
    return {kind: round(1000 * min(costs) / min(reference), 3) for kind, costs in found.items()}


def printed(script: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()

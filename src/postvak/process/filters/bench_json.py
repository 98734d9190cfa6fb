"""What the test bench found, for programs: the command line and the API."""

from postvak.process.filters.bench import Bench, Tried


def bench_as_json(bench: Bench) -> dict[str, object]:
    """`mails`: those on which it fires or changes something, newest first."""
    return {
        "asked": bench.asked,
        "looked_at": bench.looked_at,
        "unreadable": bench.unreadable,
        "fired": bench.fired,
        "changed": len(bench.changed),
        "seconds": round(bench.seconds, 3),
        "mails": [tried_as_json(tried) for tried in bench.rows],
    }


def tried_as_json(tried: Tried) -> dict[str, object]:
    return {
        "receipt": tried.receipt_id,
        "received_at": tried.received_at.isoformat(),
        "from": tried.author,
        "subject": tried.subject,
        "fired": tried.fired,
        "changes": [
            {"what": str(change.label), "before": change.before, "after": change.after} for change in tried.changes
        ],
    }

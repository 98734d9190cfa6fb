"""What every benchmark needs: a data directory of its own, and its figures shown. No figures of its own."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def data_directory(keep: str = "") -> Iterator[str]:
    """Postvak's settings and data in a new directory, which goes afterwards; `keep`: in this one, which stays."""
    data = keep or tempfile.mkdtemp(prefix="postvak-bench-")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postvak.settings")
    os.environ["POSTVAK_DATA"] = data
    try:
        yield data
    finally:
        if not keep:
            shutil.rmtree(data, ignore_errors=True)


def show(result: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=2))
        return
    width = max(map(len, result), default=0)
    for name, value in result.items():
        print(f"{name:{width}} {value}")


def spread(taken: Sequence[float]) -> str:
    """Milliseconds."""
    ordered = sorted(taken)
    return f"p50 {ordered[len(ordered) // 2]:.1f}  p95 {ordered[int(len(ordered) * 0.95)]:.1f}  max {ordered[-1]:.1f}"


def cpu_seconds() -> float:
    """Of this process, and of our server process of PostgreSQL when it is on this machine."""
    from django.db import connection

    own = time.process_time()
    if connection.vendor != "postgresql":
        return own
    backend = connection.connection.info.backend_pid if connection.connection else 0
    try:
        return own + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return own

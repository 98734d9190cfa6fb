"""Old backups go, and large contents that no backup of the folder needs any more."""

import shutil
from pathlib import Path

from postvak.keep.backup import CONTENTS
from postvak.keep.places import PART, alone
from postvak.keep.source import all_in


def prune(root: Path, kept: int) -> int:
    """Keep the newest `kept`; returns how many went."""
    if not root.is_dir():
        return 0
    with alone(root):
        old = all_in(root)[max(kept, 1) :]
        for folder in old:
            remove(folder)
        if old:
            drop_unneeded(root)
        return len(old)


def remove(folder: Path) -> None:
    """No longer a backup before its first file goes."""
    gone = folder.with_name(f"{folder.name}{PART}")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def remove_one(root: Path, name: str) -> bool:
    with alone(root):
        found = [folder for folder in all_in(root) if folder.name == name]
        for folder in found:
            remove(folder)
        drop_unneeded(root)
    return bool(found)


def drop_unneeded(root: Path) -> None:
    needed = {
        line.partition(" ")[0] for folder in all_in(root) for line in (folder / CONTENTS).read_text().splitlines()
    }
    for path in (root / "blobs").glob("??/*"):
        if path.name not in needed:
            path.unlink(missing_ok=True)

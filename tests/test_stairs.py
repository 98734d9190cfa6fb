"""Imports go down the stairs: a part knows what lies below it, never what stands beside or above it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import postvak

ROOT = Path(postvak.__file__).parent
STAIRS = (
    {"mail", "classify"},
    {"net", "crypto", "blobs", "conditions"},
    {"models", "trust"},
    {"log", "connect", "jobs", "keys"},
    {"receive", "send"},
    {"notify"},
    {"tickets"},
    {"learn"},
    {"process"},
    {"setup"},
    {"bring", "keep"},
    {"web", "api", "worker"},
    {"cli"},  # starts the other doors
)
HEIGHT = {part: height for height, parts in enumerate(STAIRS) for part in parts}
OUTSIDE = {"configuration", "supervisor", "apps", "settings", "urls", "urls_with_api", "__main__", "__init__"}
FOR_ALL = {"configuration", "supervisor", "__init__"}  # these may be imported by anybody, and import no part


def modules() -> Iterator[tuple[str, Path]]:
    """(part or top-level module, file)"""
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT).parts
        if place[0] != "migrations":
            yield place[0].removesuffix(".py"), path


def imported_parts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, part or top-level module) of every import of ours, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the whole path of an import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if first == "postvak":
                yield node.lineno, rest[0] if rest and (rest[0] in HEIGHT or rest[0] in OUTSIDE) else "__init__"


def is_allowed(part: str, imported: str) -> bool:
    if part in FOR_ALL:
        return imported in FOR_ALL
    if part in OUTSIDE or imported in FOR_ALL or imported == part:
        return True
    return imported in HEIGHT and HEIGHT[imported] < HEIGHT[part]


def test_every_part_has_its_stair() -> None:
    unknown = {part for part, _path in modules()} - set(HEIGHT) - OUTSIDE
    assert not unknown


def test_imports_go_down_the_stairs() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {part} must not import {imported}"
        for part, path in modules()
        for line, imported in imported_parts(path)
        if not is_allowed(part, imported)
    ]
    assert not wrong, "\n".join(wrong)


def test_an_import_upwards_or_sideways_would_be_found() -> None:
    assert is_allowed("process", "mail")
    assert is_allowed("mail", "mail")
    assert not is_allowed("mail", "process")
    assert not is_allowed("receive", "send")
    assert not is_allowed("web", "worker")
    assert not is_allowed("models", "settings")
    assert not is_allowed("configuration", "crypto")

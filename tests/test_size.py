"""The size ratchet of our style: short functions, short files, no hidden import, no drawer for odds and ends."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import postvak

ROOT = Path(postvak.__file__).parent
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
P90 = 30
LARGE = 50
SHARE_IN_LARGE = 0.05
DRAWERS = re.compile(r"(utils?|helpers?|common|base|misc|managers?|handlers?)\.py|/(utils|helpers|common|misc)/")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.parts]


def functions() -> Iterator[tuple[str, int]]:
    """("file:line name", lines), decorators counted."""
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                assert node.end_lineno is not None
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - first + 1


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_file_is_over_400_lines() -> None:
    long = [f"{path.relative_to(ROOT)}: {lines_of(path)}" for path in files() if lines_of(path) > LONGEST_FILE]
    assert not long, "\n".join(long)


def test_no_function_is_over_60_lines() -> None:
    long = [f"{name}: {size}" for name, size in functions() if size > LONGEST_FUNCTION]
    assert not long, "\n".join(long)


def test_nine_of_ten_functions_have_at_most_30_lines() -> None:
    p90 = quantiles([size for _name, size in functions()], n=10)[-1]
    assert p90 <= P90


def test_at_most_a_twentieth_of_the_code_stands_in_functions_over_50_lines() -> None:
    sizes = [size for _name, size in functions()]
    assert sum(size for size in sizes if size > LARGE) <= SHARE_IN_LARGE * sum(sizes)


def test_no_import_hides_in_a_function() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in files()
        if path.name != "__main__.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, "\n".join(hidden)


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = [str(path.relative_to(ROOT)) for path in files() if DRAWERS.search(f"/{path.relative_to(ROOT)}")]
    assert not drawers

"""docs/security.md: every requirement has its evidence, and every file and test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path
from tomllib import loads

import pytest

import postvak

ROOT = Path(__file__).parents[1]
PACKAGE = Path(postvak.__file__).parent
PAPER = (ROOT / "docs/security.md").read_text()
ROW = re.compile(
    r"^\| (?P<number>\d+\.\d+\.\d+) \| (?P<state>[a-z/]+) \| (?P<words>[^|]+) \| (?P<evidence>[^|]+) \|$", re.MULTILINE
)
NAMED = re.compile(r"`([^`]+)`")
OUTSIDE = ("tests/", "docs/", "contrib/", "bin/")
AT_LEAST = 250  # requirements of level 2, so that none is lost by mistake
ROWS = [match.groupdict() for match in ROW.finditer(PAPER)]
CODE = [path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts]
DANGEROUS = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "xml", "lxml", "commands", "pty"}


def names(text: str) -> list[str]:
    """What looks like a file or a test."""
    return [
        one
        for one in NAMED.findall(text)
        if "/" in one or one.endswith((".py", ".md", ".toml", ".lock")) or one == "Containerfile"
    ]


def place_of(name: str) -> Path:
    path = name.partition("::")[0]
    beside = ROOT / path
    return beside if path.startswith(OUTSIDE) or ("/" not in path and beside.exists()) else PACKAGE / path


@cache
def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["number"]))
def test_what_is_named_is_there(row: dict[str, str]) -> None:
    for name in names(row["evidence"]):
        assert place_of(name).exists(), name
        if "::" in name:
            assert name.partition("::")[2] in functions_of(place_of(name)), name


def test_the_text_before_the_tables_names_what_is_there() -> None:
    for name in names(PAPER.partition("\n## V1")[0]):
        if not name.startswith(("/", "tests/`")) and "…" not in name:
            assert name in {"tests/", "docs/", "src/postvak"} or place_of(name).exists(), name


def test_every_row_is_whole() -> None:
    """A number once, in order; *yes* has a file, and from V2 on a test or the reason why there is none."""
    numbers = [tuple(map(int, row["number"].split("."))) for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > AT_LEAST
    assert {number[0] for number in numbers} == set(range(1, 15))
    assert len(numbers) == len(re.findall(r"^\| \d", PAPER, re.MULTILINE)), "a row that can't be read"
    for row in ROWS:
        evidence, number = row["evidence"], row["number"]
        is_proven = "tests/" in evidence or "by construction" in evidence or number.startswith(("1.", "14."))
        states = {
            "yes": bool(names(evidence)) and is_proven and "open:" not in evidence,
            "partly": bool(names(evidence)) and "open:" in evidence,
            "open": evidence.startswith("open:"),
            "n/a": evidence.startswith("not applicable:"),
        }
        assert states.get(row["state"]), number


def test_the_numbers_in_front_are_those_of_the_tables() -> None:
    counted = {state: sum(row["state"] == state for row in ROWS) for state in ("yes", "partly", "open", "n/a")}
    words = "{yes} yes, {partly} partly, {open} open, {n/a} not applicable.".replace("{n/a}", str(counted["n/a"]))
    assert words.format(**{key: value for key, value in counted.items() if key != "n/a"}) in PAPER


def test_nothing_unpacks_objects_or_runs_a_shell() -> None:
    """No pickle, no XML, no eval; programs are started with a list of words; YAML by a safe loader."""
    found = []
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if is_dangerous(node):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []


def is_dangerous(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in DANGEROUS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] in DANGEROUS
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    with_shell = any(keyword.arg == "shell" and ast.unparse(keyword.value) != "False" for keyword in node.keywords)
    loads_pickles = any(
        keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False" for keyword in node.keywords
    )
    unsafe_yaml = called in {"yaml.load", "yaml.load_all"} and "Loader=Words" not in ast.unparse(node)
    return (
        called in {"eval", "exec", "__import__", "os.system", "os.popen"} or with_shell or loads_pickles or unsafe_yaml
    )


def test_each_library_has_its_paragraph() -> None:
    """docs/dependencies.md is the list of what is inside; requirements.lock has the versions with hashes."""
    project = loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    libraries = {re.split(r"[\[<>=~ ]", one)[0].lower() for one in wanted}
    paper = (ROOT / "docs/dependencies.md").read_text().lower()
    assert {one for one in libraries if f"**{one}" not in paper} == set()
    pinned = {
        line.partition("==")[0].lower()
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if "==" in line
    }
    assert {one for one in libraries if one.replace("_", "-") not in pinned} <= {"psycopg", "boto3"}
    assert re.search(r"--hash=sha256:[0-9a-f]{64}", (ROOT / "requirements.lock").read_text())

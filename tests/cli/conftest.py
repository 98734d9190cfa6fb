"""A fresh installation for each test; migrations run once for all of them."""

from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = Program(tmp_path_factory.mktemp("installation") / "data")
    program.ok("config", "export")
    return program


@pytest.fixture
def program(installed: Program, tmp_path: Path) -> Program:
    """Prepared, empty."""
    return installed.copied_to(tmp_path / "data")

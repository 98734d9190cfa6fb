"""Build step: compiles the message catalogues, so that the repository holds only their sources."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run by hand (bin/setup), outside a build
    BuildHookInterface = object


def compile_catalogues(locale_dir: Path) -> None:
    """Write a `.mo` beside each `.po` below `locale_dir` that is newer than it."""
    for source in locale_dir.glob("*/LC_MESSAGES/*.po"):
        if is_compiled(source):
            continue
        with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
            write_mo(mo, read_po(po, locale=source.parts[-3]))


def is_compiled(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime


class CatalogueHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        compile_catalogues(Path(self.root) / "src" / "postvak" / "locale")


if __name__ == "__main__":
    compile_catalogues(Path(__file__).parent / "src" / "postvak" / "locale")

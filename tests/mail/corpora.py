"""The shared corpora of real mails: where they are, how their harness is run, what was reached.

python -m tests.mail.corpora            # compare with scores.toml
python -m tests.mail.corpora --write    # and raise the scores to what is reached now; they never fall by it
python -m tests.mail.corpora -v NAME    # every failure of one corpus
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from postvak.mail import inspect

ROOT = Path(__file__).parents[2]
SCORES = Path(__file__).with_name("scores.toml")
# fmt: off
PARSING = ("stalwart-legacy", "stalwart-malformed", "stalwart-rfc", "stalwart-thirdparty", "zbateson", "php-mime",
           "ruby-mail", "enmime", "cpython", "nodemailer", "spamscope", "rspamd", "mox", "django-helpdesk", "redmine",
           "otobo-mail")
# fmt: on


def _place() -> Path | None:
    path = Path(os.environ.get("POSTVAK_CORPORA") or ROOT.parent / "shared" / "corpora")
    return path if (path / "harness.py").exists() else None


CORPORA = _place()


@dataclass(frozen=True)
class Score:
    """Right and answered checks of one corpus, and the mails that crashed."""

    right: int
    answered: int
    crashed: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.right / self.answered if self.answered else 100.0

    def is_worse_than(self, reached: Score) -> bool:
        """Fewer right ones, a smaller share of right ones (an answer withheld is no gain), or a crash."""
        share = self.right * reached.answered < reached.right * self.answered
        return bool(self.crashed) or self.right < reached.right or share


class _Adapter(ModuleType):
    """What the harness wants of a parser."""

    NAME = "postvak"

    def __init__(self) -> None:
        super().__init__("postvak_adapter")
        self.keys: str | None = None
        self.dns: str | None = None

    def setup(self, corpus: str) -> None:
        keys = Path(corpus) / "keys"
        self.keys = str(keys) if keys.is_dir() else None
        self.dns = corpus if (Path(corpus) / "dns.json").is_file() else None

    def parse(self, raw: bytes) -> dict[str, Any]:
        return dict(inspect.describe(raw, keyring=self.keys, dns=self.dns))


def names() -> list[str]:
    """All corpora that are there."""
    return sorted(path.parent.name for path in CORPORA.glob("*/expected.jsonl")) if CORPORA else []


def _harness() -> ModuleType:
    assert CORPORA is not None
    spec = importlib.util.spec_from_file_location("corpora_harness", CORPORA / "harness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name: str) -> tuple[Score, list[str]]:
    """The score of one corpus, and its failures in words."""
    assert CORPORA is not None
    harness = _harness()
    result = harness.run(str(CORPORA / name), _Adapter(), timeout=10)
    right, answered, _missing = harness.summary(result)
    failures = [f"{file}: {field}: {detail}" for file, field, detail in result["fails"] if "[doubtful]" not in detail]
    return Score(right, answered, len(result["crashes"])), failures


def reached() -> dict[str, Score]:
    """What was reached before, by corpus."""
    table = tomllib.loads(SCORES.read_text()) if SCORES.exists() else {}
    return {name: Score(**row) for name, row in table.items()}


def write(scores: dict[str, Score]) -> None:
    lines = ["# Right and answered checks per corpus. Raise: python -m tests.mail.corpora --write"]
    lines += [f"{name} = {{ right = {one.right}, answered = {one.answered} }}" for name, one in sorted(scores.items())]
    SCORES.write_text("\n".join(lines) + "\n")


def main() -> None:
    verbose = "-v" in sys.argv
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")] or names()
    before, now = reached(), dict(reached())
    for name in wanted:
        score, failures = run(name)
        old = before.get(name, Score(0, 0))
        worse = score.is_worse_than(old)
        if not worse:
            now[name] = Score(score.right, score.answered)
        print(
            f"{name:22} {score.right}/{score.answered} = {score.percent:.1f} %{'  WORSE than ' + str(old) if worse else ''}"
        )
        for failure in failures if verbose else []:
            print(f"    {failure[:300]}")
    parsing = [now[name] for name in PARSING if name in now]
    total = Score(sum(one.right for one in parsing), sum(one.answered for one in parsing))
    print(f"{'parsing together':22} {total.right}/{total.answered} = {total.percent:.2f} %")
    if "--write" in sys.argv:
        write(now)


if __name__ == "__main__":
    main()

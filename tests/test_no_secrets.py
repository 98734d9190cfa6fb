"""No key, token or password of the real world lies in the repository. Invented ones of tests stand in ALLOWED, with a reason."""

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 1_000_000  # bytes of a file that is looked at
LEFT_OUT = (
    ".venv/",
    "src/postvak/locale/",
    "requirements.lock",
    "requirements-dev.lock",
    "__pycache__/",
    ".git/",
    ".mypy_cache/",
    ".ruff_cache/",
)
PATTERNS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{22,}",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "Slack hook": r"hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "Google OAuth": r"\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[0-9A-Za-z_-]{20,}",
    "Stripe key": r"\b[rs]k_live_[0-9A-Za-z]{20,}",
    "SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}",
    "Mailgun key": r"\bkey-[0-9a-f]{32}\b",
    "Brevo key": r"\bxkeysib-[0-9a-f]{40,}",
    "PyPI token": r"\bpypi-AgEI[A-Za-z0-9_-]{30,}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "AI provider's key": r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}",
    "web token": r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}",
    "address with a password": r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>{}]+:(?!password\b|…|x@|p@|secret@|\$)[^\s/@\"'<>{}]{6,}@[\w.-]+",
    "token of ours": r"\bpv_[A-Za-z0-9_-]{30,}",
    "secret of a web hook": r"\bwhsec_[A-Za-z0-9+/]{24,}={0,2}",
    "Fernet key": r"(?<![\w/+=-])[A-Za-z0-9_-]{43}=(?![\w=])",
}
EXPRESSIONS = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
# (kind, file): why it may stand there.
ALLOWED: dict[tuple[str, str], str] = {
    ("address with a password", "tests/cli/test_errors.py"): "an invented one, which must not be shown",
    ("address with a password", "tests/test_configuration.py"): "invented ones, which must not be shown",
    ("private key", "tests/crypto/test_key_files.py"): "the first line of a key without a key",
    ("private key", "tests/send/test_signing.py"): "the first line of a key without a key",
}


def files() -> Iterator[Path]:
    """What is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not name.startswith(LEFT_OUT) and path.is_file() and path.stat().st_size < LARGEST:
            yield path


def found_in(text: str) -> Iterator[tuple[str, str]]:
    """(kind, the words)."""
    for kind, expression in EXPRESSIONS.items():
        for match in expression.finditer(text):
            if kind != "Fernet key" or entropy(match.group()) > 4.2:
                yield kind, match.group()


def entropy(text: str) -> float:
    """Bits per sign: words of people have about 3.5, random ones more."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def test_nothing_that_looks_like_a_secret_lies_here() -> None:
    found = {
        (kind, path.relative_to(ROOT).as_posix())
        for path in files()
        for kind, _words in found_in(path.read_text("utf-8", "replace"))
    }
    assert sorted(found - set(ALLOWED)) == []
    assert sorted(set(ALLOWED) - found) == [], "no longer there: take it off the list"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("private key", "-----BEGIN " + "EC PRIVATE KEY-----"),
        ("private key", "-----BEGIN " + "PGP PRIVATE KEY BLOCK-----"),
        ("AWS key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("GitHub token", "ghp_" + "a1B2" * 9),
        ("SendGrid key", "SG." + "a" * 22 + "." + "b" * 43),
        ("AI provider's key", "sk-ant-" + "a1b2c3d4" * 5),
        ("web token", ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0", "a" * 43])),
        ("address with a password", "postgres://" + "bob:hunter2hunter2@db.internal/desk"),
        ("token of ours", "pv_" + "aB3" * 14),
        ("secret of a web hook", "whsec_" + "aB3d" * 8),
        ("Fernet key", "q2J8d0Xc5TqvZr1mWb7yKs9eUa3hNf4gLp6iOtR-_Ex" + "="),
    ],
)
def test_what_it_looks_for_it_finds(kind: str, text: str) -> None:
    assert kind in {name for name, _words in found_in(f"value = '{text}'\n")}

"""Why a mail can't be protected is said in words: for each code that crypto/ refuses with."""

import ast
from collections.abc import Iterator
from pathlib import Path

import postvak.crypto
from postvak.crypto.values import CannotProtect
from postvak.log.crypto_sentences import REFUSED, refused_sentence

OUR_FAULT = {"failed", "cipher_unknown", "nothing_to_do"}  # nothing that a person could do something about


def refused_codes() -> Iterator[str]:
    for path in Path(postvak.crypto.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CannotProtect":
                yield from spelled(node.args[0])


def spelled(code: ast.expr) -> Iterator[str]:
    """f"{who}_expired" is two codes."""
    for who in ("signer", "recipient"):
        parts = code.values if isinstance(code, ast.JoinedStr) else [code]
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else who for part in parts)


def test_each_refusal_has_a_sentence() -> None:
    codes = set(refused_codes())
    assert len(codes) > 10
    assert codes - OUR_FAULT <= set(REFUSED)


def test_a_refusal_names_the_address_and_one_without_a_sentence_its_code() -> None:
    said = refused_sentence(CannotProtect("recipient_expired", address="ann@customer.example"))
    assert said == "The key of ann@customer.example has expired."
    assert "failed" in refused_sentence(CannotProtect("failed"))

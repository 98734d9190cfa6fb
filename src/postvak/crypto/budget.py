"""How much work one mail may ask for, all its layers and parts together: a small mail can be made to unpack to gigabytes, or to
try keys for minutes."""

from __future__ import annotations

from dataclasses import dataclass

MOST_BYTES = 200 * 1024 * 1024  # decrypted and unpacked
MOST_PRIVATE_OPERATIONS = 50  # tries with a private key of ours
MOST_CHECKS = 200  # signatures, also those by which keys that came along vouch for themselves


class Exhausted(Exception):
    """The mail asked for more. What was encrypted is told as damaged, what was signed as unknown, keys are left out. `code`: of
    log.crypto_sentences.LAYERS."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass(slots=True)
class Budget:
    """Of one mail: what is left of it. Every method raises Exhausted, from then on always."""

    room: int = MOST_BYTES
    private_operations: int = MOST_PRIVATE_OPERATIONS
    checks: int = MOST_CHECKS

    def bytes(self, count: int) -> None:
        """So many bytes were decrypted or unpacked. Ask `room` before: never unpack more than that and one byte."""
        self.room -= count
        if self.room < 0:
            raise Exhausted("too_large", "it unpacks to more than any mail")

    def private_operation(self) -> None:
        """Before each try with a private key."""
        self.private_operations -= 1
        if self.private_operations < 0:
            raise Exhausted("failed", "more session keys than anybody needs")

    def check(self) -> None:
        """Before each check of a signature with a key that isn't trusted."""
        self.checks -= 1
        if self.checks < 0:
            raise Exhausted("failed", "more signatures than anybody needs")

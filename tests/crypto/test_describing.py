"""`describe` with a folder of keys opens and judges; without one it stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postvak.mail.inspect import describe
from tests.crypto.pki import TEXT, WORDS, Pki


@pytest.fixture(scope="session")
def keys(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = Path(tmp_path_factory.mktemp("keys"))
    for name in ("support.pem", "support.key", "root.pem"):
        (folder / name).write_bytes((pki.folder / name).read_bytes())
    return str(folder)


def test_with_keys_it_says_what_was_inside_and_who_signed(pki: Pki, keys: str) -> None:
    inner = pki.openssl("cms", "-sign", "-signer", "ann.pem", "-inkey", "ann.key", given=TEXT)
    fields = describe(pki.encrypted("-aes256", "support.pem", content=inner), keyring=keys)
    found = [fields[name] for name in ("signed", "encrypted", "signature", "signer", "decryptable")]
    assert found == ["smime", "smime", "good", "ann@klant.example", True]
    assert WORDS.decode() in str(fields["decrypted_text"])
    assert json.loads(json.dumps(fields)) == fields


def test_a_changed_mail_is_bad_and_a_foreign_one_stays_shut(pki: Pki, keys: str) -> None:
    signed = pki.signed("-signer", "ann.pem", "-inkey", "ann.key").replace(b"room 4", b"room 5")
    assert describe(signed, keyring=keys)["signature"] == "bad"
    assert describe(pki.encrypted("ann.pem"), keyring=keys)["decryptable"] is False


def test_a_folder_that_is_not_there_is_a_defect_and_hides_nothing(pki: Pki) -> None:
    fields = describe(pki.signed("-signer", "ann.pem", "-inkey", "ann.key"), keyring="/nowhere")
    assert "failed:protection:FileNotFoundError" in list(fields["defects"])  # type: ignore[arg-type]
    assert fields["subject"] == "Fire"

"""Raw mails come back byte by byte, are kept once, and large ones are durable files."""

import hashlib
import os
import random
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.blobs.store import BlobMissing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(tmp_path: Path, settings: Settings) -> Path:
    """A data directory of its own."""
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    return tmp_path


def save(*contents: bytes) -> list[str]:
    blobs = store.prepare(contents)
    with transaction.atomic():
        store.save(blobs)
    return [blob.digest for blob in blobs]


def incompressible(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.is_file())


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=5))
def test_any_bytes_come_back_unchanged_under_their_sha256(contents: list[bytes]) -> None:
    digests = save(*contents)
    assert digests == [hashlib.sha256(content).hexdigest() for content in contents]
    assert store.get_all(digests) == dict(zip(digests, contents, strict=True))


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("kind", ["dense", "repetitive"])
def test_every_size_comes_back(size: int, kind: str) -> None:
    content = incompressible(size) if kind == "dense" else b"x" * size
    (digest,) = save(content)
    assert store.get(digest) == content
    assert Blob.objects.get(digest=digest).size == size


def test_the_same_bytes_are_kept_once(data: Path) -> None:
    large = incompressible(200_000)
    save(b"small", b"small", large)
    save(b"small", large, large)
    assert Blob.objects.count() == 2
    assert len(files(data)) == 1


def test_small_ones_lie_in_the_database_and_large_ones_in_files(data: Path) -> None:
    save(b"small", b"x" * 1_000_000)
    assert files(data) == []
    large = incompressible(200_000)
    (digest,) = save(large)
    assert files(data) == [data / "blobs" / digest[:2] / digest]
    assert Blob.objects.get(digest=digest).content is None


def test_a_large_file_lies_in_a_directory_that_nobody_else_may_enter(data: Path) -> None:
    (digest,) = save(incompressible(200_000))
    assert stat.S_IMODE((data / "blobs" / digest[:2]).stat().st_mode) == 0o700


def test_the_file_is_complete_before_the_row_is_written(data: Path) -> None:
    large = incompressible(200_000)
    (blob,) = store.prepare([large])
    assert not Blob.objects.exists()
    (path,) = files(data)
    assert path.name == hashlib.sha256(large).hexdigest()
    with transaction.atomic():
        store.save([blob])
    assert store.get(blob.digest) == large


def test_a_transaction_that_fails_leaves_no_row_and_can_be_repeated() -> None:
    large = incompressible(200_000)

    def fail() -> None:
        with transaction.atomic():
            store.save(store.prepare([large, b"small"]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not Blob.objects.exists()
    assert [store.get(digest) for digest in save(large, b"small")] == [large, b"small"]


def test_an_unknown_digest_is_missing() -> None:
    (known,) = save(b"known")
    with pytest.raises(BlobMissing, match="abc"):
        store.get("abc")
    with pytest.raises(BlobMissing, match="abc"):
        store.get_all([known, "abc"])


def test_a_file_that_is_gone_is_missing_and_the_text_names_it(data: Path) -> None:
    (digest,) = save(incompressible(200_000))
    (path,) = files(data)
    path.unlink()
    with pytest.raises(BlobMissing, match=str(path)):
        store.get(digest)


def test_a_missing_file_is_written_again_when_the_mail_comes_again(data: Path) -> None:
    large = incompressible(200_000)
    (digest,) = save(large)
    files(data)[0].unlink()
    save(large)
    assert store.get(digest) == large


def test_a_draft_that_a_crash_left_is_no_blob(data: Path) -> None:
    large = incompressible(200_000)
    digest = hashlib.sha256(large).hexdigest()
    folder = data / "blobs" / digest[:2]
    folder.mkdir(parents=True)
    (folder / f".{digest}.{os.getpid()}.dead").write_bytes(large[:1000])
    save(large)
    assert store.get(digest) == large

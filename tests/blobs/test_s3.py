"""Large contents in object storage, over real HTTP: kept once, verified, and a store that fails loses nothing."""

import asyncio
import hashlib
import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_django import Settings

from postvak.blobs import s3, store
from postvak.blobs.rows import Blob
from postvak.blobs.store import BlobCorrupt, BlobMissing, VaultUnreachable
from postvak.blobs.vault import open_vault
from postvak.configuration import Configuration, read_bucket
from postvak.models import Mailbox, Receipt
from postvak.receive.accept import Arrived, accept
from postvak.receive.fetch import fetch_mailbox
from postvak.receive.listener.writer import Parcel, commit
from tests.mails import mail
from tests.servers.dovecot import Dovecot
from tests.servers.s3 import NAME, S3Server
from tests.servers.scripted import scripted

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
counter = itertools.count()


def incompressible(size: int) -> bytes:
    return random.Random(size).randbytes(size)


LARGE = incompressible(200_000)


@pytest.fixture
def prefix(s3_server: S3Server, settings: Settings) -> str:
    """The installation's large contents lie below it, in the server's bucket."""
    found = f"desk/{next(counter)}"
    settings.CONFIGURATION = using(settings.CONFIGURATION, s3_server.environment(found))
    return found


@pytest.fixture(autouse=True)
def forget_vaults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test waits for the end of a pause that an earlier failure began."""
    monkeypatch.setattr(s3, "PAUSE", 0.0)
    open_vault.cache_clear()
    yield
    open_vault.cache_clear()


@pytest.fixture
def stopped(s3_server: S3Server, prefix: str) -> Iterator[S3Server]:
    """The store is down; the test may start it."""
    s3_server.stop()
    yield s3_server
    s3_server.stop()
    s3_server.start()


def using(configuration: Configuration, environment: dict[str, str]) -> Configuration:
    return replace(configuration, bucket=read_bucket(environment["POSTVAK_BLOBS"], environment))


def save(*contents: bytes) -> list[str]:
    blobs = store.prepare(contents)
    store.save(blobs)
    return [blob.digest for blob in blobs]


# -- kept ------------------------------------------------------------------------------


def test_large_ones_lie_in_the_bucket_and_small_ones_in_the_database(s3_server: S3Server, prefix: str) -> None:
    large, small = save(LARGE, b"small")
    assert list(s3_server.objects(prefix)) == [f"{prefix}/{large}"]
    assert Blob.objects.get(digest=large).content is None
    assert store.get_all([large, small]) == {large: LARGE, small: b"small"}
    assert large == hashlib.sha256(LARGE).hexdigest()


def test_the_same_bytes_are_kept_once_and_not_written_again(s3_server: S3Server, prefix: str) -> None:
    (digest,) = save(LARGE)
    s3_server.write(f"{prefix}/{digest}", b"marked")
    save(LARGE, LARGE)
    assert s3_server.objects(prefix) == {f"{prefix}/{digest}": b"marked"}
    assert Blob.objects.count() == 1


def test_what_retention_drops_is_removed_and_a_second_time_does_no_harm(s3_server: S3Server, prefix: str) -> None:
    digests = save(LARGE)
    store.remove(digests)
    store.remove(digests)
    assert s3_server.objects(prefix) == {}


def test_other_peoples_objects_are_left_out_of_the_list(s3_server: S3Server, prefix: str, settings: Settings) -> None:
    (digest,) = save(LARGE)
    s3_server.write(f"{prefix}/readme.txt", b"ours")
    s3_server.write(f"{prefix}/copy/{digest}", b"theirs")
    assert list(open_vault(settings.CONFIGURATION.bucket).digests()) == [digest]


def test_a_store_that_knows_no_conditions_gets_the_bytes_without_one(settings: Settings) -> None:
    taken: list[bytes] = []

    class Old(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            conditional = "If-None-Match" in self.headers
            answer = b"<Error><Code>NotImplemented</Code><Message>no</Message></Error>" if conditional else b""
            taken.extend([] if conditional else [content])
            self.send_response(501 if conditional else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        place = f"s3://b?endpoint=http://127.0.0.1:{server.server_address[1]}&region=x"
        environment = {"POSTVAK_BLOBS": place, "POSTVAK_BLOBS_KEY": "k", "POSTVAK_BLOBS_SECRET": "s"}
        settings.CONFIGURATION = using(settings.CONFIGURATION, environment)
        save(LARGE)
        server.shutdown()
    assert len(taken) == 1
    assert LARGE[:100_000] in taken[0], "random bytes are stored as they are inside the compressed frame"


# -- not to be trusted -------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["changed", "cut", "another", "empty"])
def test_bytes_that_are_not_those_that_were_stored_are_noticed(s3_server: S3Server, prefix: str, damage: str) -> None:
    digest, another = save(LARGE, incompressible(200_000)[::-1])
    packed = s3_server.objects(prefix)[f"{prefix}/{digest}"]
    content = {
        "changed": packed[:1000] + bytes([packed[1000] ^ 1]) + packed[1001:],
        "cut": packed[:-1],
        "another": s3_server.objects(prefix)[f"{prefix}/{another}"],
        "empty": b"",
    }[damage]
    s3_server.write(f"{prefix}/{digest}", content)
    with pytest.raises(BlobCorrupt, match=f"{digest} in s3://{NAME}/{prefix}.*damaged.*backup"):
        store.get(digest)
    found = store.find_all([digest, another])
    assert isinstance(found[digest], BlobCorrupt)
    assert isinstance(found[another], bytes)


def test_an_object_that_is_gone_is_missing_and_the_text_names_it(s3_server: S3Server, prefix: str) -> None:
    (digest,) = save(LARGE)
    s3_server.delete(f"{prefix}/{digest}")
    with pytest.raises(BlobMissing, match=f"{prefix}/{digest} is missing in s3://{NAME}.*backup"):
        store.get(digest)


# -- a store that fails -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "bucket", "said"),
    [
        ({"POSTVAK_BLOBS_KEY": "AKIAWRONG"}, NAME, r"does not accept the key .*POSTVAK_BLOBS_KEY"),
        ({"POSTVAK_BLOBS_SECRET": "geheim"}, NAME, r"does not accept the key .*POSTVAK_BLOBS_SECRET"),
        ({}, "no-such-bucket", r"There is no bucket no-such-bucket at http://127.*correct POSTVAK_BLOBS"),
    ],
)
def test_wrong_key_or_bucket_is_one_sentence_and_nothing_is_stored(
    s3_server: S3Server, mailbox: Mailbox, settings: Settings, change: dict[str, str], bucket: str, said: str
) -> None:
    environment = s3_server.environment("wrong", bucket=bucket) | change
    settings.CONFIGURATION = using(settings.CONFIGURATION, environment)
    with pytest.raises(VaultUnreachable, match=said) as caught:
        accept(mailbox, [Arrived("a/1", b"small"), Arrived("a/2", LARGE)])
    assert "geheim" not in str(caught.value)
    assert (Receipt.objects.count(), Blob.objects.count()) == (0, 0)


def test_a_store_that_is_down_stores_nothing_and_later_everything_once(stopped: S3Server, mailbox: Mailbox) -> None:
    mails = [Arrived("a/1", b"small"), Arrived("a/2", LARGE), Arrived("a/3", LARGE)]
    for _ in range(2):
        with pytest.raises(VaultUnreachable, match="can't be reached"):
            accept(mailbox, mails)
    assert (Receipt.objects.count(), Blob.objects.count()) == (0, 0)
    stopped.start()
    for _ in range(2):
        assert [receipt.source for receipt in accept(mailbox, mails)] == ["a/1", "a/2", "a/3"]
    assert (Receipt.objects.count(), Blob.objects.count()) == (3, 2)


def test_while_the_store_is_down_a_fetch_backs_off_and_touches_nothing_on_the_server(
    stopped: S3Server, dovecot: Dovecot
) -> None:
    dovecot.add_user("vault", "geheim")
    large = mail() + LARGE.hex().encode()
    dovecot.deliver("vault", large)
    box = Mailbox(name="V", host="localhost", port=dovecot.imaps, ca_pem=dovecot.ca_pem, username="vault")
    box.password, box.after_storing = "geheim", "delete"
    box.save()
    with pytest.raises(VaultUnreachable):
        fetch_mailbox(box, worker="test:1:x")
    box.refresh_from_db()
    assert (box.failures, box.last_problem) == (1, "not_stored")
    assert "can't be reached" in box.last_said
    assert dovecot.messages("vault") == [large]
    stopped.start()
    assert fetch_mailbox(box, worker="test:1:x").stored == 1
    assert store.get(Receipt.objects.get().blob_id) == large
    assert dovecot.messages("vault") == []


def test_while_the_store_is_down_the_listener_takes_small_mails_and_defers_large_ones(
    stopped: S3Server, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postvak.receive.listener.writer.close_old_connections", lambda: None)  # the test's own
    loop = asyncio.new_event_loop()
    contents = [b"small 1", LARGE, b"small 2", LARGE + b"2"]
    parcels = [Parcel(mailbox, Arrived(f"SMTP/{n}", raw), loop.create_future()) for n, raw in enumerate(contents)]
    assert commit(parcels) == [True, False, True, False]
    assert sorted(Receipt.objects.values_list("source", flat=True)) == ["SMTP/0", "SMTP/2"]
    stopped.start()
    assert commit(parcels) == [True] * 4
    assert Receipt.objects.count() == 4
    loop.close()


def test_a_store_that_hangs_is_waited_for_once_and_then_left_alone_for_a_while(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ANSWER_WITHIN", 2.0)
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    monkeypatch.setattr(s3, "PAUSE", 60.0)
    with scripted(b"") as port:
        place = f"s3://b?endpoint=http://127.0.0.1:{port}&region=x"
        environment = {"POSTVAK_BLOBS": place, "POSTVAK_BLOBS_KEY": "k", "POSTVAK_BLOBS_SECRET": "s"}
        settings.CONFIGURATION = using(settings.CONFIGURATION, environment)
        for longest in (60.0, 1.9):  # the second one doesn't wait
            started = time.monotonic()
            with pytest.raises(VaultUnreachable, match="can't be reached"):
                store.prepare([LARGE])
            assert time.monotonic() - started < longest


# -- the library --------------------------------------------------------------------------


def start(tmp_path: Path, code: str, place: str) -> "subprocess.CompletedProcess[str]":
    environment = {"POSTVAK_DATA": str(tmp_path), "POSTVAK_BLOBS": place, "PATH": "/usr/bin:/bin"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_without_the_library_the_start_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['boto3'] = None; from postvak.__main__ import main; main()"
    done = start(tmp_path, code, "s3://bucket")
    assert done.returncode == 1
    assert "pip install 'postvak[s3]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("place", "loaded"), [("files", "False"), ("s3://bucket?region=x", "True")])
def test_the_library_is_loaded_only_where_it_is_used(tmp_path: Path, place: str, loaded: str) -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'postvak.settings'; django.setup();"
        "from postvak.cli.commands import add; add(''); print('boto3' in sys.modules)"
    )
    assert start(tmp_path, code, place).stdout.strip() == loaded

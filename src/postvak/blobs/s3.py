"""Large contents in S3-compatible object storage: one object `prefix/<digest>` each.

Waiting is bounded: two attempts, and after a store that didn't answer the next ones are refused at once for a few
seconds, so that a batch doesn't wait for each of its mails. boto3 is imported by nothing else.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from time import monotonic
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from postvak.blobs.vault import DIGEST, BlobMissing, VaultUnreachable
from postvak.configuration import Bucket

CONNECT_WITHIN = 5  # seconds
ANSWER_WITHIN = 15  # seconds without a byte
ATTEMPTS = 2
PAUSE = 10.0  # seconds without a further attempt after one that got no answer
THERE = {"PreconditionFailed", "412"}
NO_CONDITIONS = {"NotImplemented", "501", "ConditionalRequestConflict", "409"}
NOT_THERE = {"NoSuchKey", "NotFound", "404"}
NO_BUCKET = {"NoSuchBucket"}
NOT_KNOWN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"}
NOT_ALLOWED = {"AccessDenied", "Forbidden", "403", "AllAccessDisabled"}


class Place:
    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.prefix = f"{bucket.prefix}/" if bucket.prefix else ""
        self.rests_until = 0.0
        self.said = ""
        with self.problems():
            self.client = connect(bucket)

    def __str__(self) -> str:
        return str(self.bucket)

    def put(self, digest: str, packed: bytes) -> None:
        """The content never changes, so writing it unconditionally is only a waste, never wrong."""
        with self.problems():
            try:
                self.upload(digest, packed, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) in NO_CONDITIONS:
                    self.upload(digest, packed)
                elif code_of(error) not in THERE:
                    raise

    def upload(self, digest: str, packed: bytes, **condition: str) -> None:
        """Content-MD5 makes the store refuse what was damaged on the way."""
        checksum = b64encode(md5(packed, usedforsecurity=False).digest()).decode()
        self.client.put_object(
            Bucket=self.bucket.name, Key=self.prefix + digest, Body=packed, ContentMD5=checksum, **condition
        )

    def get(self, digest: str) -> bytes:
        with self.problems():
            try:
                answer = self.client.get_object(Bucket=self.bucket.name, Key=self.prefix + digest)
                return bytes(answer["Body"].read())
            except ClientError as error:
                if code_of(error) not in NOT_THERE:
                    raise
                raise BlobMissing(
                    f"The object {self.prefix}{digest} is missing in {self}. Restore it from your backup."
                ) from error

    def size(self, digest: str) -> int | None:
        with self.problems():
            try:
                return int(self.client.head_object(Bucket=self.bucket.name, Key=self.prefix + digest)["ContentLength"])
            except ClientError as error:
                if code_of(error) not in NOT_THERE:
                    raise
                return None

    def remove(self, digest: str) -> None:
        with self.problems():
            self.client.delete_object(Bucket=self.bucket.name, Key=self.prefix + digest)

    def digests(self) -> Iterator[str]:
        """S3 lists in the order of bytes, a thousand at a time."""
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket.name, Prefix=self.prefix))
        while True:
            with self.problems():
                page = next(pages, None)
            if page is None:
                return
            names = (entry["Key"].removeprefix(self.prefix) for entry in page.get("Contents", ()))
            yield from (name for name in names if DIGEST.fullmatch(name))

    @contextmanager
    def problems(self) -> Iterator[None]:
        """Whatever the library raises becomes VaultUnreachable with one sentence, without key or secret."""
        if monotonic() < self.rests_until:
            raise VaultUnreachable(self.said)
        try:
            yield
        except ClientError as error:
            raise VaultUnreachable(refusal(self.bucket, error)) from error
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no address
            self.said = f"{self.bucket} can't be reached ({error}). Check the network, POSTVAK_BLOBS and its key."
            self.rests_until = monotonic() + PAUSE
            raise VaultUnreachable(self.said) from error


def connect(bucket: Bucket) -> Any:
    """A client of the library, which has no types. Doesn't connect yet."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.endpoint or None,
        region_name=bucket.region or None,
        aws_access_key_id=bucket.key or None,
        aws_secret_access_key=bucket.secret or None,
        config=Config(
            connect_timeout=CONNECT_WITHIN,
            read_timeout=ANSWER_WITHIN,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            request_checksum_calculation="when_required",  # others than Amazon don't know the new ones
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if bucket.endpoint else "auto"},
        ),
    )


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def refusal(bucket: Bucket, error: ClientError) -> str:
    """What the store said, and what to do."""
    code = code_of(error)
    if code in NO_BUCKET:
        return f"There is no bucket {bucket.name} at {bucket.place}. Make it, or correct POSTVAK_BLOBS."
    if code in NOT_KNOWN:
        return (
            f"{bucket.place} does not accept the key for bucket {bucket.name} ({code}). "
            "Check POSTVAK_BLOBS_KEY and POSTVAK_BLOBS_SECRET, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if code in NOT_ALLOWED:
        return (
            f"{bucket.place} allows too little in bucket {bucket.name} ({code}). "
            "The key needs to list the bucket and to get, put and delete its objects."
        )
    said = error.response.get("Error", {}).get("Message", "")
    return f"{bucket.place} refuses for now ({code}: {said}). Postvak tries again."

"""S3-compatible object storage on loopback: moto's server, a real HTTP API with keys and rights, in this process.

It may be stopped and started again on its port; what it holds stays.
"""

import json
import logging
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import boto3
from moto.server import ThreadedMotoServer

from tests.servers import free_port

NAME = "postvak-test"
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass
class S3Server:
    """`key` and `secret` may do everything with the bucket NAME; others may do nothing."""

    port: int = field(default_factory=free_port)
    key: str = "open"
    secret: str = "open"

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["S3Server"]:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = cls()
        # What this machine has of AWS is none of our business, nor are proxies.
        with patch.dict(os.environ, {"AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}):
            server.start()
            try:
                server.prepare()
                yield server
            finally:
                server.stop()

    def start(self) -> None:
        self.thread = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self.thread.start()

    def stop(self) -> None:
        self.thread.stop()

    def prepare(self) -> None:
        """Bucket, user, key; from then on keys are checked."""
        self.post("/moto-api/reset")
        self.client("s3").create_bucket(Bucket=NAME)
        users = self.client("iam")
        users.create_user(UserName="postvak")
        users.put_user_policy(UserName="postvak", PolicyName="all", PolicyDocument=json.dumps(RIGHTS))
        made = users.create_access_key(UserName="postvak")["AccessKey"]
        self.key, self.secret = made["AccessKeyId"], made["SecretAccessKey"]
        self.post("/moto-api/reset-auth", b"0")

    def post(self, path: str, body: bytes = b"") -> None:
        request = urllib.request.Request(self.endpoint + path, body, {"Content-Type": "text/plain"}, method="POST")
        urllib.request.urlopen(request).close()

    def client(self, service: str = "s3") -> Any:
        return boto3.session.Session().client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, prefix: str, *, bucket: str = NAME) -> str:
        """As in POSTVAK_BLOBS."""
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}&region=us-east-1"

    def environment(self, prefix: str, *, bucket: str = NAME) -> dict[str, str]:
        """For an installation whose large contents lie here."""
        return {
            "POSTVAK_BLOBS": self.url(prefix, bucket=bucket),
            "POSTVAK_BLOBS_KEY": self.key,
            "POSTVAK_BLOBS_SECRET": self.secret,
        }

    # -- what lies there ------------------------------------------------------------

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Key -> content."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=NAME, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: client.get_object(Bucket=NAME, Key=key)["Body"].read() for key in keys}

    def write(self, key: str, content: bytes) -> None:
        self.client().put_object(Bucket=NAME, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.client().delete_object(Bucket=NAME, Key=key)

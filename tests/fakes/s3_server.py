"""A store that speaks S3, as a process on a loopback port; what it holds goes with it."""

import re
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3

from coghub.storage.s3_access import S3Access, S3Place

REGION = "eu-west-1"
KEY, SECRET = "key-of-tests", "secret-of-tests"


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    address: str

    @property
    def access(self) -> S3Access:
        """How our storage reaches it."""
        return S3Access(self.address, REGION, KEY, SECRET)

    @property
    def environ(self) -> dict[str, str]:
        """The same, as an operator says it."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def client(self) -> Any:
        """Return a client that is not ours."""
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def new_place(self, prefix: str = "hubs/one") -> S3Place:
        """Return a place in a bucket that is made."""
        bucket = f"bucket-{uuid4().hex[:12]}"
        where = {"LocationConstraint": REGION}
        self.client().create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        return S3Place(bucket, prefix)

    def keys(self, place: S3Place) -> list[str]:
        """Return all keys of a bucket."""
        found = self.client().list_objects_v2(Bucket=place.bucket)
        return [each["Key"] for each in found.get("Contents", ())]

    def partial(self, place: S3Place) -> list[str]:
        """Return the keys of objects that are there in parts only."""
        found = self.client().list_multipart_uploads(Bucket=place.bucket)
        return [each["Key"] for each in found.get("Uploads", ())]


@contextmanager
def s3_server() -> Generator[S3Server]:
    """Run a server while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    reader = threading.Thread(target=lambda lines: [*lines], args=[process.stderr])
    try:
        said = next(filter(None, (re.search(r"http://\S+:\d+", it) for it in process.stderr)))
        reader.start()
        yield S3Server(said[0])
    finally:
        process.kill()
        process.wait()
        if reader.is_alive():
            reader.join()
        process.stderr.close()

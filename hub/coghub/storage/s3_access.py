"""Where in S3 a hub's objects are, and what opens it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class S3Access:
    """How a store that speaks S3 is reached.

    Without keys the store's client looks for the rights of the machine or container it runs on.
    """

    endpoint: str | None = None
    """Such as `http://127.0.0.1:9000`; None is Amazon's."""
    region: str = DEFAULT_REGION
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, and what the keys in it begin with."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, key: str) -> str:
        """Return how the bucket calls one of our keys."""
        return f"{self.prefix}/{key}" if self.prefix else key


def s3_place(address: str) -> S3Place:
    """Return the place that an address such as `s3://bucket/prefix` names; it was checked."""
    parts = urlsplit(address)
    return S3Place(parts.netloc, parts.path.strip("/"))

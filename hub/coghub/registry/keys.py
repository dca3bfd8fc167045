"""Where blobs are in the storage."""

from coghub.domain.digest import hex_of

PREFIX = "blobs/sha256/"


def blob_key(digest: str) -> str:
    """Return the key of a blob's content; the digest is checked."""
    return f"{PREFIX}{hex_of(digest)}"

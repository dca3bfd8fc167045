"""Where blobs are in the storage."""

from coghub.domain.digest import hex_of, is_digest

PREFIX = "blobs/sha256/"


def blob_key(digest: str) -> str:
    """Return the key of a blob's content; the digest is checked."""
    return f"{PREFIX}{hex_of(digest)}"


def digest_of_key(key: str) -> str | None:
    """Return whose content a key is; None if it is no blob's."""
    digest = f"sha256:{key.removeprefix(PREFIX)}"
    return digest if is_digest(digest) else None

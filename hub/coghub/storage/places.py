"""Under which key of the storage a thing lies."""

from coghub.domain.digest import hex_of, is_digest

BLOBS = "blobs/sha256/"


def of_file(file_id: str) -> str:
    """Return the key of a file that a client uploaded."""
    return f"files/{file_id}"


def of_blob(digest: str) -> str:
    """Return the key of a blob of the registry, which equal bytes share."""
    return f"{BLOBS}{hex_of(digest)}"


def digest_of_blob(key: str) -> str | None:
    """Return whose content a key is; None if it is no blob's."""
    digest = f"sha256:{key.removeprefix(BLOBS)}"
    return digest if is_digest(digest) else None


def of_prediction_file(key: str) -> str:
    """Return the key of a file that went into or came out of a prediction."""
    return f"prediction-files/{key}"

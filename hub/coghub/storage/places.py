"""Under which key of the storage a thing lies."""


def of_file(file_id: str) -> str:
    """Return the key of a file that a client uploaded."""
    return f"files/{file_id}"


def of_blob(digest: str) -> str:
    """Return the key of a blob of the registry, which equal bytes share."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def of_prediction_file(key: str) -> str:
    """Return the key of a file that went into or came out of a prediction."""
    return f"prediction-files/{key}"

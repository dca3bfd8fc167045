"""Names of contents, as in the OCI image specification."""

import hashlib
import re

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """Return the digest of the content, such as "sha256:9f86…"."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def is_digest(text: str) -> bool:
    """Tell whether the text is a digest that names a file safely."""
    return _FORM.fullmatch(text) is not None


def hex_of(digest: str) -> str:
    """Return the part after the colon."""
    return digest.partition(":")[2]

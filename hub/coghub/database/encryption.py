"""Encrypts what rows must not show: secrets of models, secret inputs, webhook keys."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from coghub.domain.errors import KeyFileInvalid


class Box:
    """Seals and opens values with the hub's key.

    Source: Fernet (AES-128-CBC with HMAC-SHA256).
    """

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, value: bytes) -> bytes:
        """Return the value as nobody without the key can read it."""
        return self._fernet.encrypt(value)

    def open(self, sealed: bytes) -> bytes:
        """Return a sealed value.

        Raises:
            KeyFileInvalid: if it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise KeyFileInvalid("A stored secret was sealed with another key") from error


def read_box(path: Path) -> Box:
    """Return the box of a key file, which is made, for its owner alone, if it is not there.

    Raises:
        KeyFileInvalid: if the file holds no key.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
    try:
        return Box(path.read_bytes().strip())
    except ValueError as error:
        raise KeyFileInvalid(
            f"Not a key file: {path}", hint="Restore it from a backup of the data folder"
        ) from error

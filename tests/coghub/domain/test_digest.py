"""Digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.domain.digest import digest_of, hex_of, is_digest


@given(st.binary(max_size=50))
def test_a_digest_is_a_digest(content: bytes) -> None:
    assert is_digest(digest_of(content))
    assert digest_of(content) == f"sha256:{hex_of(digest_of(content))}"


@pytest.mark.parametrize(
    "text", ["", "sha256:", f"sha256:{'A' * 64}", f"sha256:{'0' * 64}\n", "../x"]
)
def test_what_could_name_another_file_is_none(text: str) -> None:
    assert not is_digest(text)

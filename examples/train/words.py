"""How a message is cut into words: the same for training and prediction."""

import re


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return re.findall(r"[a-z']+", text.lower())

"""Write text word by word, as a language model does, and show each word at once.

The model is a table of which word follows which two in `corpus.txt`: small enough to be read here,
and it streams like the large ones.
"""

import random
import time
from collections import defaultdict
from pathlib import Path

from cog import BasePredictor, ConcatenateIterator, Input, streaming


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Learn which words follow each pair of words."""
        words = Path("corpus.txt").read_text(encoding="utf-8").split()
        self.followers: dict[tuple[str, str], list[str]] = defaultdict(list)
        for first, second, third in zip(words, words[1:], words[2:], strict=False):
            self.followers[first, second].append(third)
        self.starts = [pair for pair in self.followers if pair[0][0].isupper()]

    @streaming
    def predict(
        self,
        max_words: int = Input(description="Longest text, in words", default=60, ge=2, le=1000),
        seed: int = Input(description="Equal seeds write equal texts", default=0),
        delay: float = Input(description="Seconds between words", default=0.05, ge=0, le=5),
    ) -> ConcatenateIterator[str]:
        """Yield the words of a new text; each one is sent as it is written."""
        choice = random.Random(seed)
        first, second = choice.choice(self.starts)
        yield f"{first} {second}"
        for _ in range(max_words - 2):
            if (first, second) not in self.followers:
                return
            time.sleep(delay)
            first, second = second, choice.choice(self.followers[first, second])
            yield f" {second}"

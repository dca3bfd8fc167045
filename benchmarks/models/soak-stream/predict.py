"""What `make soak` follows: words, one after the other."""

import time
from collections.abc import Iterator

from cog import BasePredictor


class Predictor(BasePredictor):
    """Counts."""

    def predict(self, text: str = "", count: int = 20) -> Iterator[str]:
        for number in range(count):
            print(number)
            time.sleep(0.01)
            yield f"{text} {number};"

"""A model that streams text, and waits for a file to go on where it is told to."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from cog import BasePredictor, Input, current_scope, streaming


class Predictor(BasePredictor):
    @streaming
    def predict(
        self, text: str = Input(default="a b c"), gate: str = "", fail: bool = False
    ) -> Iterator[str]:
        print("begin", flush=True)
        for number, word in enumerate(text.split()):
            if number == 1 and gate:
                while not (Path(os.environ["MODEL_FOLDER"]) / gate).exists():
                    time.sleep(0.005)
            yield word
        current_scope().record_metric("words", number + 1)
        if fail:
            raise ValueError("after the last word")

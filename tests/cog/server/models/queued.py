"""Says when it begins, and can be told to wait, to die and to grow."""

import os
import time
from pathlib import Path

from cog import BasePredictor


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Hold nothing yet."""
        self.held: list[bytes] = []

    def predict(self, text: str = "", action: str = "echo") -> str:
        """Do what is asked."""
        print(text, "begins")
        if action == "wait":
            while not Path(text).exists():
                time.sleep(0.001)
        elif action == "die":
            os._exit(7)
        elif action == "grow":
            self.held.append(b"x" * 200 * 1024**2)
        return f"{text} {os.getpid()}"

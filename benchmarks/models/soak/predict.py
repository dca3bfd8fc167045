"""What `make soak` runs: a short or a long call, and a file that comes back as it went."""

import shutil
import time
from typing import Any

from cog import BasePredictor, Path


class Predictor(BasePredictor):
    """Says hello, or gives a file back."""

    def predict(self, text: str = "", wait_s: float = 0, file: Path | None = None) -> Any:
        print(text)
        time.sleep(wait_s)
        if file is None:
            return "hello " + text
        copy = file.with_name("copy.bin")  # in a folder that goes with the prediction
        shutil.copyfile(file, copy)
        return Path(copy)

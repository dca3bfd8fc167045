"""A model with an input of every kind, that fails at nothing it may be given."""

import time
from typing import Any

from cog import BasePredictor, Input, Path, Secret


class Predictor(BasePredictor):
    def predict(
        self,
        text: str = Input(default="", max_length=100),
        pattern: str = Input(default="a", regex="^[a-z]*$"),
        count: int = Input(default=1, ge=0, le=1000),
        anything: int = Input(default=0),
        share: float = Input(default=0.5, ge=0, le=1),
        weight: float = Input(default=1.0),
        flag: bool = Input(default=False),
        choice: str = Input(default="a", choices=["a", "b"]),
        grade: int = Input(default=1, choices=[1, 2, 3]),
        words: list[str] = Input(default=[]),
        numbers: list[float] = Input(default=[]),
        table: dict = Input(default={}),
        whatever: Any = Input(default=None),
        maybe: int | None = Input(default=None),
        key: Secret = Input(default=None),
        file: Path = Input(default=None),
        files: list[Path] = Input(default=[]),
        wait_s: float = Input(default=0, ge=0, le=1),
    ) -> Any:
        print(text)
        time.sleep(wait_s / 10)
        sizes = [path.stat().st_size for path in [file, *files] if path is not None]
        return {"text": text, "count": count, "words": words, "table": table, "sizes": sizes}

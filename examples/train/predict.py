"""Sort a message with the weights that `train.py` wrote."""

import json
import math

from cog import BaseModel, BasePredictor, Input, Path

from words import words_of


class Output(BaseModel):
    label: str
    confidence: float


class Predictor(BasePredictor):
    def setup(self, weights: Path | None = None) -> None:
        """Load the weights that the variable COG_WEIGHTS names: a path or a URL."""
        if not weights:
            raise ValueError(
                "No weights: run `cog train` first, then set COG_WEIGHTS to its output"
            )
        learnt = json.loads(Path(weights).read_text(encoding="utf-8"))
        self.smoothing: float = learnt["smoothing"]
        self.counts: dict[str, dict[str, int]] = learnt["counts"]
        self.vocabulary = {word for counts in self.counts.values() for word in counts}

    def predict(self, text: str = Input(description="Message to sort", min_length=1)) -> Output:
        """Return the most likely label of the message."""
        scores = {label: self.score(words_of(text), label) for label in self.counts}
        best = max(scores, key=lambda label: scores[label])
        total = sum(math.exp(score - scores[best]) for score in scores.values())
        return Output(label=best, confidence=round(1 / total, 3))

    def score(self, words: list[str], label: str) -> float:
        """Return the logarithm of how likely these words are under the label."""
        counts = self.counts[label]
        total = sum(counts.values()) + self.smoothing * len(self.vocabulary)
        return sum(math.log((counts.get(word, 0) + self.smoothing) / total) for word in words)

"""Learn to sort short messages, and write what was learnt to a weights file."""

import csv
import json
import tempfile
from collections import Counter

from cog import Input, Path, current_scope

from words import words_of


def train(
    messages: Path = Input(description="CSV file with the columns `label` and `text`"),
    smoothing: float = Input(
        description="Count given to words never seen with a label", default=1.0, ge=0.01, le=10
    ),
) -> Path:
    """Count the words of each label: a naive Bayes classifier."""
    counts: dict[str, Counter[str]] = {}
    with messages.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            counts.setdefault(row["label"], Counter()).update(words_of(row["text"]))
    for label, words in sorted(counts.items()):
        print(f"{label}: {words.total()} words, {len(words)} different")
    current_scope().record_metric("labels", len(counts))
    weights = Path(tempfile.mkdtemp()) / "weights.json"
    weights.write_text(json.dumps({"smoothing": smoothing, "counts": counts}), encoding="utf-8")
    return weights

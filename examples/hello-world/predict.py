"""The smallest model: text in, text out."""

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Make ready once what every prediction needs; a real model loads its weights here."""
        self.prefix = "hello"

    def predict(self, text: str = Input(description="Whom to greet")) -> str:
        """Run one prediction."""
        return f"{self.prefix} {text}"

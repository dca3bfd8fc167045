"""The smallest model whose answer can be checked: what is measured is the road to it and back."""

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    """Adds one."""

    def predict(self, number: int = Input(description="Any number", ge=0, le=1_000_000)) -> int:
        return number + 1

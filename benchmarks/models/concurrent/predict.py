"""The same model as an async one: 32 predictions may run at a time."""

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    """Adds one."""

    async def predict(
        self, number: int = Input(description="Any number", ge=0, le=1_000_000)
    ) -> int:
        return number + 1

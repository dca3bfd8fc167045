"""BentoML: the model that adds one, a synchronous one."""

import bentoml


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Adder:
    """Adds one."""

    @bentoml.api
    def predict(self, number: int) -> dict:
        """Answer in the words that the load client checks."""
        return {"status": "succeeded", "output": number + 1}

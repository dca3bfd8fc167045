"""The classes that a model may inherit from, in both spellings; neither is required."""

from collections.abc import Callable
from typing import Any

from cog.scope import Scope, current_scope


class BaseRunner:
    """A model with `setup()` and `run()`; `predict()` is the same under its older name.

    A subclass defines one of the two; the other one calls it.
    """

    def setup(self, weights: Any = None) -> None:
        """Load the model; called once, before the first prediction.

        Args:
            weights: What `COG_WEIGHTS` names. Passed only to a `setup` with a parameter
                of that very name.
        """

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run a single prediction.

        Raises:
            NotImplementedError: if the subclass defines neither `run` nor `predict`.
        """
        if type(self).predict is BaseRunner.predict:
            raise NotImplementedError("run has not been implemented by parent class.")
        return self.predict(*args, **kwargs)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Run a single prediction; an equal name of `run`."""
        return self.run(*args, **kwargs)

    @property
    def scope(self) -> Scope:
        """The scope of the running prediction; see `current_scope`."""
        return current_scope()

    def record_metric(self, key: str, value: Any, mode: str | None = "replace") -> None:
        """Record a metric of the running prediction; see `Metrics.record`."""
        self.scope.record_metric(key, value, mode)


class BasePredictor(BaseRunner):
    """A model with `setup()` and `predict()`: what most models in the wild inherit from."""


def load_predictor_from_ref(ref: str) -> BaseRunner | Callable[..., Any]:
    """Return an instance of the class that a reference such as `predict.py:Predictor` names.

    A reference to a function returns the function.

    Raises:
        ModelLoadError: if the file cannot be imported or has no such name.
    """
    from cog.schema.loading import load  # noqa: PLC0415 - `import cog` stays light

    return load(ref, "predict").instantiate()

"""Big files for models: fetched in parallel, taken up again, checked, unpacked on the way."""

from cog.weights.fetching import fetch

__all__ = ["fetch"]

"""Big files for models: fetched in parallel, taken up again, checked, unpacked, and kept."""

from cog.weights.cache import Entry, Usage, WeightsCache
from cog.weights.fetching import fetch

__all__ = ["Entry", "Usage", "WeightsCache", "fetch"]

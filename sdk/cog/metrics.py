"""The metrics of one prediction, and the rules that names and values keep.

The rules are checked here, in the user's own call, so that a mistake has the user's traceback.
Adding up happens elsewhere: every accepted call is passed on as (name, value, mode).
"""

import warnings
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

MAX_NAME_LENGTH = 128
MAX_SEGMENTS = 4
VALUE_TYPES = (bool, int, float, str, list, dict)
MODES = {
    None: "replace",
    "replace": "replace",
    "incr": "increment",
    "increment": "increment",
    "append": "append",
}


class Metrics(MutableMapping[str, Any]):
    """What this prediction recorded so far, by full dotted name.

    `m[k] = v` replaces, `m[k] = None` and `del m[k]` delete.
    """

    def __init__(self, on_metric: Callable[[str, Any, str], None]) -> None:
        self._on_metric = on_metric
        self._values: dict[str, Any] = {}
        self._types: dict[str, type] = {}

    def record(self, key: str, value: Any, mode: str | None = "replace") -> None:
        """Record a metric under a name whose dots nest, such as `timing.preprocess`.

        A number that is not finite has no JSON: it is left out, with a warning.

        Args:
            key: 1 to 4 segments of letters, digits and underscores.
            value: bool, int, float, str, list or dict.
            mode: `replace`, `increment` (or `incr`) to add a number, `append` to add to a list.

        Raises:
            ValueError: if the name breaks a rule.
            TypeError: if the value's type, or the mode, is not one of these,
                or the name already has a value of another type.
        """
        check_name(key)
        way = normal_mode(mode)
        kind = _type_of(value, way)
        self._keep_type(key, kind)
        if not _is_finite(value):
            warnings.warn(f"metric '{key}' is left out: {value!r} has no JSON", stacklevel=3)
            return
        self._types[key] = kind
        self._values[key] = _merged(self._values.get(key), value, way)
        self._on_metric(key, value, way)

    def delete(self, key: str) -> None:
        """Remove a metric and its type; one that was never recorded is no error."""
        check_name(key)
        self._values.pop(key, None)
        self._types.pop(key, None)
        self._on_metric(key, None, "replace")

    def _keep_type(self, key: str, kind: type) -> None:
        known = self._types.get(key, kind)
        if known is not kind:
            raise TypeError(
                f"Metric '{key}' has type {known.__name__}, "
                f"cannot set to {kind.__name__} without deleting first"
            )

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if value is None:
            self.delete(key)
        else:
            self.record(key, value)

    def __delitem__(self, key: str) -> None:
        self.delete(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Metrics({self._values!r})"


def check_name(name: str) -> None:
    """Accept a metric's name.

    Raises:
        TypeError: if it is no text.
        ValueError: naming the rule that it breaks.
    """
    if not isinstance(name, str):
        raise TypeError(f"metric name must be a string, not {type(name).__name__}")
    if not name:
        raise ValueError("metric name must not be empty")
    if name == "predict_time":
        raise ValueError("'predict_time' is reserved by the runtime")
    if name.startswith("cog."):
        raise ValueError("the 'cog.' prefix is reserved for system metrics")
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            f"metric name must be {MAX_NAME_LENGTH} characters or fewer "
            f"(got {len(name)} characters)"
        )
    _check_dots(name)
    for segment in name.split("."):
        _check_segment(segment)


def normal_mode(mode: str | None) -> str:
    """Return `replace`, `increment` or `append`.

    Raises:
        TypeError: if the mode is none of those, nor `incr` or None.
    """
    try:
        return MODES[mode]
    except (KeyError, TypeError):
        raise TypeError(
            f"Invalid metric mode: {mode!r}. Expected 'replace', 'incr', or 'append'."
        ) from None


def _check_dots(name: str) -> None:
    if name.startswith("."):
        raise ValueError("metric name must not start with a dot")
    if name.endswith("."):
        raise ValueError("metric name must not end with a dot")
    if ".." in name:
        raise ValueError("metric name must not contain empty segments (consecutive dots)")
    segments = name.count(".") + 1
    if segments > MAX_SEGMENTS:
        raise ValueError(
            f"metric name must have at most {MAX_SEGMENTS} dot-separated segments (got {segments})"
        )


def _check_segment(segment: str) -> None:
    if not (segment[0].isascii() and segment[0].isalpha()):
        raise ValueError(f"metric name segment '{segment}' must start with a letter")
    for character in segment:
        if not (character == "_" or (character.isascii() and character.isalnum())):
            raise ValueError(
                f"metric name segment '{segment}' contains invalid character '{character}'"
            )
    if "__" in segment:
        raise ValueError(
            f"metric name segment '{segment}' must not contain consecutive underscores"
        )
    if segment.endswith("_"):
        raise ValueError(f"metric name segment '{segment}' must end with a letter or digit")


def _type_of(value: Any, mode: str) -> type:
    """Return which of the allowed types the value has; a subclass counts as its base."""
    kind = next((kind for kind in VALUE_TYPES if isinstance(value, kind)), None)
    if kind is None:
        raise TypeError(
            f"Unsupported metric value type: {type(value).__name__}. "
            "Expected bool, int, float, str, list, or dict."
        )
    if mode == "increment" and kind not in {int, float}:
        raise TypeError(f"Increment mode requires int or float, got {kind.__name__}")
    return kind


def _is_finite(value: Any) -> bool:
    """Tell whether the value has a JSON form; what can never have one is an error."""
    if isinstance(value, (bool, int, str)):
        return True
    import json  # noqa: PLC0415 - `import cog` stays light

    try:
        json.dumps(value, allow_nan=False)
    except TypeError as error:
        raise TypeError(f"Cannot convert metric value to JSON: {error}") from error
    except ValueError:
        return False
    return True


def _merged(before: Any, value: Any, mode: str) -> Any:
    if mode == "increment":
        return (before or 0) + value
    if mode == "append" and before is not None:
        return [*before, value] if isinstance(before, list) else [before, value]
    return [value] if mode == "append" else value

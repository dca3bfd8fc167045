"""Inputs that hold files themselves: these are kept apart, and named where they stood."""

from collections.abc import Mapping
from typing import Any

from coghub.files.inline import InlineFiles
from coghub.predictions.places import is_described, places, with_values


async def without_files(
    schema: Mapping[str, Any], inputs: Mapping[str, Any], inline: InlineFiles
) -> dict[str, Any]:
    """Return the input with references in the places of files that it holds itself.

    A text that the schema calls no file is the model's as it is, also where it begins with `data:`.
    """
    if not is_described(schema):
        return {name: await inline.taken_out(value) for name, value in inputs.items()}
    found = places(schema, inputs, lambda it: it.get("format") == "uri")
    taken = {place: await inline.taken_out(value) for place, value in found.items()}
    return with_values(inputs, taken)

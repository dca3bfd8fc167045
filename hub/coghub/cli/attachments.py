"""Files of this machine on their way into a prediction.

A small file travels inside the request, as a data URL. A large one is served to the model's server
by address, unless the model wants text: then it is the data URL itself that the model asked for.
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coghub.cli.input_schema import Schema, is_file
from coghub.cli.input_text import AttachedFile, Inputs
from coghub.domain.errors import InputInvalid

MAX_INLINE_BYTES = 4 * 1024**2
"""Above this, a file is served: as JSON text it would be in memory several times over."""


def filled(
    inputs: Inputs, properties: Mapping[str, Schema], serve: Callable[[Path], str]
) -> dict[str, Any]:
    """Return the values with every file in its place.

    Args:
        inputs: the values, with placeholders where files belong.
        properties: the model's inputs.
        serve: makes an address for a file that the model's server can read.

    Raises:
        InputInvalid: if a file cannot be read any more.
    """
    values: Any = _copy(inputs.values)
    for file in inputs.files:
        *folders, last = file.at
        place = values
        for key in folders:
            place = place[key]
        place[last] = _url_of(file, properties.get(str(file.at[0]), {}), serve)
    return values


def _url_of(file: AttachedFile, schema: Schema, serve: Callable[[Path], str]) -> str:
    try:
        is_large = file.path.is_file() and file.path.stat().st_size > MAX_INLINE_BYTES
        if is_large and _wants_file(schema):
            return serve(file.path.absolute())
        content = base64.b64encode(file.path.read_bytes()).decode("ascii")
    except OSError as error:
        raise InputInvalid(
            f'input "{file.at[0]}": open {file.path}: {(error.strerror or str(error)).lower()}'
        ) from error
    return f"data:{file.media_type};base64,{content}"


def _wants_file(schema: Schema) -> bool:
    return is_file(schema) or is_file(schema.get("items", {}))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value

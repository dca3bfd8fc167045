"""A name of Cog before 0.17, which old models import."""

import io
import os
from typing import Any

from cog.encoding import NOT_A_LEAF, Place, to_json


def make_encodeable(obj: Any) -> Any:
    """Return a value as what `json.dumps` takes; files in it stay what they are.

    Raises:
        OutputError: if something else in it has no JSON form.
    """
    return to_json(obj, _kept_file)


def _kept_file(value: Any, _at: Place) -> Any:
    return value if isinstance(value, (os.PathLike, io.IOBase)) else NOT_A_LEAF

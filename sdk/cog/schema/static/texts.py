"""Annotations that are text, read without running them."""

import ast
from types import ModuleType
from typing import Any

from cog.schema.signatures import Evaluate
from cog.schema.static.libraries import Library
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Scope, State, scope_of, with_names
from cog.schema.static.unknown import CannotTell, GivesUp, known


def text_reader(machine: Machine) -> Evaluate:
    """Return what reads annotations that are text; see `signatures.texts_read_by`."""

    def read(text: str, names: dict[str, Any]) -> Any:
        state = names.get("__coghub_state__")
        if state is None:
            raise CannotTell(f"the annotation `{text}`")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (RecursionError, MemoryError) as error:
            raise GivesUp("an annotation is too deep") from error
        scope = scope_of(with_names(state, _stand_ins(names)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                _require(node.id, scope, state)
        return known(machine.evaluate(tree.body, scope))

    return read


def _stand_ins(names: dict[str, Any]) -> dict[str, Any]:
    """Return names with stand-ins for the modules that everyone knows."""
    return {
        name: Library(name) if type(value) is ModuleType else value
        for name, value in names.items()
        if name != "__builtins__"
    }


def _require(name: str, scope: Scope, state: State) -> None:
    """Raise what Python does for a name that means nothing."""
    if state.is_open and name not in state.names:
        raise CannotTell(f"`{name}` may come from an import that is not known")
    if not scope.has(name):
        raise NameError(f"name '{name}' is not defined")

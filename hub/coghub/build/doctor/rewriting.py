"""Edits of Python that leave all else as it stands: statements taken out, names taken out."""

import ast

from coghub.build.doctor.code import Module
from coghub.build.doctor.findings import Edit

WIDTH = 100


def replaced(module: Module, node: ast.expr | ast.stmt, text: str) -> Edit:
    """Put a text in place of a node."""
    start, end = _span(module, node)
    return Edit(module.path, start, end, text)


def named(
    module: Module, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, to: str
) -> Edit:
    """Give a class or function another name."""
    word = node.name
    start = module.text.offset(node.lineno, node.col_offset)
    place = module.text.content.index(word, start + len("def "))
    return Edit(module.path, place, place + len(word), to)


def removed(module: Module, node: ast.stmt) -> Edit | None:
    """Take a statement out with its lines; None if it shares them with another one.

    Where it is all that its block has, `pass` takes its place.
    """
    text = module.text
    last = node.end_lineno or node.lineno
    start, end = text.span(node.lineno, last)
    begin, finish = _span(module, node)
    before = text.content[start:begin]
    after = text.content[finish:end].strip()
    if before.strip() or (after and not after.startswith("#")):
        return None
    if _is_alone(module.tree, node):
        return Edit(module.path, begin, finish, "pass")
    return Edit(module.path, start, end, "")


def without_names(module: Module, node: ast.ImportFrom, names: set[str]) -> Edit | None:
    """Import some names no more; None where comments would be lost."""
    kept = [alias for alias in node.names if alias.name not in names]
    if not kept:
        return removed(module, node)
    start, end = _span(module, node)
    if "#" in module.text.content[start:end]:
        return None
    text = ast.unparse(ast.ImportFrom(node.module, kept, node.level))
    if node.col_offset + len(text) > WIDTH:
        indent, line_end = " " * node.col_offset, module.text.line_end
        lines = (f"{indent}    {ast.unparse(alias)}," for alias in kept)
        head = f"from {'.' * node.level}{node.module or ''} import ("
        text = line_end.join([head, *lines, f"{indent})"])
    return Edit(module.path, start, end, text)


def _span(module: Module, node: ast.expr | ast.stmt) -> tuple[int, int]:
    text = module.text
    last, column = node.end_lineno or node.lineno, node.end_col_offset or 0
    return text.offset(node.lineno, node.col_offset), text.offset(last, column)


def _is_alone(tree: ast.Module, node: ast.stmt) -> bool:
    if tree.body == [node]:
        return False
    blocks = (
        getattr(parent, name, None)
        for parent in ast.walk(tree)
        for name in ("body", "orelse", "finalbody")
    )
    return any(block == [node] for block in blocks)

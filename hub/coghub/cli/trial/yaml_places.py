"""Adding to a list in a YAML text, by its place, so that comments and layout stay."""

from typing import Any

import yaml

from coghub.cli.trial.yaml_values import flow_of, yaml_of


def appended(content: bytes, key: str, item: dict[str, Any]) -> bytes | None:
    """Return the content with an item more in the list under a key of its top.

    The key is added where it is missing. None: the text has a form in which that is not known.
    The caller reads the answer, to see that it says what it should.
    """
    try:
        text = content.decode("utf-8")
        root = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    node = _under(root, key)
    if node is None:
        added = _ended(text, newline) + f"{key}:\n" + yaml_of([item], "  ")
    elif isinstance(node, yaml.SequenceNode) and node.value:
        added = _behind(text, node, item)
    else:
        added = _instead(text, node, item)
    return None if added is None else _with_newlines(added, newline).encode()


def _under(root: Any, key: str) -> Any:
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _behind(text: str, node: Any, item: dict[str, Any]) -> str | None:
    """Return the text with an item behind the last one of a list."""
    offset = text.startswith("\ufeff")
    if node.flow_style:
        end = node.end_mark.index - 1 + offset
        body = text[:end].rstrip()
        between = " " if body.endswith(",") else ", "
        return f"{body}{between}{flow_of(item)}{text[end:]}"
    end = _line_end(text, _last(node).end_mark.index + offset)
    indent = " " * node.start_mark.column
    head = _ended(text[:end], "\n")
    return head + yaml_of([item], indent) + text[end:]


def _instead(text: str, node: Any, item: dict[str, Any]) -> str | None:
    """Return the text with a list of one item in place of nothing, or of an empty list."""
    if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:null":
        return None
    offset = text.startswith("\ufeff")
    start, end = node.start_mark.index + offset, node.end_mark.index + offset
    rest = text[_line_end(text, end) :]
    comment = text[end : _line_end(text, end)].strip()
    head = text[:start].rstrip(" ") + (f"  {comment}" if comment else "")
    return f"{head.rstrip()}\n" + yaml_of([item], "  ") + rest


def _last(node: Any) -> Any:
    """Return the last node inside a block, which itself ends where the next token begins."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _line_end(text: str, index: int) -> int:
    """Return where the line of an index ends, its newline included."""
    end = text.find("\n", max(0, index - 1) if text[index - 1 : index] == "\n" else index)
    return len(text) if end < 0 else end + 1


def _ended(text: str, newline: str) -> str:
    return text if not text or text.endswith("\n") else text + newline


def _with_newlines(text: str, newline: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", newline)

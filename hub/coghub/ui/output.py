"""What a prediction has made, as blocks of a page: pictures, players, texts, tables, trees."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from mimetypes import guess_type
from typing import Any
from urllib.parse import unquote, urlsplit

from markupsafe import Markup

from coghub.ui.markdown import rendered
from coghub.ui.schema import is_text_stream
from coghub.ui.templates import to_json

MAX_ITEMS = 200
"""Of a list that are shown; the download has them all."""
MAX_TEXT_CHARACTERS = 256 * 1024
MAX_TREE_NODES = 2000
MAX_COLUMNS = 30
FEW_NUMBERS = 4
"""A list of so many stands in one cell of a table, such as the corners of a box."""
MAX_DEPTH = 3
"""Of objects in objects whose fields are shown one by one; what is deeper is a tree."""
WEB_URL = re.compile(r"https?://[^\s<>\"]{1,2000}")
DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.+=-]+)*,", re.ASCII)
"""How a file begins that a text holds itself; other texts may begin with `data:` too."""
MARKDOWN = re.compile(
    r"^(?:#{1,6} \S|```|> \S|(?:[-*]|\d+\.) \S.*\n(?:[-*]|\d+\.) \S|\|.+\|\n\|[ :|-]+\|)"
    r"|\*\*\S.*?\*\*",
    re.MULTILINE,
)
"""What no plain text has by chance: headings, code, quotations, lists, tables, bold words."""


class Kind(StrEnum):
    """How a block is shown; the words stand in templates and styles too."""

    IMAGES = "images"
    AUDIO = "audio"
    VIDEO = "video"
    TEXT = "text"
    TABLE = "table"
    TREE = "tree"
    FILE = "file"
    FIELDS = "fields"


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file with an address that a browser can fetch."""

    url: str
    name: str
    content_type: str
    is_ours: bool = True
    """It is fetched from the hub itself; others are only linked, lest they learn who looks."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an output that is shown in one way."""

    kind: Kind
    files: tuple[ShownFile, ...] = ()
    text: str = ""
    markdown: Markup | None = None
    """The text as HTML, where it is Markdown."""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    tree: Any = None
    fields: "tuple[tuple[str, list[Block]], ...]" = ()
    left_out: int = 0
    """How many items are not shown."""


FileOf = Callable[[str], ShownFile | None]
"""Returns the file that a text in an output names; None if it is a text like any other."""


def blocks_of(output: Any, document: Mapping[str, Any], file_of: FileOf) -> list[Block]:
    """Return what is to be shown, from top to bottom.

    Args:
        output: as the model made it, None before there is any.
        document: the OpenAPI document of the version.
        file_of: finds files.
    """
    if output is None:
        return []
    if isinstance(output, list) and is_text_stream(document):
        return [_text("".join(map(str, output)))]
    return list(_blocks(output, file_of, 0))


def _blocks(value: Any, file_of: FileOf, depth: int) -> Iterator[Block]:
    match value:
        case str():
            file = file_of(value)
            yield _text(value) if file is None else _of_file(file)
        case list() if value:
            yield from _of_list(value, file_of, depth)
        case Mapping() if value and (depth == 0 or _has_file(value, file_of)):
            shown = list(value.items())[:MAX_ITEMS]
            named = tuple((str(name), list(_blocks(it, file_of, depth + 1))) for name, it in shown)
            yield Block(Kind.FIELDS, fields=named, left_out=len(value) - len(shown))
        case list() | Mapping():
            yield _tree(value)
        case _:
            yield _text(_scalar(value))


def _of_list(items: list[Any], file_of: FileOf, depth: int) -> Iterator[Block]:
    shown = items[:MAX_ITEMS]
    left_out = len(items) - len(shown)
    files = [file_of(it) if isinstance(it, str) else None for it in shown]
    if all(files):
        yield from _of_files([it for it in files if it is not None], left_out)
    elif columns := _columns(shown):
        rows = tuple(
            tuple(_scalar(row[name]) if name in row else "" for name in columns) for row in shown
        )
        yield Block(Kind.TABLE, columns=columns, rows=rows, left_out=left_out)
    elif depth < MAX_DEPTH and _has_file(shown, file_of):
        named = tuple(
            (str(number), list(_blocks(it, file_of, depth + 1))) for number, it in enumerate(shown)
        )
        yield Block(Kind.FIELDS, fields=named, left_out=left_out)
    elif all(isinstance(it, str) for it in shown) and len(shown) == 1:
        yield _text(shown[0])
    else:
        yield _tree(items)


def _has_file(value: Any, file_of: FileOf, depth: int = 0) -> bool:
    match value:
        case str():
            return file_of(value) is not None
        case list() if depth < MAX_DEPTH:
            return any(_has_file(it, file_of, depth + 1) for it in value[:MAX_ITEMS])
        case Mapping() if depth < MAX_DEPTH:
            return any(_has_file(it, file_of, depth + 1) for it in value.values())
    return False


def _of_files(files: Iterable[ShownFile], left_out: int) -> Iterator[Block]:
    """Put pictures that follow each other into one gallery."""
    gallery = list[ShownFile]()
    for file in files:
        block = _of_file(file)
        if block.kind is Kind.IMAGES:
            gallery.append(file)
            continue
        if gallery:
            yield Block(Kind.IMAGES, files=tuple(gallery))
            gallery.clear()
        yield block
    if gallery:
        yield Block(Kind.IMAGES, files=tuple(gallery), left_out=left_out)
    elif left_out:
        yield Block(Kind.TEXT, text=f"and {left_out} more")


IMAGE_TYPES = {
    f"image/{it}" for it in ("png", "jpeg", "gif", "webp", "avif", "bmp", "x-icon", "svg+xml")
}


def media_kind(content_type: str) -> Kind:
    """Return how a file of some type is shown."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in IMAGE_TYPES:
        return Kind.IMAGES
    return {"audio": Kind.AUDIO, "video": Kind.VIDEO}.get(kind.partition("/")[0], Kind.FILE)


def _of_file(file: ShownFile) -> Block:
    kind = media_kind(file.content_type) if file.is_ours else Kind.FILE
    return Block(kind, files=(file,))


def file_at(url: str, *, is_ours: bool) -> ShownFile:
    """Return the file at an address, its type read from its name."""
    if DATA_URI.match(url):
        kind = url[5:].partition(",")[0].partition(";")[0] or "text/plain"
        return ShownFile(url, f"output.{kind.rpartition('/')[2]}", kind)
    name = unquote(urlsplit(url).path.rpartition("/")[2]) or "file"
    return ShownFile(url, name, guess_type(name)[0] or "application/octet-stream", is_ours)


def _columns(items: list[Any]) -> tuple[str, ...]:
    """Return the columns of a list of flat objects; none if it is anything else."""
    names = dict[str, None]()
    for item in items:
        if not isinstance(item, Mapping) or not item or not all(map(_is_flat, item.values())):
            return ()
        names.update(dict.fromkeys(map(str, item)))
    return tuple(names) if len(names) <= MAX_COLUMNS else ()


def _is_flat(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= FEW_NUMBERS and all(isinstance(it, (int, float)) for it in value)
    return not isinstance(value, Mapping)


def _text(text: str) -> Block:
    shown = text[:MAX_TEXT_CHARACTERS]
    is_markdown = MARKDOWN.search(shown) is not None
    return Block(
        Kind.TEXT,
        text=shown,
        markdown=rendered(shown) if is_markdown else None,
        left_out=len(text) - len(shown),
    )


def _tree(value: Any) -> Block:
    """Return a tree, cut where it has too many nodes."""
    left = MAX_TREE_NODES

    def kept(inner: Any) -> Any:
        nonlocal left
        left -= 1
        match inner:
            case Mapping():
                return {str(name): kept(it) for name, it in inner.items() if left > 0}
            case list():
                return [kept(it) for it in inner if left > 0]
        return inner

    return Block(Kind.TREE, tree=kept(value), left_out=0 if left > 0 else 1)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)

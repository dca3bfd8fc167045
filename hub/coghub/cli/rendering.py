"""Showing an output: files are written, text and JSON go to stdout, or all of it to `-o`.

Pieces arrive while the prediction runs. Files are written as they come. Text and JSON are printed
as they come where a person watches; a script gets them whole, or not at all.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from coghub.cli.data_url import content_of
from coghub.cli.go_json import go_json
from coghub.cli.nested_files import files_written
from coghub.cli.output import Console
from coghub.cli.output_kind import OutputKind
from coghub.cli.output_place import OutputPlace
from coghub.domain.errors import CoghubError
from coghub.domain.instance_event import Completed, Output

FILE_MODE = 0o755
"""As Cog writes them, less the umask."""


class Renderer(Protocol):
    """What becomes of the output of one prediction."""

    def receive(self, output: Output) -> None:
        """Take a piece of the output, or the whole."""
        ...

    def complete(self, completed: Completed) -> None:
        """Show what has not been shown yet."""
        ...


def renderer(
    console: Console, kind: OutputKind, place: OutputPlace, *, reports_json: bool
) -> Renderer:
    """Return what fits the kind of output, the place it goes to, and who watches."""
    if reports_json:
        return JSONReport(console, place, kind)
    if console.may_stream and not place.is_given and kind in (OutputKind.TOKENS, OutputKind.JSON):
        return LiveText(console, kind)
    return Whole(console, kind, place)


@dataclass
class FileWriter:
    """Writes output files and says so."""

    console: Console
    place: OutputPlace

    def write_url(self, url: str, index: int | None = None) -> str:
        """Write the file behind a URL and return its path."""
        content = content_of(url)
        place = self.place
        path = place.single(content.suffix) if index is None else None
        return self.write(path or place.numbered(index or 0, content.suffix), content.data)

    def write_nested(self, value: Any, *, label: str = "") -> Any:
        """Write the files inside an object or list, and return it with their paths."""
        return files_written(value, self._write_labelled, label=label)

    def _write_labelled(self, url: str, label: str) -> str:
        content = content_of(url)
        return self.write(self.place.labelled(label, content.suffix), content.data)

    def write(self, path: Path, data: bytes) -> str:
        """Write a file and return its path.

        Raises:
            CoghubError: if it cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except OSError as error:
            raise CoghubError(f"Failed to write output to {path}: {error.strerror}") from error
        self.console.say(f"Written output to{'' if self.console.is_rich else ':'} {path}")
        return str(path)

    def write_all(self, urls: list[Any]) -> list[Any]:
        """Write each file of a list and return their paths."""
        return [
            self.write_url(url, index) if isinstance(url, str) else url
            for index, url in enumerate(urls)
        ]

    def write_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Write each field that is a file, the weights under the wanted name itself."""
        written = dict(fields)
        urls = {name: url for name, url in fields.items() if str(url).startswith("data:")}
        for name, url in urls.items():
            content = content_of(url)
            path = self.place.single(content.suffix)
            if name != "weights" and len(urls) > 1:
                path = path.with_name(f"{path.stem}.{name}{content.suffix}")
            written[name] = self.write(path, content.data)
        return written


@dataclass
class Collected:
    """An output as it has arrived so far."""

    value: Any = None
    written: int = 0
    """How many of its items are files that have been written."""

    def add(self, output: Output) -> None:
        if output.index is None:
            self.value = output.chunk
        elif isinstance(self.value, list):
            self.value.append(output.chunk)
        else:
            self.value = [output.chunk]


@dataclass
class Whole:
    """Shows the output at the end, but for files, which are written as they come."""

    console: Console
    kind: OutputKind
    place: OutputPlace
    output: Collected = field(default_factory=Collected)

    def receive(self, output: Output) -> None:
        self.output.add(output)
        is_file = self.kind is OutputKind.FILES and isinstance(output.chunk, str)
        if is_file and output.index is not None:
            FileWriter(self.console, self.place).write_url(output.chunk, output.index)
            self.output.written += 1

    def complete(self, completed: Completed) -> None:
        value = self.output.value
        if value is None and completed.is_list:
            value = list[Any]()
        writer = FileWriter(self.console, self.place)
        match self.kind, value:
            case (_, None) | (OutputKind.FILES, []):
                self.console.warn("No output generated")
            case OutputKind.FILE, str():
                writer.write_url(value)
            case OutputKind.FILES, list():
                if not self.output.written:
                    writer.write_all(value)
            case OutputKind.FIELDS, dict():
                self.console.result(go_json(writer.write_fields(value)) + "\n")
            case OutputKind.TEXT, str():
                self._show(value, end="\n")
            case _:
                self._show_json(value, writer)

    def _show_json(self, value: Any, writer: FileWriter) -> None:
        """Show JSON: a person wants the files inside it as files, a script all of it in one."""
        if self.console.may_stream and not self.place.is_given:
            value = writer.write_nested(value)
        self._show(go_json(value) + "\n")

    def _show(self, text: str, end: str = "") -> None:
        if self.place.is_given:
            data = text.encode("utf-8", "replace")
            FileWriter(self.console, self.place).write(self.place.path, data)
        else:
            self.console.result(text + end)


@dataclass
class LiveText:
    """Prints each piece when it comes: tokens as text, other items as a growing JSON list."""

    console: Console
    kind: OutputKind
    pieces: int = 0
    whole: Any = None

    def receive(self, output: Output) -> None:
        if output.index is None:
            self.whole = output.chunk
            return
        if self.kind is OutputKind.TOKENS:
            self.console.result(str(output.chunk))
        else:
            start = ",\n  " if self.pieces else "[\n  "
            writer = FileWriter(self.console, OutputPlace())
            chunk = writer.write_nested(output.chunk, label=str(output.index))
            self.console.result(start + go_json(chunk, depth=1))
        self.pieces += 1

    def complete(self, completed: Completed) -> None:
        if self.pieces:
            self.console.result("\n" if self.kind is OutputKind.TOKENS else "\n]\n")
        else:
            rest = Whole(self.console, self.kind, OutputPlace())
            rest.receive(Output(self.whole, None))
            rest.complete(completed)


@dataclass
class JSONReport:
    """Prints one JSON object about the prediction when it has ended, also when it failed."""

    console: Console
    place: OutputPlace
    kind: OutputKind
    output: Collected = field(default_factory=Collected)

    def receive(self, output: Output) -> None:
        self.output.add(output)

    def complete(self, completed: Completed) -> None:
        report: dict[str, Any] = {
            "status": completed.status,
            "output": self._output(completed),
            "error": completed.error or "",
        }
        if completed.metrics:
            report["metrics"] = completed.metrics
        text = go_json(report, sort_keys=False) + "\n"
        if self.place.is_given:
            self._write(text)
        else:
            self.console.result(text)

    def _output(self, completed: Completed) -> Any:
        value = self.output.value
        if completed.status != "succeeded":
            return None
        writer = FileWriter(self.console, self.place.beside_json())
        if self.kind is OutputKind.FILE and isinstance(value, str):
            return writer.write_url(value)
        if self.kind is OutputKind.FILES and isinstance(value, list):
            return writer.write_all(value)
        if value is None and completed.is_list:
            return list[Any]()
        return writer.write_nested(value)

    def _write(self, text: str) -> None:
        path = self.place.path
        if path.suffix != ".json":
            self.console.warn(f"--output value does not have a .json suffix: {path.name}")
        FileWriter(self.console, self.place).write(path, text.encode())

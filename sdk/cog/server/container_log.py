"""What the container says: one line on stderr per fact, and the model's own output.

JSON lines with the keys of Cog's server, or text where a person reads. Stdout stays empty.
"""

import os
from datetime import datetime, timezone
from typing import Any

import msgspec

from cog.server.settings import LEVELS

MAX_LINE_CHARACTERS = 4 * 1024**2
MAX_FIELD_CHARACTERS = 64 * 1024
"""Of what the server itself says of something, such as a traceback."""
TRUNCATED = "[**** LOG LINE TRUNCATED AT 4 MiB ****]"
_WORDS = {LEVELS["debug"]: "DEBUG", LEVELS["info"]: "INFO", LEVELS["warning"]: "WARN"}


class ContainerLog:
    """Writes lines to a descriptor; never raises, as nobody may be reading."""

    def __init__(self, *, level: int, is_console: bool, descriptor: int = 2) -> None:
        self.level = level
        self.is_debug = level <= LEVELS["debug"]
        self._is_console = is_console
        self._descriptor = descriptor
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def debug(self, message: str, **fields: Any) -> None:
        self._write(LEVELS["debug"], message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write(LEVELS["info"], message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._write(LEVELS["warning"], message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write(LEVELS["error"], message, fields)

    def echo(self, source: str, lines: list[str], *, prediction_id: str | None) -> None:
        """Pass on whole lines that the model printed, in one write."""
        if self.level > LEVELS["info"]:
            return
        if self._is_console:
            self._put("".join(f"{line}\n" for line in lines).encode(errors="replace"))
            return
        fields = {"source": source}
        if prediction_id is not None:
            fields["prediction_id"] = prediction_id
        entries = [self._line("INFO", {"message": it, **fields}, "coglet::user") for it in lines]
        self._put(b"".join(entries))

    def _write(self, level: int, message: str, fields: dict[str, Any]) -> None:
        if level < self.level:
            return
        word = _WORDS.get(level, "ERROR")
        if self._is_console:
            rest = "".join(f" {name}={value}" for name, value in _short(fields).items())
            self._put(f"{_now()} {word:5} {message}{rest}\n".encode(errors="replace"))
        else:
            self._put(self._line(word, {"message": message, **_short(fields)}, "coglet"))

    def _line(self, word: str, fields: dict[str, Any], target: str) -> bytes:
        entry = {"timestamp": _now(), "level": word, "fields": fields, "target": target}
        try:
            return self._encode(entry) + b"\n"
        except UnicodeEncodeError:
            fields = {
                name: str(it).encode(errors="replace").decode() for name, it in fields.items()
            }
            return self._encode({**entry, "fields": fields}) + b"\n"

    def _put(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # noqa: PERF203 - the error is rare
                os.set_blocking(self._descriptor, True)
            except OSError:
                return


class LineAssembler:
    """Turns pieces of text into whole lines, capped in length."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._open_length = 0

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def feed(self, text: str) -> list[str]:
        """Return the lines that end in this piece, without their line ends."""
        *ended, rest = text.split("\n")
        lines: list[str] = []
        if ended:
            lines = [self._close(ended[0]), *(_capped(line) for line in ended[1:])]
        if rest:
            self._keep(rest)
        return lines

    def flush(self) -> list[str]:
        """Return what waits for its line end, if anything."""
        return [self._close("")] if self._open else []

    def _close(self, last: str) -> str:
        self._keep(last)
        line = _capped("".join(self._open))
        self._open.clear()
        self._open_length = 0
        return line

    def _keep(self, piece: str) -> None:
        """Keep one character more than a line may have, which shows that it was longer."""
        room = MAX_LINE_CHARACTERS + 1 - self._open_length
        if room > 0:
            self._open.append(piece[:room])
            self._open_length += min(len(piece), room)


def _capped(line: str) -> str:
    return line if len(line) <= MAX_LINE_CHARACTERS else line[:MAX_LINE_CHARACTERS] + TRUNCATED


def _short(fields: dict[str, Any]) -> dict[str, Any]:
    """Cut texts that a client or a model may have made as long as it liked."""
    return {
        name: f"{it[:MAX_FIELD_CHARACTERS]}…"
        if isinstance(it, str) and len(it) > MAX_FIELD_CHARACTERS
        else it
        for name, it in fields.items()
    }


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")

"""Prepared statements of PostgreSQL, run by libpq: a round trip each, and nearly nothing besides.

A cursor of psycopg finds out anew for each statement what its values are, and what comes back.
Here both are known: values are the few types that columns have.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus

TEXT, BINARY = 0, 1
"""How a value is sent; all that comes back is binary."""


class Link(psycopg.Connection[Any]):
    """A connection that remembers what was prepared on it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.prepared = dict[str, bytes]()
        """SQL → name."""


def execute(link: Link, sql: str, given: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Run a statement with values for `$1`, `$2`, …, and return the rows.

    Raises:
        psycopg.Error: as a cursor would.
    """
    wire: Any = link.pgconn
    name = link.prepared.get(sql)
    if name is None:
        name = b"coghub_%d" % len(link.prepared)
        _checked(wire, wire.prepare(name, sql.encode()))
        link.prepared[sql] = name
    formats = [BINARY if isinstance(value, bytes) else TEXT for value in given]
    values = [None if value is None else _SENT[type(value)](value) for value in given]
    return _rows(_checked(wire, wire.exec_prepared(name, values, formats, BINARY)))


def say(link: Link, words: str) -> None:
    """Run statements that return nothing, such as `BEGIN`, in one round trip.

    Raises:
        psycopg.Error: as a cursor would.
    """
    _checked(link.pgconn, link.pgconn.exec_(words.encode()))


def _checked(wire: Any, result: Any) -> Any:
    if result.status in _DONE:
        return result
    if wire.status == ConnStatus.BAD and not result.error_field(DiagnosticField.SQLSTATE):
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)


_DONE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


def _rows(result: Any) -> Sequence[Sequence[Any]]:
    columns = range(result.nfields)
    loads = [_FOUND[result.ftype(column)] for column in columns]
    return [
        [_loaded(result.get_value(row, column), loads[column]) for column in columns]
        for row in range(result.ntuples)
    ]


def _loaded(value: bytes | None, load: Callable[[bytes], Any]) -> Any:
    return None if value is None else load(value)


def without_nul(text: str) -> str:
    """Return text as PostgreSQL keeps it: it knows no NUL, which models may print."""
    return text.replace("\0", "\ufffd")


def _text(value: str) -> bytes:
    return without_nul(value).encode()


def _sent_truth(value: object) -> bytes:
    return b"t" if value else b"f"


def _sent_number(value: int) -> bytes:
    return b"%d" % value


class _Sent(dict[type, Callable[[Any], bytes]]):
    """How values of a type are sent."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        assert issubclass(kind, str), kind  # a word of an enumeration
        return _text


_SENT: Mapping[type, Callable[[Any], bytes]] = _Sent(
    {
        str: _text,
        bytes: bytes,
        bool: _sent_truth,
        int: _sent_number,
    }
)


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


def _truth(value: bytes) -> bool:
    return value == b"\1"


_FOUND: Mapping[int, Callable[[bytes], Any]] = {
    16: _truth,  # bool
    17: bytes,  # bytea
    20: _number,  # int8
    21: _number,  # int2
    23: _number,  # int4
    25: bytes.decode,  # text
    1043: bytes.decode,  # varchar
}
"""By the numbers that PostgreSQL gives to types, for ever."""

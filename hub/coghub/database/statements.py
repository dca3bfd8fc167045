"""Statements of the hot path: compiled once, and then run by the database's driver alone.

What SQLAlchemy does around a statement takes several times as long as the statement itself, and
each prediction needs a dozen. Everything else goes the usual way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Delete,
    Dialect,
    Insert,
    Row,
    RowMapping,
    Select,
    Update,
)
from sqlalchemy.engine import result_tuple
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeDecorator, TypeEngine

Element = Select[*tuple[Any, ...]] | Insert | Update | Delete
Convert = Callable[[Any], Any] | None
"""Makes of a value what is kept, or of what is kept a value; None where they are the same."""
Execute = Callable[[Any, str, Sequence[Any]], Sequence[Sequence[Any]]]
"""Runs SQL over a driver's connection and returns the rows."""


FEW = 8
"""Of more rows than these, SQLAlchemy makes one statement."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement for one kind of database."""

    sql: str
    given: Sequence[tuple[str, Any, Convert]]
    """Of each parameter: its name, its value where it is given none, and how it is kept."""
    found: Sequence[Convert]
    """Of each column that it returns."""
    execute: Execute
    errors: type[Exception]


class Statement:
    """A select, or a change."""

    def __init__(self, element: Element, *, sets: Sequence[str] = ()) -> None:
        """Prepare a statement.

        Args:
            element: as SQLAlchemy has it.
            sets: the columns that an update is given; an insert is given all of its table.
        """
        self._element = element
        self._sets = sets
        self._forms = dict[str, _Form]()
        self._row = result_tuple([column.name for column in element.exported_columns])

    def all(
        self, connection: Connection, values: Mapping[str, Any]
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """Run it, and return its rows."""
        return [self._row(row) for row in self._run(connection, values)]

    def first(
        self, connection: Connection, values: Mapping[str, Any]
    ) -> Row[*tuple[Any, ...]] | None:
        """Run it, and return the first row; None if there is none."""
        rows = self._run(connection, values)
        return self._row(rows[0]) if rows else None

    def mappings(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[RowMapping]:
        """Run it, and return its rows by the columns' names."""
        rows = self.all(connection, values)
        return [row._mapping for row in rows]  # noqa: SLF001 - as SQLAlchemy documents it

    def mapping(self, connection: Connection, values: Mapping[str, Any]) -> RowMapping | None:
        """Run it, and return the first row by the columns' names; None if there is none."""
        rows = self.mappings(connection, values)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it, and return the first column of the first row; None if there is none."""
        rows = self._run(connection, values)
        return rows[0][0] if rows else None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run what returns nothing."""
        self._run(connection, values)

    def run_each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a change once for each of some values."""
        if len(rows) > FEW:
            connection.execute(self._element, rows)
            return
        for values in rows:
            self._run(connection, values)

    def _run(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = self._form(dialect)
            known = {name for name, *_ in form.given}
            assert values.keys() <= known, f"No part of the statement: {values.keys() - known}"
        given = [
            value if convert is None else convert(value)
            for value, convert in (
                (values.get(name, usual), convert) for name, usual, convert in form.given
            )
        ]
        driver = connection.connection.dbapi_connection
        try:
            rows = form.execute(driver, form.sql, given)
        except form.errors as error:
            raise DBAPIError.instance(
                form.sql, None, error, form.errors, hide_parameters=True, dialect=dialect
            ) from error
        if not rows:
            return rows
        return [_converted(row, form.found) for row in rows]

    def _form(self, dialect: Dialect) -> _Form:
        style = "numeric_dollar" if dialect.name == "postgresql" else "qmark"
        assert isinstance(dialect, DefaultDialect)
        compiled = self._element.compile(
            dialect=type(dialect)(paramstyle=style), column_keys=list(self._sets) or None
        )
        assert isinstance(compiled, SQLCompiler)
        binds = [(name, compiled.binds[name]) for name in compiled.positiontup or ()]
        usual = {name: it.value for name, it in binds if not it.required}
        usual |= _defaults(self._element)
        return _Form(
            compiled.string,
            [(name, usual.get(name), _kept(it.type, dialect)) for name, it in binds],
            [_meant(column.type, dialect) for column in self._element.exported_columns],
            _execute_of(dialect),
            dialect.loaded_dbapi.Error,
        )


def _defaults(element: Element) -> Mapping[str, Any]:
    """Return what columns hold of a new row that is given nothing for them."""
    if not isinstance(element, Insert):
        return {}
    defaults = [(column.name, column.default) for column in element.table.columns]
    return {name: it.arg for name, it in defaults if isinstance(it, ScalarElementColumnDefault)}


def _converted(row: Sequence[Any], found: Sequence[Convert]) -> Sequence[Any]:
    return [
        value if convert is None else convert(value)
        for value, convert in zip(row, found, strict=True)
    ]


def _kept(kind: TypeEngine[Any], dialect: Dialect) -> Convert:
    if isinstance(kind, TypeDecorator):
        return lambda value: kind.process_bind_param(value, dialect)
    return None


def _meant(kind: TypeEngine[Any], dialect: Dialect) -> Convert:
    if isinstance(kind, TypeDecorator):
        return lambda value: kind.process_result_value(value, dialect)
    if isinstance(kind, Boolean) and dialect.name == "sqlite":
        return lambda value: None if value is None else bool(value)
    return None


def _execute_of(dialect: Dialect) -> Execute:
    if dialect.name == "sqlite":
        return _on_sqlite
    from coghub.database.prepared import execute  # noqa: PLC0415 - its driver loads slowly

    return execute


def _on_sqlite(driver: Any, sql: str, given: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return driver.execute(sql, given).fetchall()

"""Every row of a hub, whichever database it has: to compare, and to search."""

from sqlalchemy import select

from coghub.database.schema import metadata


async def all_rows(hub):
    """Return the rows of each table, as sorted texts."""

    def read(connection):
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in metadata.sorted_tables
        }

    return await hub.database.read(read)

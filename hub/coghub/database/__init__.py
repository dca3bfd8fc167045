"""Rows: the schema, its migrations, and queries. No rules live here, and no SQL elsewhere."""

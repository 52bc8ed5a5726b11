"""Alembic's entry: runs the migrations on the connection that `migrate` hands over, or prints them."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
schema = context.config.attributes.get("schema")
if connection is None:
    context.configure(
        dialect_name="postgresql", output_buffer=context.config.output_buffer, version_table_schema=schema
    )
else:
    context.configure(connection=connection, version_table_schema=schema)
with context.begin_transaction():
    context.run_migrations()

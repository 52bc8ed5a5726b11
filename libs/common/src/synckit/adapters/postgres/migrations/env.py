"""Alembic's entry: runs the migrations on the connection that `migrate` hands over, or prints them."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    context.configure(dialect_name="postgresql", output_buffer=context.config.output_buffer)
else:
    context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()

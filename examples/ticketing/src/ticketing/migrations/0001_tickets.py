"""The one table."""

from synckit.postgres.migrations.script import execute

revision = "0001"
kind = "expand"
down_revision = None

TABLES = """
CREATE TABLE ticketing.ticket (
    id text PRIMARY KEY,
    title text NOT NULL,
    state text NOT NULL DEFAULT 'new',
    opened_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1,
    history jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX ON ticketing.ticket (due_at) WHERE state = 'new';
"""


def upgrade() -> None:
    execute(TABLES)

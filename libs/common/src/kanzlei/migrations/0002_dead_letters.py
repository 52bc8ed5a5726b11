"""What people did about dead letters: sent again or dropped."""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0002"
kind = "expand"
down_revision = "0001"
branch_labels = None
depends_on = None

DEAD_LETTERS = """
CREATE TABLE dead_letter (
    topic         text NOT NULL,
    partition     integer NOT NULL,
    record_offset bigint NOT NULL,
    -- A cluster that was made anew gives its offsets out again.
    buried_ms     bigint NOT NULL,
    how           text NOT NULL CHECK (how IN ('redriven', 'dropped')),
    who           text NOT NULL,
    settled_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset, buried_ms)
);
CREATE INDEX dead_letter_settled ON dead_letter (settled_at);
"""


def upgrade() -> None:
    execute(DEAD_LETTERS)

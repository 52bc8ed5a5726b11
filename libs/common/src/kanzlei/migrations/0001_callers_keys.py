"""The keys of the office's callers, whichever service they call.

The rows stay where they are, in `public.proxy_key`: a proxy of before reads and writes them, side by side with this.
"""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0001"
kind = "expand"
down_revision = None
branch_labels = None
depends_on = None

VIEW = """
CREATE VIEW caller_key AS
SELECT key_id, name, secret_sha256, grants, per_minute, burst, created_at, expires_at, revoked_at FROM public.proxy_key;
COMMENT ON VIEW caller_key IS 'Hashes of 256 random bits, and what their holders may do. A revoked one stays.';
"""


def upgrade() -> None:
    execute(VIEW)

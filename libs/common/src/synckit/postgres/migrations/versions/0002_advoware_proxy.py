"""The Advoware proxy: its callers' keys, who called what, and first answers that are given again."""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0002"
kind = "expand"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
-- A key is 256 random bits, so that a plain hash of it tells nothing. A revoked one stays, for the audit names it.
CREATE TABLE proxy_key (
    key_id text PRIMARY KEY,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    grants jsonb NOT NULL,
    per_minute integer NOT NULL CHECK (per_minute > 0),
    burst integer NOT NULL CHECK (burst > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

-- Written before a call goes to Advoware, completed after it: a row without a status is a call whose end nobody saw.
CREATE TABLE proxy_audit (
    call_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    key_id text NOT NULL,
    method text NOT NULL,
    pattern text NOT NULL,
    outcome text NOT NULL,
    status integer,
    ms integer,
    calls integer NOT NULL DEFAULT 1
);
CREATE INDEX proxy_audit_key ON proxy_audit (key_id, at);
CREATE INDEX proxy_audit_at ON proxy_audit USING brin (at);
COMMENT ON TABLE proxy_audit IS
    'Who (key_id, empty where nobody was recognised), method, pattern of the path, status, ms. Never a path or a body.';

CREATE TABLE proxy_idempotency (
    key_id text NOT NULL,
    request_key bytea NOT NULL,
    fingerprint bytea NOT NULL,
    claim uuid NOT NULL,
    begun_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    PRIMARY KEY (key_id, request_key)
);
CREATE INDEX proxy_idempotency_expires ON proxy_idempotency (expires_at);
COMMENT ON TABLE proxy_idempotency IS
    'Client data: answers of Advoware to POSTs, in clear, for 24 hours; swept. Keep access and backups apart.';
"""


def upgrade() -> None:
    execute(TABLES)

"""Employees, pairs, what was written, runs, push channels, and what people are told."""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0001"
kind = "expand"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SEQUENCE calendar_sync.fence CYCLE MAXVALUE 1048575;

-- `doc` is the diary: the calendar, Google's token, deletions that wait for a person.
CREATE TABLE calendar_sync.employee (
    kuerzel text PRIMARY KEY,
    fence bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'none',
    unsaved boolean NOT NULL DEFAULT false,
    held text NOT NULL DEFAULT '',
    doc jsonb NOT NULL DEFAULT '{}',
    synced_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row a pair; an occurrence of a series is a row under it. `doc` holds client data: what both sides agreed on.
CREATE TABLE calendar_sync.pair (
    kuerzel text NOT NULL REFERENCES calendar_sync.employee ON UPDATE CASCADE,
    key text NOT NULL,
    state text NOT NULL,
    kind text NOT NULL,
    frnr bigint,
    event_id text NOT NULL DEFAULT '',
    parent text NOT NULL DEFAULT '',
    due timestamptz,
    doc jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kuerzel, key)
);
CREATE INDEX pair_termin ON calendar_sync.pair (frnr) WHERE frnr IS NOT NULL;
CREATE INDEX pair_live ON calendar_sync.pair (state);

-- Client data, for undo; removed after its days.
CREATE TABLE calendar_sync.journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kuerzel text NOT NULL,
    doc jsonb NOT NULL
);
CREATE INDEX journal_of_employee ON calendar_sync.journal (kuerzel, at);
CREATE INDEX journal_by_age ON calendar_sync.journal (at);

-- How many pairs a run deleted, for the budget of the office and day.
CREATE TABLE calendar_sync.deletion (
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kuerzel text NOT NULL,
    count integer NOT NULL
);
CREATE INDEX deletion_by_age ON calendar_sync.deletion (at);

CREATE TABLE calendar_sync.run (
    run_id text PRIMARY KEY,
    kuerzel text NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    counts jsonb NOT NULL DEFAULT '{}',
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX run_by_age ON calendar_sync.run (queued_at);

-- What people are told, each cause once. `text` holds client data until it is posted, then it is emptied.
CREATE TABLE calendar_sync.notice (
    kuerzel text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    posted_at timestamptz,
    way text NOT NULL DEFAULT '',
    PRIMARY KEY (kuerzel, kind, key)
);
CREATE INDEX notice_waiting ON calendar_sync.notice (kuerzel) WHERE posted_at IS NULL;

CREATE TABLE calendar_sync.channel (
    channel_id text PRIMARY KEY,
    kuerzel text NOT NULL,
    account text NOT NULL,
    calendar_id text NOT NULL,
    resource_id text NOT NULL DEFAULT '',
    expires_at timestamptz NOT NULL
);
"""

LOAD = """
-- The fence is taken first, what is known is read in a second snapshot: an older run has committed before that or is
-- refused after it. Milliseconds of the clock in the high bits: a database that lost its last commits does not go back.
CREATE FUNCTION calendar_sync.take_fence(p_kuerzel text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO calendar_sync.employee AS e (kuerzel, fence)
    VALUES (p_kuerzel, (least(greatest(extract(epoch FROM clock_timestamp()) * 1000, 0), 8796093022207)::bigint << 20)
                       | (nextval('calendar_sync.fence') & 1048575))
    ON CONFLICT (kuerzel) DO UPDATE SET fence = greatest(excluded.fence, e.fence + 1)
    RETURNING e.fence
$$;

-- True where no newer fence was taken; locks the employee until the transaction ends.
CREATE FUNCTION calendar_sync.fence_holds(p_kuerzel text, p_fence bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO calendar_sync.employee AS e (kuerzel, fence) VALUES (p_kuerzel, p_fence)
    ON CONFLICT (kuerzel) DO UPDATE SET fence = greatest(e.fence, excluded.fence)
    RETURNING e.fence INTO newest;
    RETURN newest <= p_fence;
END
$$;

CREATE FUNCTION calendar_sync.keep_rows(p_kuerzel text, p_rows jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO calendar_sync.pair AS p (kuerzel, key, state, kind, frnr, event_id, parent, due, doc)
    SELECT p_kuerzel, r ->> 'key', r ->> 'state', r ->> 'kind', (r ->> 'frnr')::bigint, r ->> 'event_id',
           r ->> 'parent', (r ->> 'due')::timestamptz, r -> 'doc'
    FROM jsonb_array_elements(p_rows) r
    ON CONFLICT (kuerzel, key) DO UPDATE SET state = excluded.state, kind = excluded.kind, frnr = excluded.frnr,
        event_id = excluded.event_id, parent = excluded.parent, due = excluded.due, doc = excluded.doc,
        updated_at = now()
$$;

CREATE FUNCTION calendar_sync.keep_diary(p_kuerzel text, d jsonb) RETURNS void LANGUAGE sql AS $$
    UPDATE calendar_sync.employee SET doc = d -> 'doc', state = d ->> 'state', held = d ->> 'held', updated_at = now()
    WHERE kuerzel = p_kuerzel
$$;

-- Before a write: what is about to be made is there, or the run is overtaken and writes nothing.
CREATE FUNCTION calendar_sync.intend(p_kuerzel text, p_fence bigint, p_diary jsonb, p_rows jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT calendar_sync.fence_holds(p_kuerzel, p_fence) THEN
        RETURN false;
    END IF;
    PERFORM calendar_sync.keep_diary(p_kuerzel, p_diary);
    PERFORM calendar_sync.keep_rows(p_kuerzel, p_rows);
    RETURN true;
END
$$;

-- What came of a run, all or nothing: rows, diary with the token, journal, notices, deletions.
CREATE FUNCTION calendar_sync.commit_run(p_kuerzel text, p_fence bigint, c jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT calendar_sync.fence_holds(p_kuerzel, p_fence) THEN
        RETURN false;
    END IF;
    DELETE FROM calendar_sync.pair WHERE kuerzel = p_kuerzel
        AND key IN (SELECT jsonb_array_elements_text(c -> 'removed'));
    PERFORM calendar_sync.keep_rows(p_kuerzel, c -> 'rows');
    PERFORM calendar_sync.keep_diary(p_kuerzel, c -> 'diary');
    INSERT INTO calendar_sync.journal (kuerzel, doc) SELECT p_kuerzel, j FROM jsonb_array_elements(c -> 'journal') j;
    INSERT INTO calendar_sync.notice (kuerzel, kind, key, text)
    SELECT n ->> 'kuerzel', n ->> 'kind', n ->> 'key', n ->> 'text' FROM jsonb_array_elements(c -> 'notices') n
    ON CONFLICT DO NOTHING;
    IF (c ->> 'deletions')::integer > 0 THEN
        INSERT INTO calendar_sync.deletion (kuerzel, count) VALUES (p_kuerzel, (c ->> 'deletions')::integer);
    END IF;
    IF c ? 'unsaved' THEN
        UPDATE calendar_sync.employee SET unsaved = (c ->> 'unsaved')::boolean,
            synced_at = CASE WHEN (c ->> 'synced')::boolean THEN clock_timestamp() ELSE synced_at END
        WHERE kuerzel = p_kuerzel;
    END IF;
    RETURN true;
END
$$;
"""


def upgrade() -> None:
    for script in (TABLES, LOAD):
        execute(script)

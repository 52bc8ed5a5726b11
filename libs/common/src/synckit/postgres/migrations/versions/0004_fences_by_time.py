"""Fences by the database's clock, intents timed by it, and no commit of what a remote write follows gets lost.

Expand only: tables stay as they are, code of the revision before goes on with these functions.
"""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0004"
kind = "expand"
down_revision = "0003"
branch_labels = None
depends_on = None

TAKE_FENCE = """
-- Milliseconds of the database's clock in the high 43 bits (until the year 2248), the sequence in the low 20.
-- A sequence alone goes back where the database loses its last commits or another server takes over; a clock does not.
CREATE FUNCTION new_fence() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (least(greatest(extract(epoch FROM clock_timestamp()) * 1000, 0), 8796093022207)::bigint << 20)
         | (nextval('fence') & 1048575)
$$;

-- A role's or a database's setting must not make a commit asynchronous: a remote write follows it. Stronger ones stay.
-- Set for the transaction: a function's own SET would end before the commit.
CREATE FUNCTION commit_durably() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$$;

-- The fence that was taken is the one that is stored: greater than any of this record, even where a clock went back.
CREATE FUNCTION take_fence(p_entity text, p_left_id text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO guard AS g (entity, left_id, fence) VALUES (p_entity, p_left_id, new_fence())
    ON CONFLICT (entity, left_id) DO UPDATE SET fence = greatest(excluded.fence, g.fence + 1)
    RETURNING g.fence
$$;

-- True where no newer fence was taken. Locks the record's guard until the transaction ends, which is durable.
CREATE OR REPLACE FUNCTION fence_holds(p_entity text, p_left_id text, p_fence bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    PERFORM commit_durably();
    INSERT INTO guard AS g (entity, left_id, fence) VALUES (p_entity, p_left_id, p_fence)
    ON CONFLICT (entity, left_id) DO UPDATE SET fence = greatest(g.fence, excluded.fence)
    RETURNING g.fence INTO newest;
    RETURN newest <= p_fence;
END
$$;

-- Fences older than this moment tell no time. They go when they would have had theirs, had they been taken then.
INSERT INTO cursor (name, value) VALUES ('fence.timed_since', to_char(now() AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))
ON CONFLICT (name) DO NOTHING;
"""

LOAD = """
-- The fence is taken and written down first, then all is read in a second snapshot: a writer with an older fence has
-- either committed before that snapshot or is refused after it. `at`: the database's time, by which the caller decides.
CREATE OR REPLACE FUNCTION load_record(p_entity text, p_left_id text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    PERFORM commit_durably();
    taken := take_fence(p_entity, p_left_id);
    RETURN (SELECT jsonb_build_object(
        'fence', taken,
        'at', clock_timestamp(),
        'link', (SELECT to_jsonb(l) FROM link l WHERE l.entity = p_entity AND l.left_id = p_left_id),
        'base', (SELECT to_jsonb(b) FROM base b WHERE b.entity = p_entity AND b.left_id = p_left_id),
        'intent', (SELECT to_jsonb(i) FROM intent i WHERE i.entity = p_entity AND i.left_id = p_left_id),
        'parked', (SELECT to_jsonb(p) FROM parked p WHERE p.entity = p_entity AND p.left_id = p_left_id),
        'notes', (SELECT jsonb_agg(n.cause) FROM note n WHERE n.entity = p_entity AND n.left_id = p_left_id),
        'pending', (SELECT jsonb_agg(n.note ORDER BY n.id) FROM pending_note n
                    WHERE n.entity = p_entity AND n.left_id = p_left_id),
        'attempted', (SELECT a.fields FROM attempted a WHERE a.entity = p_entity AND a.left_id = p_left_id),
        'rivals', (SELECT jsonb_agg(r.left_id ORDER BY r.left_id) FROM link l JOIN link r
                   ON r.entity = l.entity AND r.right_id = l.right_id AND r.tombstone = 'duplicate'
                   WHERE l.entity = p_entity AND l.left_id = p_left_id AND l.tombstone = '')
    ));
END
$$;
"""

DECLARE_INTENT = """
-- Whoever declares it does not say when: two workers' clocks may be minutes apart. `p_declared_at` is of older code.
CREATE OR REPLACE FUNCTION declare_intent(
    p_entity text, p_left_id text, p_fence bigint, p_fingerprint jsonb, p_declared_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT fence_holds(p_entity, p_left_id, p_fence) THEN
        RETURN 'stale';
    END IF;
    IF EXISTS (SELECT FROM link l WHERE l.entity = p_entity AND l.left_id = p_left_id AND l.tombstone = '') THEN
        RETURN 'linked';
    END IF;
    INSERT INTO intent (entity, left_id, fingerprint, declared_at, fence)
    VALUES (p_entity, p_left_id, p_fingerprint, clock_timestamp(), p_fence)
    ON CONFLICT (entity, left_id) DO NOTHING;
    RETURN CASE WHEN FOUND THEN 'ok' ELSE 'intent' END;
END
$$;
"""

LOOKED_AT = """
-- A look that ends in the future would be the last one of its record: neither the table's old rows nor a worker's
-- clock may say so.
CREATE FUNCTION no_later_than_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.looked_at := least(NEW.looked_at, clock_timestamp());
    RETURN NEW;
END
$$;
CREATE TRIGGER link_looked_at_now BEFORE INSERT OR UPDATE OF looked_at ON link
FOR EACH ROW EXECUTE FUNCTION no_later_than_now();
"""


def upgrade() -> None:
    for script in (TAKE_FENCE, LOAD, DECLARE_INTENT, LOOKED_AT):
        execute(script)

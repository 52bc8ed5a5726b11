"""The brake for sweeps: what each source would lose within the last minutes, and which version of a side we know."""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0003"
kind = "expand"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE link ADD COLUMN left_seen_at timestamptz, ADD COLUMN right_changed_at timestamptz,
    ADD COLUMN left_written_by text;
CREATE INDEX link_right_version ON link (entity, right_version);

-- One row a record that would lose something; gone when the window has passed, unless the record is held.
-- `digest` is a keyed hash. `first_at`: when the same loss was first counted.
CREATE TABLE brake_event (
    source text NOT NULL,
    entity text NOT NULL,
    left_id text NOT NULL,
    loss text NOT NULL,
    digest text NOT NULL,
    first_at timestamptz NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (source, entity, left_id)
);
CREATE INDEX brake_event_at ON brake_event (source, at);

CREATE TABLE brake (
    source text PRIMARY KEY,
    engaged_at timestamptz,
    counted integer NOT NULL DEFAULT 0,
    allowed integer NOT NULL DEFAULT 0,
    released_until timestamptz,
    released_by text NOT NULL DEFAULT ''
);

-- Records of a source that are held, each with what it would lose.
CREATE VIEW braked AS
SELECT e.source, e.entity, e.left_id FROM brake_event e
JOIN parked p ON p.entity = e.entity AND p.left_id = e.left_id AND p.reason = 'brake';
"""

COUNT = """
-- Counts one record and answers how its source stands. One asker a source at a time, so that no two of them both see
-- the last free place. The number of records looked at is only counted where it can matter.
CREATE FUNCTION count_suspicion(p_source text, p_entity text, p_left_id text, s jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    p_at timestamptz := (s ->> 'at')::timestamptz;
    since timestamptz := p_at - make_interval(secs => (s ->> 'window')::double precision);
    v_loss text := s ->> 'loss';
    v_version text := s ->> 'version';
    v_lent boolean;
    v_lost integer;
    v_everyday integer;
    v_alike integer;
    v_first_at timestamptz;
    v_looked_at integer := 0;
BEGIN
    IF EXISTS (SELECT FROM brake b WHERE b.source = p_source AND b.released_until > p_at) THEN
        RETURN '{"released": true}';
    END IF;
    v_lent := v_version <> '' AND EXISTS (
        SELECT FROM link l WHERE l.entity = p_entity AND l.right_version = v_version AND l.left_id <> p_left_id
    );
    PERFORM pg_advisory_xact_lock(hashtextextended('brake:' || p_source, 0));
    DELETE FROM brake_event e WHERE e.source = p_source AND e.at < since AND NOT EXISTS (
        SELECT FROM parked p WHERE p.entity = e.entity AND p.left_id = e.left_id AND p.reason = 'brake'
    );
    -- Nobody waits for it any more: it starts anew.
    UPDATE brake b SET engaged_at = NULL WHERE b.source = p_source AND b.engaged_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM braked d WHERE d.source = p_source);
    INSERT INTO brake_event AS e (source, entity, left_id, loss, digest, first_at, at)
    VALUES (p_source, p_entity, p_left_id, CASE WHEN v_lent THEN 'doubted' ELSE v_loss END, s ->> 'digest', p_at, p_at)
    ON CONFLICT (source, entity, left_id) DO UPDATE
        SET loss = excluded.loss, digest = excluded.digest, at = greatest(e.at, excluded.at),
            first_at = CASE WHEN e.loss = excluded.loss THEN e.first_at ELSE excluded.first_at END
    RETURNING e.first_at INTO v_first_at;
    SELECT count(*) FILTER (WHERE e.loss NOT IN ('renamed', 'cleared')),
           count(*) FILTER (WHERE e.loss IN ('renamed', 'cleared')),
           count(*) FILTER (WHERE e.loss = 'renamed' AND e.digest = s ->> 'digest')
    INTO v_lost, v_everyday, v_alike FROM brake_event e WHERE e.source = p_source;
    IF greatest(v_lost, v_alike, v_everyday) > (s ->> 'least')::integer THEN
        SELECT count(*) INTO v_looked_at FROM link l WHERE l.looked_at >= since AND l.tombstone = '';
    END IF;
    RETURN jsonb_build_object('lost', v_lost, 'everyday', v_everyday, 'alike', v_alike,
                              'looked_at', v_looked_at, 'lent', v_lent, 'released', false,
                              'waited', extract(epoch FROM p_at - v_first_at),
        'engaged', EXISTS (SELECT FROM brake b WHERE b.source = p_source AND b.engaged_at IS NOT NULL));
END
$$;
"""

RELEASE = """
-- A person lets a source go on. What it holds is looked at again at once, and says in its journal who that was.
CREATE FUNCTION release_brake(p_source text, p_message text, p_who text, p_at timestamptz, p_until timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    freed integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('brake:' || p_source, 0));
    INSERT INTO brake (source, released_until, released_by) VALUES (p_source, p_until, p_who)
    ON CONFLICT (source) DO UPDATE
        SET released_until = p_until, released_by = p_who, engaged_at = NULL;
    INSERT INTO journal (at, entity, left_id, fence, step, field, side, rule, before_hash, after_hash, event_id,
                         traceparent)
    SELECT p_at, p.entity, p.left_id, coalesce(g.fence, 0), 'operator_release_sweep', '', '', p_who, '', '', '', ''
    FROM parked p LEFT JOIN guard g USING (entity, left_id)
    WHERE p.reason = 'brake' AND p.message = p_message;
    UPDATE parked SET due_at = p_at WHERE reason = 'brake' AND message = p_message;
    GET DIAGNOSTICS freed = ROW_COUNT;
    -- After the parked rows, as by a look that takes its record out: both lock in one order.
    DELETE FROM brake_event WHERE source = p_source;
    RETURN freed;
END
$$;
"""

UNPARK = """
-- A record that is held no more, or put off for another reason, wants to lose nothing.
CREATE FUNCTION forget_suspicion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM brake_event WHERE entity = OLD.entity AND left_id = OLD.left_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER parked_no_more AFTER DELETE ON parked FOR EACH ROW WHEN (OLD.reason = 'brake')
EXECUTE FUNCTION forget_suspicion();
"""

COMMIT_PAIR = """
CREATE OR REPLACE FUNCTION commit_pair(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    p_at timestamptz := (c ->> 'at')::timestamptz;
    p_looked_at timestamptz := (c ->> 'looked_at')::timestamptz;
    p_link jsonb := c -> 'link';
BEGIN
    IF p_link IS NOT NULL THEN
        INSERT INTO link AS l (entity, left_id, right_id, right_version, left_changed_at, tombstone, owner_id,
                               left_seen_at, right_changed_at, left_written_by, fence, looked_at, created_at,
                               updated_at)
        VALUES (p_entity, p_left_id, p_link ->> 'right_id', p_link ->> 'right_version',
                (p_link ->> 'left_changed_at')::timestamptz, p_link ->> 'tombstone', p_link ->> 'owner_id',
                (p_link ->> 'left_seen_at')::timestamptz, (p_link ->> 'right_changed_at')::timestamptz,
                p_link ->> 'left_written_by', p_fence, coalesce(p_looked_at, p_at), p_at, p_at)
        ON CONFLICT (entity, left_id) DO UPDATE SET
            right_id = excluded.right_id, right_version = excluded.right_version,
            left_changed_at = excluded.left_changed_at, tombstone = excluded.tombstone, owner_id = excluded.owner_id,
            left_seen_at = excluded.left_seen_at, right_changed_at = excluded.right_changed_at,
            left_written_by = excluded.left_written_by,
            fence = excluded.fence, looked_at = coalesce(p_looked_at, l.looked_at), updated_at = excluded.updated_at;
        -- What was said before a desk's row was made a left record.
        DELETE FROM intent WHERE entity = p_entity AND left_id = 'import:' || (p_link ->> 'right_id');
    ELSIF p_looked_at IS NOT NULL THEN
        UPDATE link SET looked_at = p_looked_at, fence = p_fence WHERE entity = p_entity AND left_id = p_left_id;
    END IF;
    IF c ? 'base' THEN
        DELETE FROM attempted WHERE entity = p_entity AND left_id = p_left_id;
        INSERT INTO base (entity, left_id, left_values, right_values, updated_at)
        VALUES (p_entity, p_left_id, c -> 'base' -> 'left', c -> 'base' -> 'right', p_at)
        ON CONFLICT (entity, left_id) DO UPDATE SET left_values = excluded.left_values,
            right_values = excluded.right_values, updated_at = excluded.updated_at;
    END IF;
END
$$;
"""


def upgrade() -> None:
    for script in (TABLES, COUNT, RELEASE, UNPARK, COMMIT_PAIR):
        execute(script)

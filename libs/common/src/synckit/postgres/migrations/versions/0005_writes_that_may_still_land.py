"""Writes of a worker that was overtaken, versions seen before, and a brake that sees a whole day.

Expand only: tables gain columns and one more table; code of the revision before goes on with these functions.
"""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0005"
kind = "expand"
# Older code demands its own revision, whatever the schema says.
oldest_code = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
-- Names of the last few versions of either side: one that comes again is an old snapshot.
ALTER TABLE link ADD COLUMN seen_before jsonb NOT NULL DEFAULT '[]';

-- What a person's release of a source covers beyond its window: the losses that waited for it.
CREATE TABLE brake_release (
    source text NOT NULL,
    loss text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (source, loss)
);
"""

COMMIT_PAIR = """
-- A base clears what was announced, but for `attempted`: writes that may still land.
CREATE OR REPLACE FUNCTION commit_pair(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    p_at timestamptz := (c ->> 'at')::timestamptz;
    p_looked_at timestamptz := (c ->> 'looked_at')::timestamptz;
    p_link jsonb := c -> 'link';
BEGIN
    IF p_link IS NOT NULL THEN
        INSERT INTO link AS l (entity, left_id, right_id, right_version, left_changed_at, tombstone, owner_id,
                               left_seen_at, right_changed_at, left_written_by, seen_before, fence, looked_at,
                               created_at, updated_at)
        VALUES (p_entity, p_left_id, p_link ->> 'right_id', p_link ->> 'right_version',
                (p_link ->> 'left_changed_at')::timestamptz, p_link ->> 'tombstone', p_link ->> 'owner_id',
                (p_link ->> 'left_seen_at')::timestamptz, (p_link ->> 'right_changed_at')::timestamptz,
                p_link ->> 'left_written_by', coalesce(p_link -> 'seen_before', '[]'), p_fence,
                coalesce(p_looked_at, p_at), p_at, p_at)
        ON CONFLICT (entity, left_id) DO UPDATE SET
            right_id = excluded.right_id, right_version = excluded.right_version,
            left_changed_at = excluded.left_changed_at, tombstone = excluded.tombstone, owner_id = excluded.owner_id,
            left_seen_at = excluded.left_seen_at, right_changed_at = excluded.right_changed_at,
            left_written_by = excluded.left_written_by, seen_before = excluded.seen_before,
            fence = excluded.fence, looked_at = coalesce(p_looked_at, l.looked_at), updated_at = excluded.updated_at;
        -- What was said before a desk's row was made a left record.
        DELETE FROM intent WHERE entity = p_entity AND left_id = 'import:' || (p_link ->> 'right_id');
    ELSIF p_looked_at IS NOT NULL THEN
        UPDATE link SET looked_at = p_looked_at, fence = p_fence WHERE entity = p_entity AND left_id = p_left_id;
    END IF;
    IF c ? 'base' THEN
        DELETE FROM attempted WHERE entity = p_entity AND left_id = p_left_id;
        INSERT INTO attempted (entity, left_id, fields)
        SELECT p_entity, p_left_id, c -> 'attempted' WHERE jsonb_array_length(coalesce(c -> 'attempted', '[]')) > 0;
        INSERT INTO base (entity, left_id, left_values, right_values, updated_at)
        VALUES (p_entity, p_left_id, c -> 'base' -> 'left', c -> 'base' -> 'right', p_at)
        ON CONFLICT (entity, left_id) DO UPDATE SET left_values = excluded.left_values,
            right_values = excluded.right_values, updated_at = excluded.updated_at;
    END IF;
END
$$;
"""

COUNT = """
-- Counts one record and answers how its source stands within the window, and within a day: a drip is seen by the
-- second. Older code says nothing of the day, and reads no more than it knows.
CREATE OR REPLACE FUNCTION count_suspicion(p_source text, p_entity text, p_left_id text, s jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    p_at timestamptz := (s ->> 'at')::timestamptz;
    since timestamptz := p_at - make_interval(secs => (s ->> 'window')::double precision);
    day_since timestamptz := p_at - make_interval(secs => coalesce((s ->> 'day')::double precision,
                                                                 (s ->> 'window')::double precision));
    v_loss text := s ->> 'loss';
    v_version text := s ->> 'version';
    v_lent boolean;
    v_lost integer;
    v_everyday integer;
    v_alike integer;
    v_lost_in_a_day integer;
    v_first_at timestamptz;
    v_looked_at integer := 0;
    v_looked_at_in_a_day integer := 0;
    v_answer jsonb;
BEGIN
    IF EXISTS (SELECT FROM brake b WHERE b.source = p_source AND b.released_until > p_at)
        OR EXISTS (SELECT FROM brake_release r WHERE r.source = p_source AND r.loss = v_loss AND r.until > p_at) THEN
        RETURN '{"released": true}';
    END IF;
    v_lent := v_version <> '' AND EXISTS (
        SELECT FROM link l WHERE l.entity = p_entity AND l.right_version = v_version AND l.left_id <> p_left_id
    );
    PERFORM pg_advisory_xact_lock(hashtextextended('brake:' || p_source, 0));
    DELETE FROM brake_event e WHERE e.source = p_source AND e.at < least(since, p_at - interval '1 day')
        AND NOT EXISTS (
        SELECT FROM parked p WHERE p.entity = e.entity AND p.left_id = e.left_id AND p.reason = 'brake'
    );
    -- Nobody waits for it any more: it starts anew.
    UPDATE brake b SET engaged_at = NULL WHERE b.source = p_source AND b.engaged_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM braked d WHERE d.source = p_source);
    INSERT INTO brake_event AS e (source, entity, left_id, loss, digest, first_at, at)
    VALUES (p_source, p_entity, p_left_id, CASE WHEN v_lent THEN 'doubted' ELSE v_loss END, s ->> 'digest', p_at, p_at)
    ON CONFLICT (source, entity, left_id) DO UPDATE
        SET loss = excluded.loss, digest = excluded.digest, at = greatest(e.at, excluded.at),
            first_at = CASE WHEN e.loss = excluded.loss AND (e.at >= since OR EXISTS (
                SELECT FROM parked p WHERE p.entity = p_entity AND p.left_id = p_left_id AND p.reason = 'brake'
            )) THEN e.first_at ELSE excluded.first_at END
    RETURNING e.first_at INTO v_first_at;
    WITH live AS (
        SELECT e.loss, e.digest, e.at >= since OR EXISTS (
            SELECT FROM parked p WHERE p.entity = e.entity AND p.left_id = e.left_id AND p.reason = 'brake'
        ) AS is_recent
        FROM brake_event e WHERE e.source = p_source AND (e.at >= day_since OR EXISTS (
            SELECT FROM parked p WHERE p.entity = e.entity AND p.left_id = e.left_id AND p.reason = 'brake'))
    )
    SELECT count(*) FILTER (WHERE is_recent AND loss NOT IN ('renamed', 'cleared')),
           count(*) FILTER (WHERE is_recent AND loss IN ('renamed', 'cleared')),
           count(*) FILTER (WHERE is_recent AND loss = 'renamed' AND digest = s ->> 'digest'),
           count(*) FILTER (WHERE loss NOT IN ('renamed', 'cleared'))
    INTO v_lost, v_everyday, v_alike, v_lost_in_a_day FROM live;
    IF greatest(v_lost, v_alike, v_everyday) > (s ->> 'least')::integer THEN
        SELECT count(*) INTO v_looked_at FROM link l WHERE l.looked_at >= since AND l.tombstone = '';
    END IF;
    IF v_lost_in_a_day > (s ->> 'least')::integer THEN
        SELECT count(*) INTO v_looked_at_in_a_day FROM link l WHERE l.looked_at >= day_since AND l.tombstone = '';
    END IF;
    v_answer := jsonb_build_object('lost', v_lost, 'everyday', v_everyday, 'alike', v_alike,
                              'looked_at', v_looked_at, 'lent', v_lent, 'released', false,
                              'waited', extract(epoch FROM p_at - v_first_at),
        'engaged', EXISTS (SELECT FROM brake b WHERE b.source = p_source AND b.engaged_at IS NOT NULL));
    IF s ? 'day' THEN
        v_answer := v_answer || jsonb_build_object('lost_in_a_day', v_lost_in_a_day,
                                                   'looked_at_in_a_day', v_looked_at_in_a_day);
    END IF;
    RETURN v_answer;
END
$$;
"""

RELEASE = """
-- A person lets a source go on. What it holds is looked at again at once, and says in its journal who that was.
-- Deletions that waited are covered for a day more: who deletes many on purpose is not asked again.
CREATE OR REPLACE FUNCTION release_brake(
    p_source text, p_message text, p_who text, p_at timestamptz, p_until timestamptz
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    freed integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('brake:' || p_source, 0));
    INSERT INTO brake (source, released_until, released_by) VALUES (p_source, p_until, p_who)
    ON CONFLICT (source) DO UPDATE
        SET released_until = p_until, released_by = p_who, engaged_at = NULL;
    INSERT INTO brake_release AS r (source, loss, until)
    SELECT DISTINCT p_source, e.loss, p_until + interval '1 day' FROM brake_event e
    WHERE e.source = p_source AND e.loss = 'gone'
    ON CONFLICT (source, loss) DO UPDATE SET until = greatest(r.until, excluded.until);
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


def upgrade() -> None:
    for script in (TABLES, COMMIT_PAIR, COUNT, RELEASE):
        execute(script)

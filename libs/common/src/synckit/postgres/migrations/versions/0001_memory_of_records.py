"""Everything that we remember of records: links, bases, intents, journal, parked, notes, cursors, fences."""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0001"
kind = "expand"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SEQUENCE fence;

-- The newest fence taken for a record, linked or not. A load writes it, so whoever took an older one is refused.
CREATE TABLE guard (
    entity text NOT NULL,
    left_id text NOT NULL,
    fence bigint NOT NULL,
    PRIMARY KEY (entity, left_id)
);

CREATE TABLE link (
    entity text NOT NULL,
    left_id text NOT NULL,
    right_id text NOT NULL,
    right_version text,
    left_changed_at timestamptz,
    tombstone text NOT NULL DEFAULT '',
    owner_id text,
    fence bigint NOT NULL,
    looked_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (entity, left_id)
);
CREATE UNIQUE INDEX link_live_right ON link (entity, right_id) WHERE tombstone = '';
CREATE INDEX link_rival ON link (entity, right_id) WHERE tombstone = 'duplicate';
CREATE INDEX link_looked_at ON link (entity, looked_at) WHERE tombstone = '';

-- Client data: what each side stored when the two last agreed. A table of its own, so that access and backups of it
-- can be kept apart from everything else here.
CREATE TABLE base (
    entity text NOT NULL,
    left_id text NOT NULL,
    left_values jsonb NOT NULL,
    right_values jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (entity, left_id)
);

-- Client data until the link exists: the payload of a POST that may have happened.
CREATE TABLE intent (
    entity text NOT NULL,
    left_id text NOT NULL,
    fingerprint jsonb NOT NULL,
    declared_at timestamptz NOT NULL,
    fence bigint NOT NULL,
    PRIMARY KEY (entity, left_id)
);

CREATE TABLE journal (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL,
    entity text NOT NULL,
    left_id text NOT NULL,
    fence bigint NOT NULL,
    step text NOT NULL,
    field text NOT NULL,
    side text NOT NULL,
    rule text NOT NULL,
    before_hash text NOT NULL,
    after_hash text NOT NULL,
    event_id text NOT NULL,
    traceparent text NOT NULL
);
CREATE INDEX journal_record ON journal (entity, left_id, id);
CREATE INDEX journal_at ON journal USING brin (at);

CREATE TABLE parked (
    entity text NOT NULL,
    left_id text NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (entity, left_id)
);
CREATE INDEX parked_due ON parked (entity, due_at);

-- Causes that a user has been told of and that still stand.
CREATE TABLE note (
    entity text NOT NULL,
    left_id text NOT NULL,
    cause text NOT NULL,
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (entity, left_id, cause)
);

-- Client data until posted: notes written down before the writes that they tell of.
CREATE TABLE pending_note (
    id bigserial,
    entity text NOT NULL,
    left_id text NOT NULL,
    cause text NOT NULL,
    note jsonb NOT NULL,
    announced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity, left_id, cause)
);

-- Client data until written: what we were about to write, so that after a crash it is not taken for a person's edit.
CREATE TABLE attempted (
    entity text NOT NULL,
    left_id text NOT NULL,
    fields jsonb NOT NULL,
    announced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity, left_id)
);

CREATE TABLE cursor (
    name text PRIMARY KEY,
    value text NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
);

-- Keyed hashes: a birth date has 40,000 values, so a plain hash of one in a leaked journal would be no secret.
CREATE TABLE hash_key (
    is_single boolean PRIMARY KEY DEFAULT true CHECK (is_single),
    key bytea NOT NULL
);
INSERT INTO hash_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
"""

TAKE_FENCE = """
-- True where no newer fence was taken. Locks the record's guard until the transaction ends.
CREATE FUNCTION fence_holds(p_entity text, p_left_id text, p_fence bigint) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO guard AS g (entity, left_id, fence) VALUES (p_entity, p_left_id, p_fence)
    ON CONFLICT (entity, left_id) DO UPDATE SET fence = greatest(g.fence, excluded.fence)
    RETURNING g.fence <= p_fence
$$;
"""

LOAD = """
-- The fence is taken and written down first, then all is read in a second snapshot: a writer with an older fence has
-- either committed before that snapshot or is refused after it. Nobody waits for the disk: a guard lost in a crash of
-- the database costs nothing, for all of its clients have lost their connections then, too.
CREATE FUNCTION load_record(p_entity text, p_left_id text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    taken bigint := nextval('fence');
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM fence_holds(p_entity, p_left_id, taken);
    RETURN (SELECT jsonb_build_object(
        'fence', taken,
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

DECLARE_AND_ANNOUNCE = """
CREATE FUNCTION declare_intent(
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
    VALUES (p_entity, p_left_id, p_fingerprint, p_declared_at, p_fence)
    ON CONFLICT (entity, left_id) DO NOTHING;
    RETURN CASE WHEN FOUND THEN 'ok' ELSE 'intent' END;
END
$$;

CREATE FUNCTION announce(p_entity text, p_left_id text, p_fence bigint, p_notes jsonb, p_attempted jsonb)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT fence_holds(p_entity, p_left_id, p_fence) THEN
        RETURN 'stale';
    END IF;
    INSERT INTO pending_note (entity, left_id, cause, note)
    SELECT p_entity, p_left_id, n ->> 'cause', n FROM jsonb_array_elements(p_notes) n
    ON CONFLICT (entity, left_id, cause) DO NOTHING;
    DELETE FROM attempted WHERE entity = p_entity AND left_id = p_left_id;
    INSERT INTO attempted (entity, left_id, fields)
    SELECT p_entity, p_left_id, p_attempted WHERE jsonb_array_length(p_attempted) > 0;
    RETURN 'ok';
END
$$;
"""

COMMIT_PARTS = """
CREATE FUNCTION commit_pair(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p_at timestamptz := (c ->> 'at')::timestamptz;
    p_looked_at timestamptz := (c ->> 'looked_at')::timestamptz;
    p_link jsonb := c -> 'link';
BEGIN
    IF p_link IS NOT NULL THEN
        INSERT INTO link AS l (entity, left_id, right_id, right_version, left_changed_at, tombstone, owner_id,
                               fence, looked_at, created_at, updated_at)
        VALUES (p_entity, p_left_id, p_link ->> 'right_id', p_link ->> 'right_version',
                (p_link ->> 'left_changed_at')::timestamptz, p_link ->> 'tombstone', p_link ->> 'owner_id',
                p_fence, coalesce(p_looked_at, p_at), p_at, p_at)
        ON CONFLICT (entity, left_id) DO UPDATE SET
            right_id = excluded.right_id, right_version = excluded.right_version,
            left_changed_at = excluded.left_changed_at, tombstone = excluded.tombstone, owner_id = excluded.owner_id,
            fence = excluded.fence, looked_at = coalesce(p_looked_at, l.looked_at), updated_at = excluded.updated_at;
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

CREATE FUNCTION park_record(p_entity text, p_left_id text, p jsonb, p_at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO parked (entity, left_id, attempts, due_at, reason, message, parked_at)
    VALUES (p_entity, p_left_id, (p ->> 'attempts')::integer, (p ->> 'due_at')::timestamptz,
            p ->> 'reason', p ->> 'message', p_at)
    ON CONFLICT (entity, left_id) DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at,
        reason = excluded.reason, message = excluded.message, parked_at = excluded.parked_at
$$;

CREATE FUNCTION commit_rest(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p_at timestamptz := (c ->> 'at')::timestamptz;
BEGIN
    IF c ? 'drop_intent' THEN
        DELETE FROM intent WHERE entity = p_entity AND left_id = p_left_id;
    END IF;
    IF c ? 'unpark' THEN
        DELETE FROM parked WHERE entity = p_entity AND left_id = p_left_id;
    END IF;
    IF c ? 'park' THEN
        PERFORM park_record(p_entity, p_left_id, c -> 'park', p_at);
    END IF;
    IF c ? 'clear_notes' THEN
        DELETE FROM note WHERE entity = p_entity AND left_id = p_left_id AND c -> 'clear_notes' ? cause;
        DELETE FROM pending_note WHERE entity = p_entity AND left_id = p_left_id AND c -> 'clear_notes' ? cause;
    END IF;
    IF c ? 'raise_notes' THEN
        DELETE FROM pending_note WHERE entity = p_entity AND left_id = p_left_id AND c -> 'raise_notes' ? cause;
        INSERT INTO note (entity, left_id, cause, raised_at)
        SELECT p_entity, p_left_id, cause, p_at FROM jsonb_array_elements_text(c -> 'raise_notes') cause
        ON CONFLICT DO NOTHING;
    END IF;
    IF c ? 'journal' THEN
        INSERT INTO journal (at, entity, left_id, fence, step, field, side, rule, before_hash, after_hash,
                             event_id, traceparent)
        SELECT j.at, p_entity, p_left_id, p_fence, j.step, j.field, j.side, j.rule, j.before, j.after,
               j.event_id, j.traceparent
        FROM jsonb_to_recordset(c -> 'journal') AS j(at timestamptz, step text, field text, side text, rule text,
                                                     before text, after text, event_id text, traceparent text);
    END IF;
END
$$;
"""

COMMIT = """
-- All or nothing, in one round trip: a function is one statement, and a statement is one transaction.
CREATE FUNCTION commit_record(p_entity text, p_left_id text, p_fence bigint, c jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rival text;
BEGIN
    IF NOT fence_holds(p_entity, p_left_id, p_fence) THEN
        RETURN 'stale';
    END IF;
    IF c -> 'link' ->> 'tombstone' = '' THEN
        SELECT l.left_id INTO rival FROM link l
        WHERE l.entity = p_entity AND l.right_id = c -> 'link' ->> 'right_id' AND l.tombstone = ''
          AND l.left_id <> p_left_id;
        IF FOUND THEN
            RETURN 'taken ' || rival;
        END IF;
    END IF;
    IF c ? 'forget' THEN
        DELETE FROM link WHERE entity = p_entity AND left_id = p_left_id;
        DELETE FROM base WHERE entity = p_entity AND left_id = p_left_id;
        DELETE FROM attempted WHERE entity = p_entity AND left_id = p_left_id;
        DELETE FROM note WHERE entity = p_entity AND left_id = p_left_id;
        DELETE FROM pending_note WHERE entity = p_entity AND left_id = p_left_id;
    END IF;
    PERFORM commit_pair(p_entity, p_left_id, p_fence, c);
    PERFORM commit_rest(p_entity, p_left_id, p_fence, c);
    RETURN 'ok';
END
$$;
"""


def upgrade() -> None:
    for script in (TABLES, TAKE_FENCE, LOAD, DECLARE_AND_ANNOUNCE, COMMIT_PARTS, COMMIT):
        execute(script)

"""Documents, files, their places, collections, and every transfer. Ids, hashes and times; no name, no content."""

from __future__ import annotations

from synckit.postgres.migrations.script import execute

revision = "0001"
kind = "expand"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SEQUENCE document_sync.fence_number CYCLE MAXVALUE 1048575;

-- `document:<id>`, `file:<sha256>`, `record:<type>/<id>` -> the newest look that may write.
CREATE TABLE document_sync.fence (
    name text PRIMARY KEY,
    fence bigint NOT NULL
);

-- Key of the digests by which a change of a name is seen: the names themselves are never kept.
CREATE TABLE document_sync.secret (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    key bytea NOT NULL
);
INSERT INTO document_sync.secret (key) VALUES (sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea));

CREATE TABLE document_sync.document (
    id text PRIMARY KEY,
    attachment text NOT NULL DEFAULT '',
    sha256 text NOT NULL DEFAULT '',
    md5 text NOT NULL DEFAULT '',
    size bigint NOT NULL DEFAULT 0,
    content_type text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 0,
    wanted text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'no_sync',
    reason text NOT NULL DEFAULT '',
    synced_sha256 text NOT NULL DEFAULT '',
    due timestamptz,
    tries integer NOT NULL DEFAULT 0,
    looked_at timestamptz,
    notes text[] NOT NULL DEFAULT '{}',
    shown text NOT NULL DEFAULT ''
);
CREATE INDEX document_by_hash ON document_sync.document (sha256) WHERE sha256 <> '';
CREATE INDEX document_due ON document_sync.document (due) WHERE due IS NOT NULL;
CREATE INDEX document_by_look ON document_sync.document (looked_at) WHERE state <> 'no_sync';
CREATE INDEX document_by_record ON document_sync.document USING gin (wanted);

-- One content each. `intent_at`: an upload may be on its way since then.
CREATE TABLE document_sync.file (
    sha256 text PRIMARY KEY,
    file_id text NOT NULL DEFAULT '',
    size bigint NOT NULL DEFAULT 0,
    intent_at timestamptz,
    unneeded_since timestamptz,
    asked_at timestamptz
);
CREATE INDEX file_by_id ON document_sync.file (file_id) WHERE file_id <> '';
CREATE INDEX file_unneeded ON document_sync.file (unneeded_since) WHERE unneeded_since IS NOT NULL;

-- A file in the collection of a record, and the documents that it stands for there.
CREATE TABLE document_sync.placement (
    sha256 text NOT NULL REFERENCES document_sync.file,
    record text NOT NULL,
    collection_id text NOT NULL,
    documents text[] NOT NULL,
    named text NOT NULL,
    status text NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    due timestamptz,
    attached_at timestamptz,
    asked_at timestamptz,
    PRIMARY KEY (sha256, record)
);
CREATE INDEX placement_by_record ON document_sync.placement (record);
CREATE INDEX placement_by_document ON document_sync.placement USING gin (documents);

CREATE TABLE document_sync.collection (
    record text PRIMARY KEY,
    switch text NOT NULL DEFAULT 'untold',
    phase text NOT NULL DEFAULT 'none',
    collection_id text NOT NULL DEFAULT '',
    withdrawn boolean NOT NULL DEFAULT false,
    intent_at timestamptz,
    wished_at timestamptz,
    is_held boolean NOT NULL DEFAULT false,
    closed_at timestamptz,
    asked_at timestamptz,
    looked_at timestamptz,
    due timestamptz,
    tries integer NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT '',
    notes text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX collection_due ON document_sync.collection (due) WHERE due IS NOT NULL;
CREATE INDEX collection_wished ON document_sync.collection (wished_at) WHERE wished_at IS NOT NULL;

-- What left the house: when, which document for which record, how much, where to, and when it was gone from there.
CREATE TABLE document_sync.document_transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    document text NOT NULL,
    record text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    collection_id text NOT NULL,
    event text NOT NULL DEFAULT '',
    taken_back timestamptz
);
CREATE UNIQUE INDEX transfer_out ON document_sync.document_transfer (document, record, sha256)
    WHERE taken_back IS NULL;
CREATE INDEX transfer_of_record ON document_sync.document_transfer (record, at);
CREATE INDEX transfer_by_hash ON document_sync.document_transfer (sha256) WHERE taken_back IS NULL;
CREATE INDEX transfer_by_age ON document_sync.document_transfer (at);

CREATE TABLE document_sync.cursor (
    name text PRIMARY KEY,
    at timestamptz NOT NULL
);
"""

FENCES = """
-- Milliseconds of the clock in the high bits: a database that lost its last commits does not go back.
CREATE FUNCTION document_sync.take_fence(p_name text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO document_sync.fence AS f (name, fence)
    VALUES (p_name, (least(greatest(extract(epoch FROM clock_timestamp()) * 1000, 0), 8796093022207)::bigint << 20)
                    | (nextval('document_sync.fence_number') & 1048575))
    ON CONFLICT (name) DO UPDATE SET fence = greatest(excluded.fence, f.fence + 1)
    RETURNING f.fence
$$;

-- True where no newer fence was taken; locks the name until the transaction ends.
CREATE FUNCTION document_sync.fence_holds(p_name text, p_fence bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO document_sync.fence AS f (name, fence) VALUES (p_name, p_fence)
    ON CONFLICT (name) DO UPDATE SET fence = greatest(f.fence, excluded.fence)
    RETURNING f.fence INTO newest;
    RETURN newest <= p_fence;
END
$$;
"""

SAVES = """
CREATE FUNCTION document_sync.save_document(p_fence bigint, d jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT document_sync.fence_holds('document:' || (d ->> 'id'), p_fence) THEN
        RETURN false;
    END IF;
    DELETE FROM document_sync.document WHERE id = d ->> 'id';
    INSERT INTO document_sync.document SELECT * FROM jsonb_populate_record(null::document_sync.document, d);
    RETURN true;
END
$$;

CREATE FUNCTION document_sync.save_collection(p_fence bigint, c jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT document_sync.fence_holds('record:' || (c ->> 'record'), p_fence) THEN
        RETURN false;
    END IF;
    -- An update, not a new row: who sends a file for the record holds it against being closed.
    INSERT INTO document_sync.collection AS k
    SELECT * FROM jsonb_populate_record(null::document_sync.collection, c)
    ON CONFLICT (record) DO UPDATE SET switch = excluded.switch, phase = excluded.phase,
        collection_id = excluded.collection_id, withdrawn = excluded.withdrawn, intent_at = excluded.intent_at,
        wished_at = excluded.wished_at, is_held = excluded.is_held, closed_at = excluded.closed_at,
        asked_at = excluded.asked_at, looked_at = excluded.looked_at, due = excluded.due, tries = excluded.tries,
        reason = excluded.reason, notes = excluded.notes;
    RETURN true;
END
$$;

-- One file with all of its places. `sent`: a row of transfers each, where its record is open and stays so until this is
-- committed. `p_back`: records whose rows are taken back, null for all.
CREATE FUNCTION document_sync.save_file(p_fence bigint, f jsonb, p_placements jsonb, p_sent jsonb, p_back text[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    content_hash text := f ->> 'sha256';
    open_records integer;
BEGIN
    IF NOT document_sync.fence_holds('file:' || content_hash, p_fence) THEN
        RETURN false;
    END IF;
    PERFORM 1 FROM document_sync.collection
    WHERE record IN (SELECT s ->> 'record' FROM jsonb_array_elements(p_sent) s) ORDER BY record FOR SHARE;
    SELECT count(*) INTO open_records FROM document_sync.collection
    WHERE record IN (SELECT s ->> 'record' FROM jsonb_array_elements(p_sent) s)
      AND phase = 'live' AND switch = 'on' AND NOT withdrawn AND collection_id <> '';
    IF open_records < (SELECT count(DISTINCT s ->> 'record') FROM jsonb_array_elements(p_sent) s) THEN
        RETURN false;
    END IF;
    INSERT INTO document_sync.file AS k SELECT * FROM jsonb_populate_record(null::document_sync.file, f)
    ON CONFLICT (sha256) DO UPDATE SET file_id = excluded.file_id, size = excluded.size,
        intent_at = excluded.intent_at, unneeded_since = excluded.unneeded_since, asked_at = excluded.asked_at;
    DELETE FROM document_sync.placement WHERE sha256 = content_hash;
    INSERT INTO document_sync.placement
    SELECT * FROM jsonb_populate_recordset(null::document_sync.placement, p_placements);
    INSERT INTO document_sync.document_transfer (document, record, sha256, bytes, collection_id, event)
    SELECT s ->> 'document', s ->> 'record', content_hash, (s ->> 'bytes')::bigint, s ->> 'collection_id', s ->> 'event'
    FROM jsonb_array_elements(p_sent) s
    ON CONFLICT (document, record, sha256) WHERE taken_back IS NULL DO NOTHING;
    UPDATE document_sync.document_transfer SET taken_back = clock_timestamp()
    WHERE sha256 = content_hash AND taken_back IS NULL AND (p_back IS NULL OR record = ANY(p_back));
    RETURN true;
END
$$;

-- A file, its places, and the documents that stand for it, in one snapshot.
CREATE FUNCTION document_sync.files(p_hashes text[]) RETURNS SETOF jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'file', (SELECT to_jsonb(f) FROM document_sync.file f WHERE f.sha256 = h),
        'sha256', h,
        'placements', (SELECT coalesce(jsonb_agg(to_jsonb(p)), '[]') FROM document_sync.placement p WHERE p.sha256 = h),
        'standings', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', d.id, 'sha256', d.sha256, 'wanted', d.wanted, 'version', d.version,
                'settled', CASE WHEN d.state = 'failed' THEN to_jsonb(d.wanted) ELSE (
                    SELECT coalesce(jsonb_agg(p.record), '[]') FROM document_sync.placement p
                    WHERE p.sha256 = d.sha256 AND d.id = ANY(p.documents) AND p.record = ANY(d.wanted)
                      AND p.status IN ('processed', 'failed')) END)), '[]')
            FROM document_sync.document d
            WHERE d.sha256 = h OR d.id IN (
                SELECT unnest(p.documents) FROM document_sync.placement p WHERE p.sha256 = h)))
    FROM unnest(p_hashes) h
$$;
"""


def upgrade() -> None:
    for script in (TABLES, FENCES, SAVES):
        execute(script)

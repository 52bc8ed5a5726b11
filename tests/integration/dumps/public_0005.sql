SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.announce(p_entity text, p_left_id text, p_fence bigint, p_notes jsonb, p_attempted jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.commit_durably() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$$;
CREATE FUNCTION public.commit_pair(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.commit_record(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.commit_rest(p_entity text, p_left_id text, p_fence bigint, c jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.count_suspicion(p_source text, p_entity text, p_left_id text, s jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.declare_intent(p_entity text, p_left_id text, p_fence bigint, p_fingerprint jsonb, p_declared_at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.fence_holds(p_entity text, p_left_id text, p_fence bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.forget_suspicion() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM brake_event WHERE entity = OLD.entity AND left_id = OLD.left_id;
    RETURN NULL;
END
$$;
CREATE FUNCTION public.load_record(p_entity text, p_left_id text) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.new_fence() RETURNS bigint
    LANGUAGE sql
    AS $$
    SELECT (least(greatest(extract(epoch FROM clock_timestamp()) * 1000, 0), 8796093022207)::bigint << 20)
         | (nextval('fence') & 1048575)
$$;
CREATE FUNCTION public.no_later_than_now() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.looked_at := least(NEW.looked_at, clock_timestamp());
    RETURN NEW;
END
$$;
CREATE FUNCTION public.park_record(p_entity text, p_left_id text, p jsonb, p_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO parked (entity, left_id, attempts, due_at, reason, message, parked_at)
    VALUES (p_entity, p_left_id, (p ->> 'attempts')::integer, (p ->> 'due_at')::timestamptz,
            p ->> 'reason', p ->> 'message', p_at)
    ON CONFLICT (entity, left_id) DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at,
        reason = excluded.reason, message = excluded.message, parked_at = excluded.parked_at
$$;
CREATE FUNCTION public.release_brake(p_source text, p_message text, p_who text, p_at timestamp with time zone, p_until timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.take_fence(p_entity text, p_left_id text) RETURNS bigint
    LANGUAGE sql
    AS $$
    INSERT INTO guard AS g (entity, left_id, fence) VALUES (p_entity, p_left_id, new_fence())
    ON CONFLICT (entity, left_id) DO UPDATE SET fence = greatest(excluded.fence, g.fence + 1)
    RETURNING g.fence
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attempted (
    entity text NOT NULL,
    left_id text NOT NULL,
    fields jsonb NOT NULL,
    announced_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.base (
    entity text NOT NULL,
    left_id text NOT NULL,
    left_values jsonb NOT NULL,
    right_values jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.brake (
    source text NOT NULL,
    engaged_at timestamp with time zone,
    counted integer DEFAULT 0 NOT NULL,
    allowed integer DEFAULT 0 NOT NULL,
    released_until timestamp with time zone,
    released_by text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.brake_event (
    source text NOT NULL,
    entity text NOT NULL,
    left_id text NOT NULL,
    loss text NOT NULL,
    digest text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.brake_release (
    source text NOT NULL,
    loss text NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.parked (
    entity text NOT NULL,
    left_id text NOT NULL,
    attempts integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    parked_at timestamp with time zone NOT NULL
);
CREATE VIEW public.braked AS
 SELECT e.source,
    e.entity,
    e.left_id
   FROM (public.brake_event e
     JOIN public.parked p ON (((p.entity = e.entity) AND (p.left_id = e.left_id) AND (p.reason = 'brake'::text))));
CREATE TABLE public.cursor (
    name text NOT NULL,
    value text NOT NULL,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE SEQUENCE public.fence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.guard (
    entity text NOT NULL,
    left_id text NOT NULL,
    fence bigint NOT NULL
);
CREATE TABLE public.hash_key (
    is_single boolean DEFAULT true NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT hash_key_is_single_check CHECK (is_single)
);
CREATE TABLE public.intent (
    entity text NOT NULL,
    left_id text NOT NULL,
    fingerprint jsonb NOT NULL,
    declared_at timestamp with time zone NOT NULL,
    fence bigint NOT NULL
);
CREATE TABLE public.journal (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
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
CREATE SEQUENCE public.journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.journal_id_seq OWNED BY public.journal.id;
CREATE TABLE public.link (
    entity text NOT NULL,
    left_id text NOT NULL,
    right_id text NOT NULL,
    right_version text,
    left_changed_at timestamp with time zone,
    tombstone text DEFAULT ''::text NOT NULL,
    owner_id text,
    fence bigint NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    left_seen_at timestamp with time zone,
    right_changed_at timestamp with time zone,
    left_written_by text,
    seen_before jsonb DEFAULT '[]'::jsonb NOT NULL
);
CREATE TABLE public.note (
    entity text NOT NULL,
    left_id text NOT NULL,
    cause text NOT NULL,
    raised_at timestamp with time zone NOT NULL
);
CREATE TABLE public.pending_note (
    id bigint NOT NULL,
    entity text NOT NULL,
    left_id text NOT NULL,
    cause text NOT NULL,
    note jsonb NOT NULL,
    announced_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE SEQUENCE public.pending_note_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.pending_note_id_seq OWNED BY public.pending_note.id;
CREATE TABLE public.proxy_audit (
    call_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    key_id text NOT NULL,
    method text NOT NULL,
    pattern text NOT NULL,
    outcome text NOT NULL,
    status integer,
    ms integer,
    calls integer DEFAULT 1 NOT NULL
);
COMMENT ON TABLE public.proxy_audit IS 'Who (key_id, empty where nobody was recognised), method, pattern of the path, status, ms. Never a path or a body.';
CREATE TABLE public.proxy_idempotency (
    key_id text NOT NULL,
    request_key bytea NOT NULL,
    fingerprint bytea NOT NULL,
    claim uuid NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    status integer,
    headers jsonb,
    body bytea
);
COMMENT ON TABLE public.proxy_idempotency IS 'Client data: answers of Advoware to POSTs, in clear, for 24 hours; swept. Keep access and backups apart.';
CREATE TABLE public.proxy_key (
    key_id text NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    grants jsonb NOT NULL,
    per_minute integer NOT NULL,
    burst integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT proxy_key_burst_check CHECK ((burst > 0)),
    CONSTRAINT proxy_key_per_minute_check CHECK ((per_minute > 0)),
    CONSTRAINT proxy_key_secret_sha256_check CHECK ((length(secret_sha256) = 32))
);
ALTER TABLE ONLY public.journal ALTER COLUMN id SET DEFAULT nextval('public.journal_id_seq'::regclass);
ALTER TABLE ONLY public.pending_note ALTER COLUMN id SET DEFAULT nextval('public.pending_note_id_seq'::regclass);
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.alembic_version VALUES ('0005');
-- Data for Name: attempted; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.attempted VALUES ('beteiligte', 'p2', '[{"at": "2026-11-30T12:00:00+00:00", "left": "50667", "side": "right", "field": "plz", "right": "50667"}]', '2026-12-01 00:58:11.042506+00');
-- Data for Name: base; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.base VALUES ('beteiligte', 'p1', '{"ort": "Köln", "lastName": "Probe"}', '{"ort": "Köln", "name": "Probe"}', '2026-11-30 12:00:00+00');
INSERT INTO public.base VALUES ('beteiligte', 'p2', '{"ort": "Köln", "lastName": "Probe"}', '{"ort": "Köln", "name": "Probe"}', '2026-11-30 12:00:00+00');
INSERT INTO public.base VALUES ('beteiligte', 'p4', '{"ort": "Köln", "lastName": "Probe"}', '{"ort": "Köln", "name": "Probe"}', '2026-11-30 12:00:00+00');
-- Data for Name: brake; Type: TABLE DATA; Schema: public; Owner: -
-- Data for Name: brake_event; Type: TABLE DATA; Schema: public; Owner: -
-- Data for Name: brake_release; Type: TABLE DATA; Schema: public; Owner: -
-- Data for Name: cursor; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.cursor VALUES ('fence.timed_since', '2026-12-01T00:58:10.884680+00:00', '2026-12-01 00:58:10.88468+00');
INSERT INTO public.cursor VALUES ('beteiligte:modified', '2026-11-30T11:55:00Z', '2026-12-01 00:58:11.045095+00');
-- Data for Name: guard; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.guard VALUES ('beteiligte', 'p1', 1883333398126133249);
INSERT INTO public.guard VALUES ('beteiligte', 'p3', 1883333398136619011);
INSERT INTO public.guard VALUES ('beteiligte', 'p4', 1883333398141861893);
INSERT INTO public.guard VALUES ('beteiligte', 'p5', 1883333398143959046);
INSERT INTO public.guard VALUES ('beteiligte', 'p2', 1883333398146056199);
INSERT INTO public.guard VALUES ('beteiligte', 'p6', 1883333398148153352);
-- Data for Name: hash_key; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.hash_key VALUES (true, '\xb0f26250354b43138136a54fbf30ebf66b96fd6d550f4b8b85268ef9f0853ef4');
-- Data for Name: intent; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.intent VALUES ('beteiligte', 'p5', '{"name": "Neu"}', '2026-12-01 00:58:11.041058+00', 1883333398143959046);
-- Data for Name: journal; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.journal VALUES (1, '2026-11-30 12:00:00+00', 'beteiligte', 'p1', 1883333398126133249, 'write', 'lastName', 'right', 'only_left', '', 'b7b6ed1b30af804c61e3d1519edd2b3f', 'e1-0', '');
INSERT INTO public.journal VALUES (2, '2026-11-30 12:00:00+00', 'beteiligte', 'p2', 1883333398133473282, 'write', 'lastName', 'right', 'only_left', '', '90d30fa90db1261564d849e33e9cafaf', 'e1-0', '');
INSERT INTO public.journal VALUES (3, '2026-11-30 12:00:00+00', 'beteiligte', 'p4', 1883333398138716164, 'write', 'lastName', 'right', 'only_left', '', 'f59a5d4b7114384041b682638abb1e5b', 'e1-0', '');
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.link VALUES ('beteiligte', 'p1', '101', 'row-101', '2026-11-30 12:00:00+00', '', 'anna', 1883333398126133249, '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', NULL, '["v1"]');
INSERT INTO public.link VALUES ('beteiligte', 'p2', '102', 'row-102', '2026-11-30 12:00:00+00', '', 'anna', 1883333398133473282, '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', NULL, '["v1"]');
INSERT INTO public.link VALUES ('beteiligte', 'p4', '104', 'row-104', '2026-11-30 12:00:00+00', '', 'anna', 1883333398138716164, '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', NULL, '["v1"]');
INSERT INTO public.link VALUES ('beteiligte', 'p6', '106', 'row', NULL, 'right_gone', 'anna', 1883333398148153352, '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', '2026-11-30 12:00:00+00', NULL, NULL, NULL, '[]');
-- Data for Name: note; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.note VALUES ('beteiligte', 'p1', 'conflict:ort', '2026-11-30 12:00:00+00');
INSERT INTO public.note VALUES ('beteiligte', 'p2', 'conflict:ort', '2026-11-30 12:00:00+00');
INSERT INTO public.note VALUES ('beteiligte', 'p4', 'conflict:ort', '2026-11-30 12:00:00+00');
-- Data for Name: parked; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.parked VALUES ('beteiligte', 'p3', 2, '2026-11-30 12:05:00+00', 'remote_unavailable', 'advoware: 503', '2026-11-30 12:00:00+00');
INSERT INTO public.parked VALUES ('beteiligte', 'p4', 0, '2026-11-30 13:00:00+00', 'brake', 'right', '2026-11-30 12:00:00+00');
-- Data for Name: pending_note; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.pending_note VALUES (1, 'beteiligte', 'p2', 'conflict:plz', '{"lost": "50668", "side": "right", "text": "Text", "cause": "conflict:plz", "field": "plz", "marker": "#7", "expected": "50667", "owner_id": "anna"}', '2026-12-01 00:58:11.042506+00');
-- Data for Name: proxy_audit; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.proxy_audit VALUES ('00000000-0000-4000-8000-000000000001', '2026-11-30 12:00:00+00', 'k0123456789ab', 'GET', '/Akten', 'done', 200, 41, 1);
-- Data for Name: proxy_idempotency; Type: TABLE DATA; Schema: public; Owner: -
-- Data for Name: proxy_key; Type: TABLE DATA; Schema: public; Owner: -
INSERT INTO public.proxy_key VALUES ('k0123456789ab', 'Office desk', '\x0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a', '[{"methods": ["GET", "PUT"], "pattern": "/Beteiligte/:id"}, {"methods": ["GET"], "pattern": "/Akten"}]', 600, 50, '2026-12-01 00:58:11.045833+00', NULL, NULL);
INSERT INTO public.proxy_key VALUES ('kffffffffffff', 'Former intern', '\x412dc46cc9e3cb26f29f7c1415c556349af62904c5d15b0a2d8cfdc5cfa22b34', '[{"methods": ["GET"], "pattern": "/Akten"}]', 60, 5, '2026-12-01 00:58:11.046752+00', NULL, '2026-12-01 00:58:11.047174+00');
SELECT pg_catalog.setval('public.fence', 8, true);
SELECT pg_catalog.setval('public.journal_id_seq', 3, true);
SELECT pg_catalog.setval('public.pending_note_id_seq', 1, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempted
    ADD CONSTRAINT attempted_pkey PRIMARY KEY (entity, left_id);
ALTER TABLE ONLY public.base
    ADD CONSTRAINT base_pkey PRIMARY KEY (entity, left_id);
ALTER TABLE ONLY public.brake_event
    ADD CONSTRAINT brake_event_pkey PRIMARY KEY (source, entity, left_id);
ALTER TABLE ONLY public.brake
    ADD CONSTRAINT brake_pkey PRIMARY KEY (source);
ALTER TABLE ONLY public.brake_release
    ADD CONSTRAINT brake_release_pkey PRIMARY KEY (source, loss);
ALTER TABLE ONLY public.cursor
    ADD CONSTRAINT cursor_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.guard
    ADD CONSTRAINT guard_pkey PRIMARY KEY (entity, left_id);
ALTER TABLE ONLY public.hash_key
    ADD CONSTRAINT hash_key_pkey PRIMARY KEY (is_single);
ALTER TABLE ONLY public.intent
    ADD CONSTRAINT intent_pkey PRIMARY KEY (entity, left_id);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (entity, left_id);
ALTER TABLE ONLY public.note
    ADD CONSTRAINT note_pkey PRIMARY KEY (entity, left_id, cause);
ALTER TABLE ONLY public.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (entity, left_id);
ALTER TABLE ONLY public.pending_note
    ADD CONSTRAINT pending_note_pkey PRIMARY KEY (entity, left_id, cause);
ALTER TABLE ONLY public.proxy_audit
    ADD CONSTRAINT proxy_audit_pkey PRIMARY KEY (call_id);
ALTER TABLE ONLY public.proxy_idempotency
    ADD CONSTRAINT proxy_idempotency_pkey PRIMARY KEY (key_id, request_key);
ALTER TABLE ONLY public.proxy_key
    ADD CONSTRAINT proxy_key_pkey PRIMARY KEY (key_id);
CREATE INDEX brake_event_at ON public.brake_event USING btree (source, at);
CREATE INDEX journal_at ON public.journal USING brin (at);
CREATE INDEX journal_record ON public.journal USING btree (entity, left_id, id);
CREATE UNIQUE INDEX link_live_right ON public.link USING btree (entity, right_id) WHERE (tombstone = ''::text);
CREATE INDEX link_looked_at ON public.link USING btree (entity, looked_at) WHERE (tombstone = ''::text);
CREATE INDEX link_right_version ON public.link USING btree (entity, right_version);
CREATE INDEX link_rival ON public.link USING btree (entity, right_id) WHERE (tombstone = 'duplicate'::text);
CREATE INDEX parked_due ON public.parked USING btree (entity, due_at);
CREATE INDEX proxy_audit_at ON public.proxy_audit USING brin (at);
CREATE INDEX proxy_audit_key ON public.proxy_audit USING btree (key_id, at);
CREATE INDEX proxy_idempotency_expires ON public.proxy_idempotency USING btree (expires_at);
CREATE TRIGGER link_looked_at_now BEFORE INSERT OR UPDATE OF looked_at ON public.link FOR EACH ROW EXECUTE FUNCTION public.no_later_than_now();
CREATE TRIGGER parked_no_more AFTER DELETE ON public.parked FOR EACH ROW WHEN ((old.reason = 'brake'::text)) EXECUTE FUNCTION public.forget_suspicion();

-- The function behind the triggers of AUDIT_OUTSIDE: outside.py says what for, and fills in what stands in <>.
CREATE FUNCTION audit_tell_of_outside() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = <schema>, pg_temp AS $body$
-- The digest of the triggers: <digest>
-- Their arguments: the kinds of targets whose events may tell of the row, the column of its key, the verbs that tell of the operation (the first
-- is that of the event written here), and the columns with the names of their fields.
DECLARE
    key text := coalesce(to_jsonb(OLD), to_jsonb(NEW)) ->> TG_ARGV[1]; -- none of a whole table
    own bigint := pg_current_xact_id()::text::bigint;
    since uuid := rpad(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 3600000), 12, '0'), 32, '0');
    other text;
    kind text;
    before jsonb;
    after jsonb;
    changes text;
    person text;
    made bigint;
    identifier uuid;
    texts text[];
BEGIN
    -- An event is of this transaction if it is visible and whoever wrote it is still at work: behind a savepoint its xmin is not the transaction's
    -- number, but one above it. The site's clock may be an hour behind this one. (One kind and key at a time: twice as fast as = ANY.)
    FOREACH other IN ARRAY ARRAY[key, ''] LOOP
        FOREACH kind IN ARRAY string_to_array(TG_ARGV[0], ',') LOOP
            IF EXISTS (
                SELECT FROM audit_event
                WHERE target_type = kind AND target_id = other AND id >= since AND TG_LEVEL = 'ROW'
                AND split_part(action, '.', 3) = ANY (string_to_array(TG_ARGV[2], ',')) AND CASE
                    WHEN (xmin::text::bigint - own) & 4294967295 < 2147483648
                    THEN pg_xact_status((own + ((xmin::text::bigint - own) & 4294967295))::text::xid8) = 'in progress' END
            ) THEN
                RETURN NULL;
            END IF;
        END LOOP;
    END LOOP;
    before := coalesce(to_jsonb(OLD), '{}');
    after := coalesce(to_jsonb(NEW), '{}');
    SELECT '{' || coalesce(string_agg(to_json(field)::text || ':"changed"', ',' ORDER BY field COLLATE "C"), '') || '}' INTO changes
        FROM jsonb_each_text(TG_ARGV[3]::jsonb) AS named(name, field)
        WHERE coalesce(before -> name, 'null') <> coalesce(after -> name, 'null');
    key := coalesce(regexp_replace(left(key, 64), '<harmful>', '?', 'g'), '');
    kind := split_part(TG_ARGV[0], ',', 1);
    person := regexp_replace(session_user, '<harmful>', '?', 'g');
    made := extract(epoch FROM clock_timestamp()) * 1000;
    identifier := lpad(to_hex(made), 12, '0') || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14);
    texts := ARRAY[
        identifier::text,
        '1',
        to_char(timestamp 'epoch' + made * interval '1 ms', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'audit.row.' || split_part(TG_ARGV[2], ',', 1),
        'success',
        'warning',
        'system',
        'postgresql',
        'system:postgresql',
        '',
        coalesce(host(inet_client_addr()), ''),
        '',
        '',
        '',
        'system:postgresql',
        '',
        kind,
        key,
        CASE key WHEN '' THEN 'all of ' || kind ELSE kind || ':' || key END,
        '',
        changes,
        '{"operation":' || to_json(lower(TG_OP))::text || ',"user":' || to_json(person)::text || '}'
    ];
    INSERT INTO audit_event (
        id, schema, occurred_at, action, outcome, severity, actor_type, actor_id, actor_label, on_behalf_of, ip, user_agent, session, request_id,
        route, method, target_type, target_id, target_label, reason, changes, details, digest
    ) SELECT
        identifier, 1, texts[3], texts[4], texts[5], texts[6], texts[7], texts[8], texts[9], texts[10], texts[11], texts[12], texts[13], texts[14],
        texts[15], texts[16], texts[17], texts[18], texts[19], texts[20], texts[21], texts[22],
        encode(sha256(E'audit event 1\n'::bytea || string_agg(
            int4send(octet_length(convert_to(each, 'UTF8'))) || convert_to(each, 'UTF8'), ''::bytea ORDER BY place
        )), 'hex')
        FROM unnest(texts) WITH ORDINALITY AS columns(each, place);
    RETURN NULL;
END
$body$;

-- For each table. ALWAYS: also under `session_replication_role = replica`.
CREATE CONSTRAINT TRIGGER audit_outside_insert AFTER INSERT ON <table> DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION audit_tell_of_outside(<kinds>, <key>, <inserted>, <fields>);
CREATE CONSTRAINT TRIGGER audit_outside_update AFTER UPDATE ON <table> DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (<differ>)
    EXECUTE FUNCTION audit_tell_of_outside(<kinds>, <key>, <updated>, <fields>);
CREATE CONSTRAINT TRIGGER audit_outside_delete AFTER DELETE ON <table> DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION audit_tell_of_outside(<kinds>, <key>, <deleted>, <fields>);
CREATE TRIGGER audit_outside_truncate AFTER TRUNCATE ON <table>
    EXECUTE FUNCTION audit_tell_of_outside(<kinds>, <key>, <deleted>, '{}');
ALTER TABLE <table> ENABLE ALWAYS TRIGGER audit_outside_insert, ENABLE ALWAYS TRIGGER audit_outside_update,
    ENABLE ALWAYS TRIGGER audit_outside_delete, ENABLE ALWAYS TRIGGER audit_outside_truncate;

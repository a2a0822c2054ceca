-- The exact rights of the site and of reports. As the owner, after each `manage.py migrate`; running it again is safe:
--
--   psql -X -d rampart -U rampart_owner -f grants.sql          (another name than rampart: -v name=shop)
--
-- Append-only tables, known by their trigger, never get UPDATE or DELETE: the site can add to the audit log and not
-- rewrite it. A table that is not listed here because this was forgotten can be read and appended to, no more.
\set ON_ERROR_STOP on
\if :{?name}
\else
    \set name rampart
\endif
\set app :name _app
\set report :name _report

BEGIN; -- no moment without rights
SELECT format('REVOKE ALL ON %I FROM %I, %I', relname, :'app', :'report'),
       format('GRANT %s ON %I TO %I',
              CASE WHEN relname IN ('auth_permission', 'django_content_type', 'django_migrations') THEN 'SELECT'
                   WHEN EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgname = 'append_only_rows')
                       THEN 'SELECT, INSERT'
                   ELSE 'SELECT, INSERT, UPDATE, DELETE' END,
              relname, :'app')
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND pg_get_userbyid(relowner) = current_user \gexec

SELECT format('GRANT SELECT ON %I TO %I', relname, :'report')
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relname IN ('audit_event') \gexec
COMMIT;

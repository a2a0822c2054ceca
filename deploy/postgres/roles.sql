-- The database roles (PostgreSQL 15 or newer). Once per database, as an administrator; running it again is safe:
--
--   CREATE DATABASE rampart TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
--   psql -X -d rampart -v owner_password="$OWNER" -v app_password="$APP" -v report_password="$REPORT" -v seal_password="$SEAL" -f roles.sql
--
-- <name>_owner runs `manage.py migrate`, which gives the others their exact rights, <name>_app is the site, <name>_report reads,
-- <name>_seal seals the audit log (leave seal_password out, and the site does). Another name
-- than rampart: -v name=shop. Give SCRAM verifiers, not clear passwords, where statements are logged.
--
-- The server: password_encryption = 'scram-sha-256', ssl = on, and in pg_hba.conf no "host" line for these roles, only
--   hostssl rampart rampart_owner,rampart_app,rampart_report,rampart_seal <network> scram-sha-256
-- The site:   DATABASE_URL=postgresql://rampart_app:…@db.example.org/rampart?sslmode=verify-full&sslrootcert=…&channel_binding=require
\set ON_ERROR_STOP on
\if :{?name}
\else
    \set name rampart
\endif
\set owner :name _owner
\set app :name _app
\set report :name _report

BEGIN;
SET LOCAL password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', role) FROM unnest(ARRAY[:'owner', :'app', :'report']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

ALTER ROLE :"owner"  LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 5  PASSWORD :'owner_password';
ALTER ROLE :"app"    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 80 PASSWORD :'app_password';
ALTER ROLE :"report" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 5  PASSWORD :'report_password';

-- Defaults, which a session may change; the grants below are the fence.
ALTER ROLE :"owner"  SET lock_timeout = '5s'; -- a migration that would queue behind traffic fails instead
ALTER ROLE :"owner"  SET idle_in_transaction_session_timeout = '10min';
ALTER ROLE :"app"    SET statement_timeout = '15s';
ALTER ROLE :"app"    SET lock_timeout = '5s';
ALTER ROLE :"app"    SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE :"report" SET statement_timeout = '60s';
ALTER ROLE :"report" SET lock_timeout = '2s';
ALTER ROLE :"report" SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE :"report" SET default_transaction_read_only = on;

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I, %I, %I', current_database(), :'owner', :'app', :'report') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC; -- the whole cluster: leave out on a shared server
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app", :"report";

-- Large objects: functions that everybody may otherwise call, and that fill the disk.
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_open(oid, integer),
    lo_unlink(oid), lo_put(oid, bigint, bytea), lowrite(integer, bytea) FROM PUBLIC;

-- Fail closed: a new table can be read and appended to; UPDATE and DELETE come with `manage.py migrate`. No right on sequences:
-- identity columns, which Django makes, need none, and nextval() would let the site tear gaps.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; -- works only without IN SCHEMA
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" REVOKE USAGE ON TYPES FROM PUBLIC;

-- The sealer of the audit log, if it is to have a role of its own: then the site can't write what its events are sealed in.
\if :{?seal_password}
    \set seal :name _seal
    SELECT format('CREATE ROLE %I', :'seal') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'seal') \gexec
    ALTER ROLE :"seal" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 5 PASSWORD :'seal_password';
    ALTER ROLE :"seal" SET lock_timeout = '5s';
    SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'seal') \gexec
    GRANT USAGE ON SCHEMA public TO :"seal";
\endif
COMMIT;

-- full: five systems in one schema. 29 tables, 1 view, 2 enum types.
--
-- The files of this folder are one script, in the order of their numbers. What each table and
-- column of elon, wallstreet, advancia, smarthub and pe_portal became is in ../coverage.tsv.
--
-- Keys are uuids. A key of another kind becomes the version 5 uuid of system, table and old key,
-- so that a reference can be carried over without a table of what became what.
-- Times are TIMESTAMPTZ. The systems wrote TIMESTAMP and meant UTC; a value without its zone means
-- something else on each device, and these databases meet.
-- Money is NUMERIC with at most 18 digits: (15,2) on accounts, (18,8) for crypto, prices and rates.
-- Where a system lacks a value that another one requires, the column may be null; where it only
-- lacks NOT NULL beside a DEFAULT, the default is meant. VARCHAR(n) keeps the widest limit that all
-- systems state, TEXT wins over it, and closed vocabularies are a CHECK, or a type where a system
-- has one.
-- Names: pk_table, uq_table_columns, fk_table_column, ck_table_what, idx_table_what. Every foreign
-- key leads an index, of all rows or of those that refer to something; no index is the beginning of
-- another.

-- prelude: begin
-- What a Supabase project brings along, for a plain PostgreSQL: three roles, the schema auth with
-- the caller's claims, and the privileges that row-level security then narrows. What is there
-- already stays as it is. TRUNCATE is not granted to the callers' roles: it asks no policy.
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'anon') THEN
    CREATE ROLE anon NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'authenticated') THEN
    CREATE ROLE authenticated NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
    CREATE ROLE service_role NOLOGIN BYPASSRLS;
  END IF;
  IF pg_catalog.to_regnamespace('auth') IS NULL THEN
    CREATE SCHEMA auth;
    GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
  END IF;
  IF pg_catalog.to_regprocedure('auth.jwt()') IS NULL THEN
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE
      AS $f$ SELECT NULLIF(current_setting('request.jwt.claims', true), '')::jsonb $f$;
  END IF;
  IF pg_catalog.to_regprocedure('auth.uid()') IS NULL THEN
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
      AS $f$ SELECT (NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $f$;
  END IF;
  IF pg_catalog.to_regprocedure('auth.role()') IS NULL THEN
    CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE
      AS $f$ SELECT NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $f$;
  END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
  GRANT ALL ON TABLES TO service_role;
-- prelude: end

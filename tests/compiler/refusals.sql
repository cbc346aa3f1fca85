-- What cannot be honoured, a kind a statement. refusals.expected lists the notes: line:column severity SQLSTATE message.
CREATE TABLE base (id uuid PRIMARY KEY, n integer, t text, amount numeric(10,2));
CREATE TABLE syntax (id uuid,, n integer);
CREATE TEMP TABLE temporary (id uuid);
CREATE TABLE parted (id uuid, at date) PARTITION BY RANGE (at);
CREATE TABLE inherits_it (x integer) INHERITS (base);
CREATE TABLE liked (LIKE base);
CREATE TABLE empty ();
CREATE TABLE base (id uuid);
CREATE TABLE "Base" (id uuid);
CREATE TABLE "has space" (id uuid);
CREATE TABLE ledger_mine (id uuid);
CREATE TABLE a_name_that_has_sixty_four_bytes_which_is_one_more_than_it_may_have_ (id uuid);
CREATE TABLE columns_twice (a integer, a text);
CREATE TABLE columns_case (a integer, "A" text);
CREATE TABLE system_column (ctid integer);
CREATE TABLE no_type (a nothing_like_it);
CREATE TABLE geometry (a point);
CREATE TABLE ranges (a int4range);
CREATE TABLE collated (a text COLLATE "de_DE");
CREATE TABLE excluded (a integer, EXCLUDE USING gist (a WITH =));
CREATE TABLE nulls_not_distinct (a integer, UNIQUE NULLS NOT DISTINCT (a));
CREATE TABLE two_keys (a integer PRIMARY KEY, b integer PRIMARY KEY);
CREATE TABLE key_of_nothing (a integer, PRIMARY KEY (b));
CREATE TABLE refers_nowhere (a uuid REFERENCES nowhere);
CREATE TABLE refers_not_unique (a integer REFERENCES base (n));
CREATE TABLE refers_type (a integer REFERENCES base (id));
CREATE TABLE refers_some (a uuid, b uuid, FOREIGN KEY (a) REFERENCES base ON DELETE SET NULL (a));
CREATE TABLE check_type (a integer CHECK (a + 1));
CREATE TABLE check_column (a integer CHECK (b > 1));
CREATE TABLE check_function (a text CHECK (no_such_function(a) > 1));
CREATE TABLE default_value (a integer DEFAULT 'x');
CREATE TABLE default_column (a integer, b integer DEFAULT a);
CREATE TABLE generated_volatile (a timestamptz GENERATED ALWAYS AS (now()) STORED);
CREATE TABLE generated_twice (a integer, b integer GENERATED ALWAYS AS (a + 1) STORED, c integer GENERATED ALWAYS AS (b + 1) STORED);
CREATE TABLE identity_text (a text GENERATED ALWAYS AS IDENTITY);
CREATE TYPE pair AS (a integer, b integer);
CREATE TYPE span AS RANGE (subtype = integer);
CREATE TYPE mood AS ENUM ('good', 'good');
ALTER TYPE missing ADD VALUE 'x';
CREATE DOMAIN small AS integer CHECK (VALUE < 10);
CREATE DOMAIN smaller AS small CHECK (VALUE < 5);
CREATE INDEX ON base USING gin (t);
CREATE INDEX base_missing ON base (missing);
CREATE INDEX base_now ON base ((now()::date));
CREATE UNIQUE INDEX base_nulls ON base (n) NULLS NOT DISTINCT;
CREATE MATERIALIZED VIEW stored AS SELECT 1 AS a;
CREATE VIEW broken AS SELECT missing FROM base;
CREATE TABLE copied AS SELECT * FROM base;
CREATE FUNCTION looping() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..3 LOOP
    NEW.n := i;
  END LOOP;
  RETURN NEW;
END $$;
CREATE TRIGGER base_loops BEFORE UPDATE ON base FOR EACH ROW EXECUTE FUNCTION looping();
CREATE FUNCTION dynamic() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'SELECT 1';
  RETURN NEW;
END $$;
CREATE TRIGGER base_executes BEFORE UPDATE ON base FOR EACH ROW EXECUTE FUNCTION dynamic();
CREATE FUNCTION vanishing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN NULL;
END $$;
CREATE TRIGGER base_vanishes BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION vanishing();
CREATE TRIGGER base_statement AFTER UPDATE ON base FOR EACH STATEMENT EXECUTE FUNCTION vanishing();
CREATE TRIGGER base_nobody AFTER UPDATE ON base FOR EACH ROW EXECUTE FUNCTION nobody();
CREATE FUNCTION writes() RETURNS void LANGUAGE sql AS 'DELETE FROM base';
CREATE FUNCTION snake() RETURNS integer LANGUAGE plpython3u AS 'return 1';
CREATE PROCEDURE proceed() LANGUAGE sql AS 'SELECT 1';
CREATE POLICY of_type ON base USING (n);
CREATE POLICY of_column ON base USING (owner = 1);
CREATE POLICY of_insert ON base FOR INSERT USING (true);
CREATE RULE no_delete AS ON DELETE TO base DO INSTEAD NOTHING;
CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer);
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE FOREIGN TABLE far (a integer) SERVER elsewhere;
ALTER TABLE missing ADD COLUMN a integer;
ALTER TABLE base ADD COLUMN n integer;
ALTER TABLE base DROP COLUMN missing;
ALTER TABLE base ALTER COLUMN missing SET NOT NULL;
ALTER TABLE base ATTACH PARTITION base DEFAULT;
DROP TABLE missing;
DROP TYPE missing;
INSERT INTO base (id, missing) VALUES ('00000000-0000-4000-8000-000000000001', 1);
INSERT INTO missing VALUES (1);
UPDATE base SET n = 1;
DELETE FROM base;
TRUNCATE base;
SELECT * FROM base;
SELECT setval('missing', 1);
COPY base FROM '/tmp/base.csv';
DO $$ BEGIN PERFORM pg_sleep(1); END $$;
COMMENT ON TABLE missing IS 'no';
\i other.sql
CREATE TABLE mysql (id integer, name text, INDEX name_index (name DESC));

-- Migrations one behind the other, as a project has them after some years: what the last one leaves is the schema.
CREATE TYPE status AS ENUM ('open', 'done');
CREATE TABLE tasks (
  id integer PRIMARY KEY,
  owner uuid,
  status status NOT NULL DEFAULT 'open',
  title text NOT NULL,
  points numeric(6,2) DEFAULT 1,
  shout text GENERATED ALWAYS AS (upper(tasks.title)) STORED,
  weight integer CHECK (tasks.weight > 0)
);
CREATE TABLE notes (id integer PRIMARY KEY, task_id integer REFERENCES tasks (id), body text);
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY owners ON tasks USING (auth.uid() = owner AND tasks.weight > 0);
CREATE POLICY readers ON notes FOR SELECT USING (EXISTS (SELECT 1 FROM tasks WHERE tasks.id = notes.task_id));
CREATE VIEW titles AS SELECT tasks.id, tasks.title FROM tasks;
CREATE INDEX tasks_shout ON tasks (lower(tasks.title)) WHERE tasks.id > 0;

-- An older database has rows to move; this one has none yet.
UPDATE tasks SET title = 'untitled' WHERE title = '';
INSERT INTO notes (id, task_id) SELECT id, id FROM tasks WHERE title <> '';
DELETE FROM notes WHERE body IS NULL;

ALTER TABLE tasks RENAME COLUMN owner TO owner_id;
ALTER TABLE tasks ALTER COLUMN status DROP DEFAULT;
ALTER TABLE tasks ALTER COLUMN status TYPE text USING status::text;
DROP TYPE status;
CREATE TYPE status AS ENUM ('open', 'done', 'gone');
ALTER TABLE tasks ALTER COLUMN status TYPE status USING status::status;
ALTER TABLE tasks ALTER COLUMN status SET DEFAULT 'open';
ALTER TABLE notes ADD CONSTRAINT notes_body CHECK (body <> '') NOT VALID;
ALTER TABLE notes VALIDATE CONSTRAINT notes_body;
ALTER TABLE tasks RENAME TO jobs;
ALTER VIEW titles RENAME TO job_titles;

CREATE TABLE drafts (id integer PRIMARY KEY, body text, job_id integer REFERENCES jobs (id));
CREATE VIEW draft_bodies AS SELECT body FROM drafts;
CREATE POLICY drafted ON notes FOR DELETE USING (id IN (SELECT id FROM drafts));
ALTER TABLE drafts DROP COLUMN body CASCADE;
DROP TABLE drafts CASCADE;

DO $$ BEGIN
  ALTER TABLE "notes" ADD CONSTRAINT "notes_of_a_job_that_has_been_a_task_before_task_id_jobs_id_foreign_key"
    FOREIGN KEY ("task_id") REFERENCES "public"."jobs"("id") ON DELETE cascade;
EXCEPTION WHEN duplicate_object THEN null;
END $$;

CREATE FUNCTION pick(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + 1';
CREATE FUNCTION has_job(job integer) RETURNS boolean LANGUAGE sql STABLE
  AS 'SELECT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job)';
CREATE TABLE bills (id integer PRIMARY KEY, job integer CHECK (has_job(job)));

INSERT INTO jobs (id, title, weight) VALUES (1, 'sow', 3), (2, 'reap', 4), (3, 'rest', 5);
INSERT INTO jobs AS j (id, title) VALUES (2, 'mow')
  ON CONFLICT (id) DO UPDATE SET title = excluded.title || '!', points = j.points * 2 WHERE j.weight > 1;
UPDATE jobs j SET points = j.points + 0.25, title = 'Sow' WHERE j.id = 1;
DELETE FROM jobs WHERE id IN (SELECT max(id) FROM jobs);
INSERT INTO notes (id, task_id, body) SELECT id, id, title FROM jobs WHERE weight > 3;

-- A schema for test_policies_postgres.c: teams, functions that read as their owner, policies of claims, keys of text, a role of its own,
-- another schema, default privileges, policies without USING or without WITH CHECK, a policy that reads its own table on INSERT.
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
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'clerk') THEN
    CREATE ROLE clerk NOLOGIN;
  END IF;
  GRANT USAGE ON SCHEMA auth TO clerk;
END
$$;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, clerk;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO anon, authenticated, clerk;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO service_role;

CREATE TABLE users (
  id text PRIMARY KEY,
  email text,
  handle text UNIQUE
);
CREATE TABLE teams (
  id int PRIMARY KEY CHECK (id BETWEEN 1 AND 6),
  name text NOT NULL,
  is_open boolean NOT NULL DEFAULT false
);
CREATE TABLE members (
  team_id int NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  rank text NOT NULL DEFAULT 'guest' CHECK (rank IN ('guest', 'mate', 'boss')),
  PRIMARY KEY (team_id, user_id)
);
CREATE TABLE posts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id int REFERENCES teams (id),
  author text REFERENCES users (id),
  title text NOT NULL CHECK (title <> ''),
  tags text[],
  meta jsonb,
  level int CHECK (level IN (1, 2, 3)),
  is_public boolean
);
CREATE TABLE votes (
  post_id uuid REFERENCES posts (id) ON DELETE CASCADE,
  user_id text REFERENCES users (id),
  stars int CHECK (stars IN (1, 2, 3, 4, 5)),
  UNIQUE (post_id, user_id),
  id uuid PRIMARY KEY DEFAULT gen_random_uuid()
);
CREATE TABLE seats (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id int,
  label text
);
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE INSERT, DELETE ON TABLES FROM anon;
CREATE TABLE plans (
  code text PRIMARY KEY,
  seats int CHECK (seats IN (1, 5, 10))
);
CREATE SCHEMA billing;
GRANT USAGE ON SCHEMA billing TO authenticated, service_role;
CREATE TABLE billing.invoices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id int REFERENCES public.teams (id),
  amount numeric(12,2) NOT NULL CHECK (amount >= 0)
);
GRANT SELECT, UPDATE ON billing.invoices TO authenticated;

CREATE FUNCTION is_member(t int) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT EXISTS (SELECT 1 FROM public.members m WHERE m.team_id = t AND m.user_id = auth.uid()::text) $$;
CREATE FUNCTION is_boss(t int) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT EXISTS (SELECT 1 FROM public.members m WHERE m.team_id = t AND m.user_id = auth.uid()::text AND m.rank = 'boss') $$;

CREATE VIEW open_posts WITH (security_invoker = true) AS
  SELECT p.id, p.title, t.name AS team FROM posts p JOIN teams t ON t.id = p.team_id WHERE p.is_public;
CREATE VIEW all_titles AS SELECT id, title FROM posts;
REVOKE ALL ON all_titles FROM anon;
REVOKE SELECT ON votes FROM anon;
REVOKE ALL ON plans FROM PUBLIC, clerk;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE votes ENABLE ROW LEVEL SECURITY;
ALTER TABLE votes FORCE ROW LEVEL SECURITY;
ALTER TABLE seats ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.invoices ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_all ON users FOR SELECT USING (true);
CREATE POLICY users_self ON users FOR UPDATE TO authenticated USING (id = auth.uid()::text);
CREATE POLICY users_new ON users FOR INSERT TO authenticated WITH CHECK (id = auth.uid()::text);
CREATE POLICY teams_see ON teams FOR SELECT TO authenticated, clerk USING (is_open OR is_member(id));
CREATE POLICY teams_anon ON teams FOR SELECT TO anon USING (is_open);
CREATE POLICY teams_boss ON teams FOR UPDATE TO authenticated USING (is_boss(id)) WITH CHECK (NOT is_open OR is_boss(id));
CREATE POLICY teams_clerk ON teams FOR ALL TO clerk USING (id < 4) WITH CHECK (name <> 'x');
CREATE POLICY members_see ON members FOR SELECT TO authenticated USING (is_member(team_id));
CREATE POLICY members_join ON members FOR INSERT TO authenticated
  WITH CHECK (user_id = auth.uid()::text AND rank = 'guest' AND team_id IN (SELECT t.id FROM teams t WHERE t.is_open));
CREATE POLICY members_leave ON members FOR DELETE TO authenticated USING (user_id = auth.uid()::text OR is_boss(team_id));
CREATE POLICY members_rank ON members FOR UPDATE TO authenticated USING (is_boss(team_id)) WITH CHECK (is_boss(team_id) AND rank <> 'boss');
CREATE POLICY posts_public ON posts FOR SELECT USING (is_public);
CREATE POLICY posts_team ON posts FOR SELECT TO authenticated USING (is_member(team_id) OR author = auth.uid()::text);
CREATE POLICY posts_author ON posts FOR ALL TO authenticated USING (author = auth.uid()::text);
CREATE POLICY posts_level ON posts AS RESTRICTIVE FOR ALL TO authenticated
  USING (coalesce(level, 1) <= coalesce((auth.jwt() ->> 'level')::int, 1));
CREATE POLICY posts_tags ON posts AS RESTRICTIVE FOR INSERT WITH CHECK (tags IS NULL OR NOT 'root' = ANY (tags));
CREATE POLICY posts_role ON posts FOR SELECT USING (author IS NULL AND current_user IN ('clerk', 'anon'));
CREATE POLICY posts_clerk ON posts FOR UPDATE TO clerk WITH CHECK (true);
CREATE POLICY votes_see ON votes FOR SELECT USING (post_id IN (SELECT id FROM posts));
CREATE POLICY votes_own ON votes FOR INSERT TO authenticated
  WITH CHECK (user_id = auth.uid()::text AND EXISTS (SELECT 1 FROM posts p WHERE p.id = post_id AND p.author <> user_id));
CREATE POLICY votes_change ON votes FOR UPDATE TO authenticated USING (user_id = auth.uid()::text) WITH CHECK (stars IS NOT NULL);
CREATE POLICY votes_drop ON votes FOR DELETE TO authenticated, anon USING (stars < 3);
CREATE POLICY seats_see ON seats FOR SELECT USING (label IS DISTINCT FROM 'k1');
CREATE POLICY seats_few ON seats FOR INSERT TO authenticated
  WITH CHECK ((SELECT count(*) FROM seats s WHERE s.team_id = seats.team_id) < 5);
CREATE POLICY seats_only_check ON seats TO clerk WITH CHECK (label IS NOT NULL);
CREATE POLICY invoices_boss ON billing.invoices TO authenticated USING (is_boss(team_id));

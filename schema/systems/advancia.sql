-- advancia: notifications, the assistant's commands and memory, and withdrawals of crypto, each row
-- belonging to one user. 5 tables, 11 policies.
--
-- The running system has 26 tables; its document defines these four and refers to users, of which
-- only what they need is here. Ids come from the application: no default.

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

CREATE TYPE "Role" AS ENUM ('PATIENT', 'PROVIDER', 'ADMIN');
-- The status columns below are TEXT, as documented; these two say what they hold.
CREATE TYPE "AiStatus" AS ENUM ('PENDING', 'COMPLETED', 'ERROR');
CREATE TYPE "WithdrawalStatus" AS ENUM ('PENDING', 'APPROVED', 'REJECTED', 'COMPLETED');

-- Mended: the document presupposes this table.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  role "Role" NOT NULL DEFAULT 'PATIENT',
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE notifications (
  id UUID PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id),
  type TEXT NOT NULL,
  message TEXT NOT NULL,
  read BOOLEAN DEFAULT false,
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE ai_command_logs (
  id UUID PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id),
  model TEXT NOT NULL,
  input JSONB NOT NULL,
  output JSONB,
  status TEXT DEFAULT 'PENDING',
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE crypto_withdrawals (
  id UUID PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id),
  amount DECIMAL(18,8) NOT NULL,
  currency TEXT NOT NULL,
  status TEXT DEFAULT 'PENDING',
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now()
);

CREATE TABLE vector_memory (
  id UUID PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id),
  embedding JSONB NOT NULL,
  context TEXT,
  created_at TIMESTAMP DEFAULT now()
);

-- Mended: the document promises indexes for the policies and names none.
CREATE INDEX idx_notifications_user_id ON notifications (user_id);
CREATE INDEX idx_ai_command_logs_user_id ON ai_command_logs (user_id);
CREATE INDEX idx_crypto_withdrawals_user_id ON crypto_withdrawals (user_id);
CREATE INDEX idx_vector_memory_user_id ON vector_memory (user_id);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE ai_command_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE crypto_withdrawals ENABLE ROW LEVEL SECURITY;
ALTER TABLE vector_memory ENABLE ROW LEVEL SECURITY;

-- The document gives the policies in words. What none of them allows is refused: nobody deletes a
-- notification, and commands and withdrawals are immutable. Keys are TEXT, hence the cast.
CREATE POLICY users_select_own ON users
  FOR SELECT TO authenticated USING (auth.uid()::text = id);

CREATE POLICY notifications_select_own ON notifications
  FOR SELECT TO authenticated USING (auth.uid()::text = user_id);
CREATE POLICY notifications_update_own ON notifications
  FOR UPDATE TO authenticated USING (auth.uid()::text = user_id)
  WITH CHECK (auth.uid()::text = user_id);

CREATE POLICY ai_command_logs_select_own ON ai_command_logs
  FOR SELECT TO authenticated USING (auth.uid()::text = user_id);
CREATE POLICY ai_command_logs_insert_own ON ai_command_logs
  FOR INSERT TO authenticated WITH CHECK (auth.uid()::text = user_id);

CREATE POLICY crypto_withdrawals_select_own ON crypto_withdrawals
  FOR SELECT TO authenticated USING (auth.uid()::text = user_id);
CREATE POLICY crypto_withdrawals_insert_own ON crypto_withdrawals
  FOR INSERT TO authenticated WITH CHECK (auth.uid()::text = user_id);

CREATE POLICY vector_memory_select_own ON vector_memory
  FOR SELECT TO authenticated USING (auth.uid()::text = user_id);
CREATE POLICY vector_memory_insert_own ON vector_memory
  FOR INSERT TO authenticated WITH CHECK (auth.uid()::text = user_id);
CREATE POLICY vector_memory_update_own ON vector_memory
  FOR UPDATE TO authenticated USING (auth.uid()::text = user_id)
  WITH CHECK (auth.uid()::text = user_id);
CREATE POLICY vector_memory_delete_own ON vector_memory
  FOR DELETE TO authenticated USING (auth.uid()::text = user_id);

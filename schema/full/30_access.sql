-- Roles, API keys and sessions.
--
-- Tokens are not stored, only their hashes: what the systems kept as session_token and
-- refresh_token is hashed on its way in. A user's role is a row in user_roles, never a column.

CREATE TABLE roles (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  name VARCHAR(100) NOT NULL,
  description TEXT,
  is_system BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_roles PRIMARY KEY (id),
  CONSTRAINT uq_roles_name UNIQUE (name)
);

COMMENT ON TABLE roles IS 'What a user may be.';
COMMENT ON COLUMN roles.id IS 'Primary key.';
COMMENT ON COLUMN roles.name IS 'Name by which policies and programs know the role, e.g. admin.';
COMMENT ON COLUMN roles.description IS 'What the role may do, in words.';
COMMENT ON COLUMN roles.is_system IS 'True for the roles that come with the schema.';
COMMENT ON COLUMN roles.created_at IS 'When the row was made.';
COMMENT ON COLUMN roles.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE user_roles (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  role_id UUID NOT NULL,
  assigned_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  assigned_by UUID,
  CONSTRAINT pk_user_roles PRIMARY KEY (id),
  CONSTRAINT uq_user_roles_user_id_role_id UNIQUE (user_id, role_id),
  CONSTRAINT fk_user_roles_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT fk_user_roles_role_id FOREIGN KEY (role_id)
    REFERENCES roles (id) ON DELETE CASCADE,
  CONSTRAINT fk_user_roles_assigned_by FOREIGN KEY (assigned_by)
    REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX idx_user_roles_role_id ON user_roles (role_id);
CREATE INDEX idx_user_roles_assigned_by ON user_roles (assigned_by);

COMMENT ON TABLE user_roles IS 'Which user has which role.';
COMMENT ON COLUMN user_roles.id IS 'Primary key.';
COMMENT ON COLUMN user_roles.user_id IS 'The user.';
COMMENT ON COLUMN user_roles.role_id IS 'The role.';
COMMENT ON COLUMN user_roles.assigned_at IS 'When the role was given.';
COMMENT ON COLUMN user_roles.assigned_by IS
  'Who gave it; null if it came with the schema or the giver is gone.';

CREATE TABLE api_keys (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  key_hash VARCHAR(255) NOT NULL,
  name VARCHAR(255),
  description TEXT,
  permissions JSONB NOT NULL DEFAULT '{}',
  rate_limit INTEGER NOT NULL DEFAULT 100,
  is_active BOOLEAN NOT NULL DEFAULT true,
  last_used_at TIMESTAMPTZ,
  expires_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_api_keys PRIMARY KEY (id),
  CONSTRAINT uq_api_keys_key_hash UNIQUE (key_hash),
  CONSTRAINT fk_api_keys_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT ck_api_keys_key_hash_length CHECK (length(key_hash) >= 60),
  CONSTRAINT ck_api_keys_rate_limit CHECK (rate_limit >= 0)
);

CREATE INDEX idx_api_keys_user_id ON api_keys (user_id);
CREATE INDEX idx_api_keys_active ON api_keys (user_id) WHERE is_active;
CREATE INDEX idx_api_keys_expires_at ON api_keys (expires_at);

COMMENT ON TABLE api_keys IS 'Keys for programs that act for a user.';
COMMENT ON COLUMN api_keys.id IS 'Key of the row, not the secret.';
COMMENT ON COLUMN api_keys.user_id IS 'The user for whom the program acts.';
COMMENT ON COLUMN api_keys.key_hash IS
  'One-way hash of the key: 64 hexadecimal digits (SHA-256), or 60 characters (bcrypt).';
COMMENT ON COLUMN api_keys.name IS 'What the user calls the key, e.g. build server.';
COMMENT ON COLUMN api_keys.description IS 'What it is used for.';
COMMENT ON COLUMN api_keys.permissions IS
  'What it may do, e.g. {"read:accounts": true, "write:transactions": false}.';
COMMENT ON COLUMN api_keys.rate_limit IS 'Requests allowed per minute; 0 allows none.';
COMMENT ON COLUMN api_keys.is_active IS 'False once the key is withdrawn.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Last request with the key.';
COMMENT ON COLUMN api_keys.expires_at IS 'When it stops to work; null is never.';
COMMENT ON COLUMN api_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN api_keys.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE sessions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  token_hash VARCHAR(64),
  refresh_token_hash VARCHAR(64),
  is_revoked BOOLEAN NOT NULL DEFAULT false,
  is_active BOOLEAN GENERATED ALWAYS AS (NOT is_revoked) STORED,
  expires_at TIMESTAMPTZ NOT NULL,
  last_activity_at TIMESTAMPTZ,
  ip_address INET,
  user_agent TEXT,
  device_type VARCHAR(50),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_sessions PRIMARY KEY (id),
  CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash),
  CONSTRAINT uq_sessions_refresh_token_hash UNIQUE (refresh_token_hash),
  CONSTRAINT fk_sessions_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT ck_sessions_token_hash_length CHECK (length(token_hash) = 64),
  CONSTRAINT ck_sessions_refresh_token_hash_length CHECK (length(refresh_token_hash) = 64),
  CONSTRAINT ck_sessions_has_token CHECK (token_hash IS NOT NULL OR refresh_token_hash IS NOT NULL)
);

CREATE INDEX idx_sessions_user_id ON sessions (user_id);
CREATE INDEX idx_sessions_active ON sessions (is_revoked, expires_at);
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

COMMENT ON TABLE sessions IS 'Logins: one row per device and login.';
COMMENT ON COLUMN sessions.id IS 'Primary key.';
COMMENT ON COLUMN sessions.user_id IS 'The user.';
COMMENT ON COLUMN sessions.token_hash IS 'SHA-256 of the session token, 64 hexadecimal digits.';
COMMENT ON COLUMN sessions.refresh_token_hash IS
  'SHA-256 of the refresh token, 64 hexadecimal digits.';
COMMENT ON COLUMN sessions.is_revoked IS
  'True after logout, or when an administrator ended the session.';
COMMENT ON COLUMN sessions.is_active IS
  'The opposite of is_revoked. An active session can still have expired.';
COMMENT ON COLUMN sessions.expires_at IS 'When it ends by itself.';
COMMENT ON COLUMN sessions.last_activity_at IS 'Last request.';
COMMENT ON COLUMN sessions.ip_address IS 'Address from which the user logged in, e.g. 203.0.113.7.';
COMMENT ON COLUMN sessions.user_agent IS 'The client''s User-Agent header.';
COMMENT ON COLUMN sessions.device_type IS 'Kind of device, e.g. mobile.';
COMMENT ON COLUMN sessions.created_at IS 'When the user logged in.';
COMMENT ON COLUMN sessions.updated_at IS 'Last change of this row, set by trigger.';

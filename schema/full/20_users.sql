-- Users and what is kept about each: how they log in, who they are, what they prefer, what they
-- have proven.
--
-- A user leaves by deleted_at: rows that hold money or evidence refer to users with RESTRICT, so
-- only one who never had any can be deleted. first_name and last_name win over name, status over
-- is_active; the losers are generated, so that both can be read and they never disagree.

CREATE TABLE users (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  email VARCHAR(255) NOT NULL,
  username VARCHAR(100),
  password_hash TEXT NOT NULL,
  first_name TEXT,
  last_name TEXT,
  name TEXT GENERATED ALWAYS AS (
    NULLIF(btrim(COALESCE(first_name, '') || ' ' || COALESCE(last_name, '')), '')
  ) STORED,
  status VARCHAR(50) NOT NULL DEFAULT 'active',
  is_active BOOLEAN GENERATED ALWAYS AS (status = 'active' AND deleted_at IS NULL) STORED,
  email_verified BOOLEAN NOT NULL DEFAULT false,
  email_verified_at TIMESTAMPTZ,
  two_factor_enabled BOOLEAN NOT NULL DEFAULT false,
  two_factor_method VARCHAR(50),
  two_factor_secret TEXT,
  last_login_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted_at TIMESTAMPTZ,
  CONSTRAINT pk_users PRIMARY KEY (id),
  CONSTRAINT uq_users_email UNIQUE (email),
  CONSTRAINT uq_users_username UNIQUE (username),
  CONSTRAINT ck_users_email_format
    CHECK (email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
  CONSTRAINT ck_users_password_hash_not_empty CHECK (password_hash <> ''),
  CONSTRAINT ck_users_status CHECK (status IN ('active', 'suspended', 'closed')),
  CONSTRAINT ck_users_email_verified_at CHECK (email_verified OR email_verified_at IS NULL),
  CONSTRAINT ck_users_two_factor_method
    CHECK (two_factor_method IN ('email', 'sms', 'authenticator'))
);

CREATE INDEX idx_users_created_at ON users (created_at DESC);
CREATE INDEX idx_users_last_login_at ON users (last_login_at);
CREATE INDEX idx_users_status ON users (status);
CREATE INDEX idx_users_is_active ON users (is_active);

COMMENT ON TABLE users IS 'One row per person who can log in.';
COMMENT ON COLUMN users.id IS 'Key; the sub claim of the user''s tokens.';
COMMENT ON COLUMN users.email IS
  'Login name and address for mail, e.g. ada@example.com. Unique as written.';
COMMENT ON COLUMN users.username IS 'Display name, unique where given.';
COMMENT ON COLUMN users.password_hash IS
  'Password hash with its algorithm and parameters in front, e.g. $2b$12$... A marker such as '
  '! verifies no password.';
COMMENT ON COLUMN users.first_name IS 'Given name or names.';
COMMENT ON COLUMN users.last_name IS 'Family name.';
COMMENT ON COLUMN users.name IS
  'Full name, first and last joined by a space; null if there is neither.';
COMMENT ON COLUMN users.status IS 'active, suspended (for a time) or closed (for good).';
COMMENT ON COLUMN users.is_active IS
  'True while the user may log in: status is active and the user has not left.';
COMMENT ON COLUMN users.email_verified IS 'True once the user has proven to own the address.';
COMMENT ON COLUMN users.email_verified_at IS
  'When the address was proven; null if that is not known.';
COMMENT ON COLUMN users.two_factor_enabled IS 'True if a login needs a second factor.';
COMMENT ON COLUMN users.two_factor_method IS 'The second factor: email, sms or authenticator.';
COMMENT ON COLUMN users.two_factor_secret IS 'The authenticator''s shared secret.
@encrypted';
COMMENT ON COLUMN users.last_login_at IS 'Last successful login.';
COMMENT ON COLUMN users.created_at IS 'When the user registered.';
COMMENT ON COLUMN users.updated_at IS 'Last change of this row, set by trigger.';
COMMENT ON COLUMN users.deleted_at IS 'When the user left; null while the user is here.';

CREATE TABLE user_profiles (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  phone TEXT,
  avatar_url TEXT,
  tax_id TEXT,
  preferences JSONB NOT NULL DEFAULT '{}',
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_user_profiles PRIMARY KEY (id),
  CONSTRAINT uq_user_profiles_user_id UNIQUE (user_id),
  CONSTRAINT fk_user_profiles_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX idx_user_profiles_phone ON user_profiles (phone) WHERE phone IS NOT NULL;

COMMENT ON TABLE user_profiles IS 'Who a user is: at most one row per user.';
COMMENT ON COLUMN user_profiles.id IS 'Primary key.';
COMMENT ON COLUMN user_profiles.user_id IS 'The user.';
COMMENT ON COLUMN user_profiles.phone IS 'Phone number, best in E.164, e.g. +14155550100.';
COMMENT ON COLUMN user_profiles.avatar_url IS 'URL or path of the profile picture.';
COMMENT ON COLUMN user_profiles.tax_id IS 'Tax number.
@encrypted';
COMMENT ON COLUMN user_profiles.preferences IS
  'Preferences that have no column of their own, e.g. {"dashboard": "compact"}.';
COMMENT ON COLUMN user_profiles.created_at IS 'When the row was made.';
COMMENT ON COLUMN user_profiles.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE user_settings (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  theme VARCHAR(50) NOT NULL DEFAULT 'dark',
  language TEXT NOT NULL DEFAULT 'en',
  timezone TEXT NOT NULL DEFAULT 'UTC',
  currency_display VARCHAR(10) NOT NULL DEFAULT 'USD',
  show_portfolio_value BOOLEAN NOT NULL DEFAULT true,
  auto_logout_minutes INTEGER NOT NULL DEFAULT 15,
  email_notifications BOOLEAN NOT NULL DEFAULT true,
  push_notifications BOOLEAN NOT NULL DEFAULT true,
  sms_notifications BOOLEAN NOT NULL DEFAULT false,
  withdrawal_notifications BOOLEAN NOT NULL DEFAULT true,
  trading_notifications BOOLEAN NOT NULL DEFAULT true,
  security_alerts BOOLEAN NOT NULL DEFAULT true,
  marketing_emails BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_user_settings PRIMARY KEY (id),
  CONSTRAINT uq_user_settings_user_id UNIQUE (user_id),
  CONSTRAINT fk_user_settings_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT ck_user_settings_theme CHECK (theme IN ('dark', 'light', 'auto')),
  CONSTRAINT ck_user_settings_auto_logout_minutes CHECK (auto_logout_minutes > 0)
);

COMMENT ON TABLE user_settings IS
  'How the application behaves for a user: at most one row per user.';
COMMENT ON COLUMN user_settings.id IS 'Primary key.';
COMMENT ON COLUMN user_settings.user_id IS 'The user.';
COMMENT ON COLUMN user_settings.theme IS 'dark, light or auto (follows the device).';
COMMENT ON COLUMN user_settings.language IS 'Language tag after BCP 47, e.g. en or pt-BR.';
COMMENT ON COLUMN user_settings.timezone IS
  'Time zone of the IANA database in which times are shown, e.g. Europe/Berlin.';
COMMENT ON COLUMN user_settings.currency_display IS 'Currency in which values are shown, e.g. USD.';
COMMENT ON COLUMN user_settings.show_portfolio_value IS 'Whether the portfolio''s value is shown.';
COMMENT ON COLUMN user_settings.auto_logout_minutes IS
  'Minutes without activity after which the session ends.';
COMMENT ON COLUMN user_settings.email_notifications IS 'Notifications by mail.';
COMMENT ON COLUMN user_settings.push_notifications IS 'Notifications pushed to the device.';
COMMENT ON COLUMN user_settings.sms_notifications IS 'Notifications by text message.';
COMMENT ON COLUMN user_settings.withdrawal_notifications IS 'Notify of withdrawals.';
COMMENT ON COLUMN user_settings.trading_notifications IS 'Notify of trades.';
COMMENT ON COLUMN user_settings.security_alerts IS 'Notify of logins and changes of credentials.';
COMMENT ON COLUMN user_settings.marketing_emails IS 'Whether the user agreed to advertising.';
COMMENT ON COLUMN user_settings.created_at IS 'When the row was made.';
COMMENT ON COLUMN user_settings.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE user_kyc (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  verification_status VARCHAR(50) NOT NULL DEFAULT 'pending',
  document_type VARCHAR(50),
  document_number TEXT,
  first_name VARCHAR(255),
  last_name VARCHAR(255),
  date_of_birth DATE,
  nationality VARCHAR(100),
  address VARCHAR(500),
  city VARCHAR(100),
  state VARCHAR(100),
  postal_code VARCHAR(20),
  country VARCHAR(100),
  document_front_url TEXT,
  document_back_url TEXT,
  selfie_url TEXT,
  submitted_at TIMESTAMPTZ,
  verified_at TIMESTAMPTZ,
  rejected_reason TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_user_kyc PRIMARY KEY (id),
  CONSTRAINT uq_user_kyc_user_id UNIQUE (user_id),
  CONSTRAINT fk_user_kyc_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT,
  CONSTRAINT ck_user_kyc_verification_status
    CHECK (verification_status IN ('pending', 'verified', 'rejected', 'expired'))
);

COMMENT ON TABLE user_kyc IS
  'Verification of identity ("know your customer"): at most one row per user.';
COMMENT ON COLUMN user_kyc.id IS 'Primary key.';
COMMENT ON COLUMN user_kyc.user_id IS 'The user; kept as long as this evidence is.';
COMMENT ON COLUMN user_kyc.verification_status IS 'pending, verified, rejected or expired.';
COMMENT ON COLUMN user_kyc.document_type IS 'Kind of document, e.g. passport.';
COMMENT ON COLUMN user_kyc.document_number IS 'Number of the document.
@encrypted';
COMMENT ON COLUMN user_kyc.first_name IS 'Given names as on the document.';
COMMENT ON COLUMN user_kyc.last_name IS 'Family name as on the document.';
COMMENT ON COLUMN user_kyc.date_of_birth IS 'Date of birth as on the document.';
COMMENT ON COLUMN user_kyc.nationality IS 'Nationality as on the document.';
COMMENT ON COLUMN user_kyc.address IS 'Street and number.';
COMMENT ON COLUMN user_kyc.city IS 'City.';
COMMENT ON COLUMN user_kyc.state IS 'State or province.';
COMMENT ON COLUMN user_kyc.postal_code IS 'Postal code.';
COMMENT ON COLUMN user_kyc.country IS 'Country of residence.';
COMMENT ON COLUMN user_kyc.document_front_url IS
  'Where the image of the document''s front is.
@encrypted';
COMMENT ON COLUMN user_kyc.document_back_url IS
  'Where the image of the document''s back is.
@encrypted';
COMMENT ON COLUMN user_kyc.selfie_url IS 'Where the user''s picture is.
@encrypted';
COMMENT ON COLUMN user_kyc.submitted_at IS 'When the user handed the documents in.';
COMMENT ON COLUMN user_kyc.verified_at IS 'When they were accepted.';
COMMENT ON COLUMN user_kyc.rejected_reason IS 'Why they were not, in words for the user.';
COMMENT ON COLUMN user_kyc.created_at IS 'When the row was made.';
COMMENT ON COLUMN user_kyc.updated_at IS 'Last change of this row, set by trigger.';

-- elon: the trading application's 18 tables, the 8 old ones first.
--
-- Its document has no DDL: the columns are the running system's, the rules are the document's. The
-- old tables take their keys from sequences, the new ones are identities. No triggers, no views.
-- Mended: index names for "frequently queried columns" are ours, for the document names none.

CREATE TABLE public.users (
  id SERIAL PRIMARY KEY,
  name VARCHAR(255),
  email VARCHAR(255) NOT NULL UNIQUE,
  password_hash VARCHAR(255) NOT NULL,
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now(),
  balance NUMERIC(18,8) DEFAULT 0,
  portfolio_value NUMERIC(20,8) DEFAULT 0,
  phone VARCHAR(20),
  sim_enabled BOOLEAN DEFAULT false,
  sim_paused BOOLEAN DEFAULT false,
  sim_next_run_at TIMESTAMP,
  sim_last_run_at TIMESTAMP,
  sim_started_at TIMESTAMP,
  tax_id VARCHAR(255),
  is_active BOOLEAN DEFAULT true,
  deleted_at TIMESTAMP
);

CREATE TABLE public.portfolio (
  id SERIAL PRIMARY KEY,
  user_id INTEGER NOT NULL UNIQUE REFERENCES public.users(id) ON DELETE CASCADE,
  btc_balance NUMERIC(18,8) DEFAULT 0,
  eth_balance NUMERIC(18,8) DEFAULT 0,
  usdt_balance NUMERIC(18,8) DEFAULT 0,
  usdc_balance NUMERIC(18,8) DEFAULT 0,
  xrp_balance NUMERIC(18,8) DEFAULT 0,
  ada_balance NUMERIC(18,8) DEFAULT 0,
  updated_at TIMESTAMP DEFAULT now(),
  usd_value NUMERIC(20,8) DEFAULT 0
);

CREATE TABLE public.transactions (
  id SERIAL PRIMARY KEY,
  user_id INTEGER REFERENCES public.users(id),
  type VARCHAR(50) NOT NULL
    CHECK (type IN ('deposit', 'withdrawal', 'buy', 'sell', 'adjustment', 'credit', 'trade')),
  amount NUMERIC(20,8) NOT NULL,
  currency VARCHAR(10) DEFAULT 'USD',
  status VARCHAR(50) DEFAULT 'completed',
  reference VARCHAR(255),
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.trades (
  id SERIAL PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
  type VARCHAR(50) NOT NULL,
  asset VARCHAR(20) NOT NULL,
  amount NUMERIC(18,8) NOT NULL CHECK (amount > 0),
  price NUMERIC(18,8) NOT NULL CHECK (price > 0),
  total NUMERIC(18,8) NOT NULL,
  balance_before NUMERIC(18,8) NOT NULL,
  balance_after NUMERIC(18,8) NOT NULL,
  status VARCHAR(50) DEFAULT 'completed',
  is_simulated BOOLEAN DEFAULT false,
  generated_at TIMESTAMP DEFAULT now(),
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.withdrawals (
  id SERIAL PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
  amount NUMERIC(18,8) NOT NULL,
  crypto_type VARCHAR(20) NOT NULL
    CHECK (crypto_type IN ('BTC', 'ETH', 'USDT', 'USDC', 'XRP', 'ADA')),
  crypto_address VARCHAR(255) NOT NULL,
  status VARCHAR(50) DEFAULT 'pending'
    CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
  txn_hash VARCHAR(255),
  error_message TEXT,
  created_at TIMESTAMP DEFAULT now(),
  processed_at TIMESTAMP
);

CREATE TABLE public.contacts (
  id SERIAL PRIMARY KEY,
  name VARCHAR(255),
  email VARCHAR(255) NOT NULL,
  message TEXT NOT NULL,
  created_at TIMESTAMP DEFAULT now()
);

-- The running system's sequence of this one table is not named as SERIAL would name it.
CREATE SEQUENCE public.testimonies_id_seq1 AS integer;

CREATE TABLE public.testimonies (
  id INTEGER NOT NULL DEFAULT nextval('public.testimonies_id_seq1'::regclass) PRIMARY KEY,
  client_name VARCHAR(255) NOT NULL,
  client_image VARCHAR(500),
  title VARCHAR(255),
  rating INTEGER CHECK (rating BETWEEN 1 AND 5),
  content TEXT NOT NULL,
  is_featured BOOLEAN DEFAULT false,
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now()
);

ALTER SEQUENCE public.testimonies_id_seq1 OWNED BY public.testimonies.id;

CREATE TABLE public.admin_audit (
  id SERIAL PRIMARY KEY,
  admin_key TEXT,
  action TEXT,
  details JSONB,
  created_at TIMESTAMP DEFAULT now()
);

-- The ten tables of the migration.

CREATE TABLE public.user_kyc (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER NOT NULL UNIQUE REFERENCES public.users(id) ON DELETE CASCADE,
  verification_status VARCHAR(50) DEFAULT 'pending'
    CHECK (verification_status IN ('pending', 'verified', 'rejected', 'expired')),
  document_type VARCHAR(50),
  document_number VARCHAR(255),
  first_name VARCHAR(255),
  last_name VARCHAR(255),
  date_of_birth DATE,
  nationality VARCHAR(100),
  address VARCHAR(500),
  city VARCHAR(100),
  state VARCHAR(100),
  postal_code VARCHAR(20),
  country VARCHAR(100),
  document_front_url VARCHAR(500),
  document_back_url VARCHAR(500),
  selfie_url VARCHAR(500),
  submitted_at TIMESTAMP,
  verified_at TIMESTAMP,
  rejected_reason TEXT,
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.api_keys (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
  key_hash VARCHAR(255) NOT NULL UNIQUE,
  key_name VARCHAR(255) NOT NULL,
  is_active BOOLEAN DEFAULT true,
  last_used_at TIMESTAMP,
  created_at TIMESTAMP DEFAULT now(),
  expires_at TIMESTAMP
);

-- One address per user per crypto is stated and, in this system, not enforced.
CREATE TABLE public.deposit_addresses (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
  crypto_type VARCHAR(20) NOT NULL
    CHECK (crypto_type IN ('BTC', 'ETH', 'USDT', 'USDC', 'XRP', 'ADA')),
  address VARCHAR(255) NOT NULL UNIQUE,
  label VARCHAR(100),
  is_active BOOLEAN DEFAULT true,
  balance NUMERIC(18,8) DEFAULT 0,
  total_received NUMERIC(18,8) DEFAULT 0,
  created_at TIMESTAMP DEFAULT now(),
  last_activity_at TIMESTAMP
);

CREATE TABLE public.price_history (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  crypto_type VARCHAR(20) NOT NULL
    CHECK (crypto_type IN ('BTC', 'ETH', 'USDT', 'USDC', 'XRP', 'ADA')),
  price_usd NUMERIC(20,8) NOT NULL CHECK (price_usd > 0),
  market_cap NUMERIC(30,2),
  volume_24h NUMERIC(30,2),
  change_24h NUMERIC(10,4),
  timestamp TIMESTAMP NOT NULL,
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.notifications (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
  notification_type VARCHAR(50) NOT NULL
    CHECK (notification_type IN
      ('transaction', 'withdrawal', 'deposit', 'trade', 'alert', 'system', 'promotion')),
  title VARCHAR(255) NOT NULL,
  message TEXT NOT NULL,
  is_read BOOLEAN DEFAULT false,
  read_at TIMESTAMP,
  data JSONB,
  action_url VARCHAR(500),
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.sessions (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
  session_token VARCHAR(255) NOT NULL UNIQUE,
  ip_address VARCHAR(45),
  user_agent TEXT,
  device_type VARCHAR(50),
  is_active BOOLEAN DEFAULT true,
  last_activity_at TIMESTAMP,
  created_at TIMESTAMP DEFAULT now(),
  expires_at TIMESTAMP NOT NULL
);

CREATE TABLE public.exchange_rates (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_currency VARCHAR(20) NOT NULL,
  to_currency VARCHAR(20) NOT NULL,
  rate NUMERIC(20,8) NOT NULL CHECK (rate > 0),
  source VARCHAR(100),
  timestamp TIMESTAMP NOT NULL,
  created_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.fee_config (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fee_type VARCHAR(50) NOT NULL CHECK (fee_type IN ('withdrawal', 'trading', 'deposit')),
  percentage_fee NUMERIC(10,4) DEFAULT 0 CHECK (percentage_fee >= 0),
  flat_fee NUMERIC(18,8) DEFAULT 0 CHECK (flat_fee >= 0),
  minimum_amount NUMERIC(18,8) DEFAULT 0,
  maximum_amount NUMERIC(18,8),
  currency VARCHAR(10) DEFAULT 'USD',
  is_active BOOLEAN DEFAULT true,
  description TEXT,
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.user_settings (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER NOT NULL UNIQUE REFERENCES public.users(id) ON DELETE CASCADE,
  theme VARCHAR(50) DEFAULT 'dark' CHECK (theme IN ('dark', 'light', 'auto')),
  language VARCHAR(10) DEFAULT 'en',
  two_factor_enabled BOOLEAN DEFAULT false,
  two_factor_method VARCHAR(50) CHECK (two_factor_method IN ('email', 'sms', 'authenticator')),
  email_notifications BOOLEAN DEFAULT true,
  push_notifications BOOLEAN DEFAULT true,
  sms_notifications BOOLEAN DEFAULT false,
  withdrawal_notifications BOOLEAN DEFAULT true,
  trading_notifications BOOLEAN DEFAULT true,
  security_alerts BOOLEAN DEFAULT true,
  marketing_emails BOOLEAN DEFAULT false,
  timezone VARCHAR(50) DEFAULT 'UTC',
  currency_display VARCHAR(10) DEFAULT 'USD',
  show_portfolio_value BOOLEAN DEFAULT true,
  auto_logout_minutes INTEGER DEFAULT 15,
  created_at TIMESTAMP DEFAULT now(),
  updated_at TIMESTAMP DEFAULT now()
);

CREATE TABLE public.audit_logs (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id INTEGER REFERENCES public.users(id) ON DELETE SET NULL,
  admin_id INTEGER,
  action VARCHAR(100) NOT NULL,
  entity_type VARCHAR(50),
  entity_id INTEGER,
  old_values JSONB,
  new_values JSONB,
  ip_address VARCHAR(45),
  user_agent TEXT,
  status VARCHAR(50) DEFAULT 'success',
  error_message TEXT,
  created_at TIMESTAMP DEFAULT now()
);

CREATE INDEX idx_api_keys_user_id ON public.api_keys (user_id);
CREATE INDEX idx_deposit_addresses_user_id ON public.deposit_addresses (user_id);
CREATE INDEX idx_price_history_timestamp ON public.price_history (timestamp DESC);
CREATE INDEX idx_notifications_user_id ON public.notifications (user_id);
CREATE INDEX idx_sessions_user_id ON public.sessions (user_id);
CREATE UNIQUE INDEX idx_exchange_rates_latest
  ON public.exchange_rates (from_currency, to_currency, timestamp DESC);
CREATE INDEX idx_audit_logs_user_id ON public.audit_logs (user_id);

-- Mended: the fees get the ids and times that every installation shares.
INSERT INTO public.fee_config
  (id, fee_type, percentage_fee, flat_fee, is_active, description, created_at, updated_at)
OVERRIDING SYSTEM VALUE VALUES
  (1, 'withdrawal', 0.5, 0, true, 'Withdrawal fee 0.5%', '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (2, 'trading', 0.1, 0, true, 'Trading fee 0.1%', '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (3, 'deposit', 0, 0, true, 'Deposit fee (free)', '2026-01-01 00:00:00', '2026-01-01 00:00:00');

SELECT pg_catalog.setval('public.fee_config_id_seq', 3, true);

INSERT INTO public.user_settings (user_id, theme, language)
SELECT id, 'dark', 'en' FROM public.users
ON CONFLICT DO NOTHING;

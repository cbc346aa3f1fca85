-- Prices, rates and fees: reference data that every user may read.
--
-- Prices and rates are NUMERIC(18,8), for money is computed with them. Market capitalisation and
-- volume are statistics, never booked, and stay NUMERIC(30,2): they do not fit into less.

CREATE TABLE price_history (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  crypto_type VARCHAR(20) NOT NULL,
  price_usd NUMERIC(18,8) NOT NULL,
  market_cap NUMERIC(30,2),
  volume_24h NUMERIC(30,2),
  change_24h NUMERIC(10,4),
  quoted_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_price_history PRIMARY KEY (id),
  CONSTRAINT ck_price_history_crypto_type
    CHECK (crypto_type IN ('BTC', 'ETH', 'USDT', 'USDC', 'XRP', 'ADA')),
  CONSTRAINT ck_price_history_price_usd CHECK (price_usd > 0)
);

CREATE INDEX idx_price_history_quoted_at ON price_history (quoted_at DESC);
CREATE INDEX idx_price_history_crypto_type ON price_history (crypto_type, quoted_at DESC);

COMMENT ON TABLE price_history IS 'Prices of coins over time.';
COMMENT ON COLUMN price_history.id IS 'Primary key.';
COMMENT ON COLUMN price_history.crypto_type IS 'The coin: BTC, ETH, USDT, USDC, XRP or ADA.';
COMMENT ON COLUMN price_history.price_usd IS 'US dollars for one coin, e.g. 64250.12000000.';
COMMENT ON COLUMN price_history.market_cap IS 'Market capitalisation in US dollars; a statistic.';
COMMENT ON COLUMN price_history.volume_24h IS
  'Traded in the 24 hours before, in US dollars; a statistic.';
COMMENT ON COLUMN price_history.change_24h IS
  'Change of the price in the 24 hours before, in percent, e.g. -1.2500.';
COMMENT ON COLUMN price_history.quoted_at IS 'The time for which the price holds.';
COMMENT ON COLUMN price_history.created_at IS 'When it was recorded.';

CREATE TABLE exchange_rates (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  from_currency VARCHAR(20) NOT NULL,
  to_currency VARCHAR(20) NOT NULL,
  rate NUMERIC(18,8) NOT NULL,
  source VARCHAR(100),
  quoted_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_exchange_rates PRIMARY KEY (id),
  CONSTRAINT ck_exchange_rates_rate CHECK (rate > 0)
);

CREATE UNIQUE INDEX uq_exchange_rates_pair_quoted_at
  ON exchange_rates (from_currency, to_currency, quoted_at DESC);

COMMENT ON TABLE exchange_rates IS 'Rates between two currencies over time: one per pair and time.';
COMMENT ON COLUMN exchange_rates.id IS 'Primary key.';
COMMENT ON COLUMN exchange_rates.from_currency IS
  'The currency of which one unit is given, e.g. EUR.';
COMMENT ON COLUMN exchange_rates.to_currency IS 'The currency that is received, e.g. USD.';
COMMENT ON COLUMN exchange_rates.rate IS
  'How many units of to_currency one unit of from_currency gives. The inverse is a row of its own.';
COMMENT ON COLUMN exchange_rates.source IS 'Who quoted it.';
COMMENT ON COLUMN exchange_rates.quoted_at IS 'The time for which the rate holds.';
COMMENT ON COLUMN exchange_rates.created_at IS 'When it was recorded.';

CREATE TABLE fee_config (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  fee_type VARCHAR(50) NOT NULL,
  percentage_fee NUMERIC(10,4) NOT NULL DEFAULT 0,
  flat_fee NUMERIC(18,8) NOT NULL DEFAULT 0,
  minimum_amount NUMERIC(18,8) NOT NULL DEFAULT 0,
  maximum_amount NUMERIC(18,8),
  currency VARCHAR(10) NOT NULL DEFAULT 'USD',
  is_active BOOLEAN NOT NULL DEFAULT true,
  description TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_fee_config PRIMARY KEY (id),
  CONSTRAINT ck_fee_config_fee_type CHECK (fee_type IN ('withdrawal', 'trading', 'deposit')),
  CONSTRAINT ck_fee_config_percentage_fee CHECK (percentage_fee >= 0),
  CONSTRAINT ck_fee_config_flat_fee CHECK (flat_fee >= 0),
  CONSTRAINT ck_fee_config_minimum_amount CHECK (minimum_amount >= 0),
  CONSTRAINT ck_fee_config_maximum_amount CHECK (maximum_amount >= minimum_amount)
);

CREATE INDEX idx_fee_config_fee_type ON fee_config (fee_type, currency) WHERE is_active;

COMMENT ON TABLE fee_config IS 'Fees, so that they can be changed without a release.';
COMMENT ON COLUMN fee_config.id IS 'Primary key.';
COMMENT ON COLUMN fee_config.fee_type IS 'What costs the fee: withdrawal, trading or deposit.';
COMMENT ON COLUMN fee_config.percentage_fee IS
  'Percent of the amount, e.g. 0.5000 for one half percent.';
COMMENT ON COLUMN fee_config.flat_fee IS 'Added to it, in units of the currency.';
COMMENT ON COLUMN fee_config.minimum_amount IS 'The least that is taken, in units of the currency.';
COMMENT ON COLUMN fee_config.maximum_amount IS
  'The most that is taken, in units of the currency; null is no limit.';
COMMENT ON COLUMN fee_config.currency IS 'Currency of the flat fee and the limits.';
COMMENT ON COLUMN fee_config.is_active IS 'False if the fee is not taken.';
COMMENT ON COLUMN fee_config.description IS 'Text for people.';
COMMENT ON COLUMN fee_config.created_at IS 'When the row was made.';
COMMENT ON COLUMN fee_config.updated_at IS 'Last change of this row, set by trigger.';

-- Portfolios of crypto, what moves them, and the two ways in and out: deposit addresses and
-- withdrawals.
--
-- Amounts here have 8 digits after the point, which is why their movements are not rows of
-- transactions, whose amounts have 2: portfolio_transactions takes them without rounding. A user's
-- cash stands in the portfolio beside the coins. The state of a simulation is a table of its own.

CREATE TABLE portfolio (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  cash_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  btc_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  eth_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  usdt_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  usdc_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  xrp_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  ada_balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  usd_value NUMERIC(18,8) NOT NULL DEFAULT 0,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_portfolio PRIMARY KEY (id),
  CONSTRAINT uq_portfolio_user_id UNIQUE (user_id),
  CONSTRAINT fk_portfolio_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT
);

COMMENT ON TABLE portfolio IS 'What a user owns: at most one row per user.';
COMMENT ON COLUMN portfolio.id IS 'Primary key.';
COMMENT ON COLUMN portfolio.user_id IS 'The owner.';
COMMENT ON COLUMN portfolio.cash_balance IS 'Cash for trading, in US dollars, e.g. 2500.00000000.';
COMMENT ON COLUMN portfolio.btc_balance IS 'Bitcoin, in BTC.';
COMMENT ON COLUMN portfolio.eth_balance IS 'Ether, in ETH, to eight digits.';
COMMENT ON COLUMN portfolio.usdt_balance IS 'Tether, in USDT.';
COMMENT ON COLUMN portfolio.usdc_balance IS 'USD Coin, in USDC.';
COMMENT ON COLUMN portfolio.xrp_balance IS 'XRP, in XRP.';
COMMENT ON COLUMN portfolio.ada_balance IS 'Cardano, in ADA.';
COMMENT ON COLUMN portfolio.usd_value IS
  'Value of the portfolio at the last pricing, in US dollars.';
COMMENT ON COLUMN portfolio.created_at IS 'When the row was made.';
COMMENT ON COLUMN portfolio.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE portfolio_transactions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID,
  transaction_type VARCHAR(50) NOT NULL,
  amount NUMERIC(18,8) NOT NULL,
  currency VARCHAR(10) NOT NULL DEFAULT 'USD',
  status VARCHAR(50) NOT NULL DEFAULT 'completed',
  reference VARCHAR(255),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_portfolio_transactions PRIMARY KEY (id),
  CONSTRAINT fk_portfolio_transactions_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT,
  CONSTRAINT ck_portfolio_transactions_transaction_type CHECK (transaction_type IN (
    'deposit', 'withdrawal', 'buy', 'sell', 'adjustment', 'credit', 'trade'
  )),
  CONSTRAINT ck_portfolio_transactions_status
    CHECK (status IN ('pending', 'completed', 'failed', 'cancelled'))
);

CREATE INDEX idx_portfolio_transactions_user_id
  ON portfolio_transactions (user_id, created_at DESC);

COMMENT ON TABLE portfolio_transactions IS 'Movements of cash and coins in portfolios.';
COMMENT ON COLUMN portfolio_transactions.id IS 'Primary key.';
COMMENT ON COLUMN portfolio_transactions.user_id IS
  'The owner of the portfolio; null for a movement of the house.';
COMMENT ON COLUMN portfolio_transactions.transaction_type IS
  'deposit, withdrawal, buy, sell, adjustment, credit or trade.';
COMMENT ON COLUMN portfolio_transactions.amount IS
  'Amount in units of the currency, e.g. 0.05000000. An adjustment may be negative.';
COMMENT ON COLUMN portfolio_transactions.currency IS 'USD or the coin''s symbol, e.g. BTC.';
COMMENT ON COLUMN portfolio_transactions.status IS 'pending, completed, failed or cancelled.';
COMMENT ON COLUMN portfolio_transactions.reference IS 'Reference to what caused it.';
COMMENT ON COLUMN portfolio_transactions.created_at IS 'When it happened.';
COMMENT ON COLUMN portfolio_transactions.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE trades (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  trade_type VARCHAR(50) NOT NULL,
  asset VARCHAR(20) NOT NULL,
  amount NUMERIC(18,8) NOT NULL,
  price NUMERIC(18,8) NOT NULL,
  total NUMERIC(18,8) NOT NULL,
  balance_before NUMERIC(18,8) NOT NULL,
  balance_after NUMERIC(18,8) NOT NULL,
  status VARCHAR(50) NOT NULL DEFAULT 'completed',
  is_simulated BOOLEAN NOT NULL DEFAULT false,
  generated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_trades PRIMARY KEY (id),
  CONSTRAINT fk_trades_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT,
  CONSTRAINT ck_trades_trade_type CHECK (trade_type IN ('buy', 'sell')),
  CONSTRAINT ck_trades_amount CHECK (amount > 0),
  CONSTRAINT ck_trades_price CHECK (price > 0),
  CONSTRAINT ck_trades_status CHECK (status IN ('pending', 'completed', 'failed', 'cancelled'))
);

CREATE INDEX idx_trades_user_id ON trades (user_id, generated_at DESC);

COMMENT ON TABLE trades IS 'Purchases and sales of coins, real and simulated.';
COMMENT ON COLUMN trades.id IS 'Primary key.';
COMMENT ON COLUMN trades.user_id IS 'Who traded.';
COMMENT ON COLUMN trades.trade_type IS 'buy or sell.';
COMMENT ON COLUMN trades.asset IS 'The coin''s symbol, e.g. ETH.';
COMMENT ON COLUMN trades.amount IS 'How much of the coin.';
COMMENT ON COLUMN trades.price IS 'US dollars for one coin.';
COMMENT ON COLUMN trades.total IS 'US dollars for all of it.';
COMMENT ON COLUMN trades.balance_before IS 'Cash before the trade, in US dollars.';
COMMENT ON COLUMN trades.balance_after IS 'Cash after the trade, in US dollars.';
COMMENT ON COLUMN trades.status IS 'pending, completed, failed or cancelled.';
COMMENT ON COLUMN trades.is_simulated IS 'True if the simulation made the trade.';
COMMENT ON COLUMN trades.generated_at IS 'When the trade took place.';
COMMENT ON COLUMN trades.created_at IS 'When it was recorded.';

CREATE TABLE simulations (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  is_enabled BOOLEAN NOT NULL DEFAULT false,
  is_paused BOOLEAN NOT NULL DEFAULT false,
  started_at TIMESTAMPTZ,
  last_run_at TIMESTAMPTZ,
  next_run_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_simulations PRIMARY KEY (id),
  CONSTRAINT uq_simulations_user_id UNIQUE (user_id),
  CONSTRAINT fk_simulations_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX idx_simulations_next_run_at
  ON simulations (next_run_at) WHERE is_enabled AND NOT is_paused;

COMMENT ON TABLE simulations IS 'Simulated trading: at most one row per user.';
COMMENT ON COLUMN simulations.id IS 'Primary key.';
COMMENT ON COLUMN simulations.user_id IS 'The user for whom it trades.';
COMMENT ON COLUMN simulations.is_enabled IS 'True if the user has a simulation.';
COMMENT ON COLUMN simulations.is_paused IS 'True while it rests.';
COMMENT ON COLUMN simulations.started_at IS 'When it was started.';
COMMENT ON COLUMN simulations.last_run_at IS 'Its last step.';
COMMENT ON COLUMN simulations.next_run_at IS 'When the next step is due; null if none is.';
COMMENT ON COLUMN simulations.created_at IS 'When the row was made.';
COMMENT ON COLUMN simulations.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE deposit_addresses (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  crypto_type VARCHAR(20) NOT NULL,
  address VARCHAR(255) NOT NULL,
  label VARCHAR(100),
  is_active BOOLEAN NOT NULL DEFAULT true,
  balance NUMERIC(18,8) NOT NULL DEFAULT 0,
  total_received NUMERIC(18,8) NOT NULL DEFAULT 0,
  last_activity_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_deposit_addresses PRIMARY KEY (id),
  CONSTRAINT uq_deposit_addresses_user_id_crypto_type UNIQUE (user_id, crypto_type),
  CONSTRAINT uq_deposit_addresses_address UNIQUE (address),
  CONSTRAINT fk_deposit_addresses_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT,
  CONSTRAINT ck_deposit_addresses_crypto_type
    CHECK (crypto_type IN ('BTC', 'ETH', 'USDT', 'USDC', 'XRP', 'ADA'))
);

COMMENT ON TABLE deposit_addresses IS
  'Addresses at which a user receives coins: one per user and coin.';
COMMENT ON COLUMN deposit_addresses.id IS 'Primary key.';
COMMENT ON COLUMN deposit_addresses.user_id IS 'The owner.';
COMMENT ON COLUMN deposit_addresses.crypto_type IS 'The coin: BTC, ETH, USDT, USDC, XRP or ADA.';
COMMENT ON COLUMN deposit_addresses.address IS 'Address on the coin''s network, unique.';
COMMENT ON COLUMN deposit_addresses.label IS 'What the user calls it.';
COMMENT ON COLUMN deposit_addresses.is_active IS 'False if nothing should be sent there any more.';
COMMENT ON COLUMN deposit_addresses.balance IS 'What lies there, in units of the coin.';
COMMENT ON COLUMN deposit_addresses.total_received IS
  'What ever arrived there, in units of the coin.';
COMMENT ON COLUMN deposit_addresses.last_activity_at IS 'Last movement seen on the network.';
COMMENT ON COLUMN deposit_addresses.created_at IS 'When the row was made.';

CREATE TABLE crypto_withdrawals (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  amount NUMERIC(18,8) NOT NULL,
  currency VARCHAR(20) NOT NULL,
  crypto_address VARCHAR(255),
  status withdrawal_status NOT NULL DEFAULT 'PENDING',
  txn_hash VARCHAR(255),
  error_message TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  processed_at TIMESTAMPTZ,
  CONSTRAINT pk_crypto_withdrawals PRIMARY KEY (id),
  CONSTRAINT fk_crypto_withdrawals_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT,
  CONSTRAINT ck_crypto_withdrawals_amount CHECK (amount > 0),
  CONSTRAINT ck_crypto_withdrawals_currency CHECK (currency ~ '^[A-Z0-9]{2,20}$')
);

CREATE INDEX idx_crypto_withdrawals_user_id ON crypto_withdrawals (user_id, created_at DESC);
CREATE INDEX idx_crypto_withdrawals_open
  ON crypto_withdrawals (created_at) WHERE status IN ('PENDING', 'APPROVED', 'PROCESSING');

COMMENT ON TABLE crypto_withdrawals IS 'Coins that users asked to be sent out.';
COMMENT ON COLUMN crypto_withdrawals.id IS 'Primary key.';
COMMENT ON COLUMN crypto_withdrawals.user_id IS 'Who asked.';
COMMENT ON COLUMN crypto_withdrawals.amount IS 'How much, in units of the coin, e.g. 100.50000000.';
COMMENT ON COLUMN crypto_withdrawals.currency IS 'The coin''s symbol, e.g. USDC.';
COMMENT ON COLUMN crypto_withdrawals.crypto_address IS
  'Where it goes on the coin''s network; null if the address is agreed elsewhere.';
COMMENT ON COLUMN crypto_withdrawals.status IS 'How far it is; see the type.';
COMMENT ON COLUMN crypto_withdrawals.txn_hash IS
  'Hash of the transaction on the coin''s network, once it is sent.';
COMMENT ON COLUMN crypto_withdrawals.error_message IS 'Why it failed or was rejected.';
COMMENT ON COLUMN crypto_withdrawals.created_at IS 'When it was asked for.';
COMMENT ON COLUMN crypto_withdrawals.updated_at IS 'Last change of this row, set by trigger.';
COMMENT ON COLUMN crypto_withdrawals.processed_at IS 'When it came to its end.';

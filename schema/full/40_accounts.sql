-- Accounts and their transactions: what the book shows of itself.
--
-- Nothing here is ever cascaded away. The balances are the result of the transactions; they are
-- columns so that reading one costs one row.

CREATE TABLE accounts (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID,
  account_number VARCHAR(50) NOT NULL,
  account_type VARCHAR(50) NOT NULL,
  currency VARCHAR(3) NOT NULL DEFAULT 'USD',
  balance NUMERIC(15,2) NOT NULL DEFAULT 0.00,
  available_balance NUMERIC(15,2) NOT NULL DEFAULT 0.00,
  status VARCHAR(50) NOT NULL DEFAULT 'active',
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_accounts PRIMARY KEY (id),
  CONSTRAINT uq_accounts_account_number UNIQUE (account_number),
  CONSTRAINT fk_accounts_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT,
  CONSTRAINT ck_accounts_account_type
    CHECK (account_type IN ('checking', 'savings', 'investment', 'business')),
  CONSTRAINT ck_accounts_currency CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT ck_accounts_status CHECK (status IN ('active', 'suspended', 'frozen', 'closed'))
);

CREATE INDEX idx_accounts_user_id ON accounts (user_id);
CREATE INDEX idx_accounts_status ON accounts (status);

COMMENT ON TABLE accounts IS 'Accounts that hold money in one currency.';
COMMENT ON COLUMN accounts.id IS 'Primary key.';
COMMENT ON COLUMN accounts.user_id IS 'The owner; null for an account of the house.';
COMMENT ON COLUMN accounts.account_number IS
  'Number for people: WS and 12 digits, e.g. WS123456789012.';
COMMENT ON COLUMN accounts.account_type IS 'checking, savings, investment or business.';
COMMENT ON COLUMN accounts.currency IS 'Currency after ISO 4217, e.g. USD.';
COMMENT ON COLUMN accounts.balance IS
  'Sum of the completed transactions, in the currency''s unit, e.g. 1234.50.';
COMMENT ON COLUMN accounts.available_balance IS
  'Balance less what is held for pending transactions.';
COMMENT ON COLUMN accounts.status IS
  'active, suspended, frozen (nothing leaves) or closed (nothing moves).';
COMMENT ON COLUMN accounts.created_at IS 'When the account was opened.';
COMMENT ON COLUMN accounts.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE transactions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  account_id UUID NOT NULL,
  transaction_type VARCHAR(50) NOT NULL,
  amount NUMERIC(15,2) NOT NULL,
  currency VARCHAR(3) NOT NULL DEFAULT 'USD',
  status VARCHAR(50) NOT NULL DEFAULT 'pending',
  description TEXT,
  reference_number VARCHAR(100),
  metadata JSONB NOT NULL DEFAULT '{}',
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  completed_at TIMESTAMPTZ,
  CONSTRAINT pk_transactions PRIMARY KEY (id),
  CONSTRAINT uq_transactions_reference_number UNIQUE (reference_number),
  CONSTRAINT fk_transactions_account_id FOREIGN KEY (account_id)
    REFERENCES accounts (id) ON DELETE RESTRICT,
  CONSTRAINT ck_transactions_transaction_type CHECK (transaction_type IN (
    'deposit', 'withdrawal', 'transfer', 'credit', 'debit',
    'fee', 'exchange', 'reversal', 'adjustment'
  )),
  CONSTRAINT ck_transactions_amount CHECK (amount > 0),
  CONSTRAINT ck_transactions_currency CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT ck_transactions_status CHECK (status IN ('pending', 'completed', 'failed'))
);

CREATE INDEX idx_transactions_account_id ON transactions (account_id, created_at DESC);
CREATE INDEX idx_transactions_status ON transactions (status);
-- Ascending, although the newest are asked for first: it is read backwards as well, and rows come
-- in order of time.
CREATE INDEX idx_transactions_created_at ON transactions (created_at);

COMMENT ON TABLE transactions IS
  'Movements of money on an account. Once completed or failed, a row is final.';
COMMENT ON COLUMN transactions.id IS 'Primary key.';
COMMENT ON COLUMN transactions.account_id IS
  'The account. A transfer between two accounts is a row on each.';
COMMENT ON COLUMN transactions.transaction_type IS
  'deposit, withdrawal, transfer, credit or debit; or fee, exchange, reversal, adjustment.';
COMMENT ON COLUMN transactions.amount IS
  'Amount in the currency''s unit, e.g. 100.50; always positive.';
COMMENT ON COLUMN transactions.currency IS 'Currency after ISO 4217; the account''s.';
COMMENT ON COLUMN transactions.status IS 'pending, completed or failed.';
COMMENT ON COLUMN transactions.description IS 'Text for people.';
COMMENT ON COLUMN transactions.reference_number IS
  'The caller''s reference, unique, e.g. TXN-1706443200-ABC123.';
COMMENT ON COLUMN transactions.metadata IS 'What the application adds, e.g. {"order": "A-17"}.';
COMMENT ON COLUMN transactions.created_at IS 'When it was asked for.';
COMMENT ON COLUMN transactions.updated_at IS 'Last change of this row, set by trigger.';
COMMENT ON COLUMN transactions.completed_at IS 'When it was completed.';

-- security_invoker: the policies of the two tables apply to whoever asks.
CREATE VIEW account_summaries WITH (security_invoker = true) AS
SELECT
  a.id,
  a.user_id,
  a.account_number,
  a.account_type,
  a.balance,
  a.available_balance,
  COUNT(t.id) AS transaction_count,
  MAX(t.created_at) AS last_transaction_date
FROM accounts a
LEFT JOIN transactions t ON t.account_id = a.id
GROUP BY a.id;

COMMENT ON VIEW account_summaries IS
  'Each account with the number and the last date of its transactions.';
COMMENT ON COLUMN account_summaries.id IS 'The account.';
COMMENT ON COLUMN account_summaries.user_id IS 'Its owner.';
COMMENT ON COLUMN account_summaries.account_number IS 'Its number, e.g. WS123456789012.';
COMMENT ON COLUMN account_summaries.account_type IS 'Its type, e.g. checking.';
COMMENT ON COLUMN account_summaries.balance IS 'Its balance.';
COMMENT ON COLUMN account_summaries.available_balance IS 'Its balance less what is held.';
COMMENT ON COLUMN account_summaries.transaction_count IS
  'How many transactions it has, in any status.';
COMMENT ON COLUMN account_summaries.last_transaction_date IS
  'When the last of them was created; null if there is none.';

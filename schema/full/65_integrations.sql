-- Webhooks with their deliveries, and configurations of services of others.
--
-- secret and credentials hold what encryption leaves of them, hence TEXT and JSONB. A comment's line
-- @encrypted says that ledger keeps the column so, once the file has a key.

CREATE TABLE webhooks (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  url VARCHAR(500) NOT NULL,
  events TEXT[] NOT NULL,
  secret TEXT NOT NULL,
  is_active BOOLEAN NOT NULL DEFAULT true,
  retry_count INTEGER NOT NULL DEFAULT 0,
  last_triggered TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_webhooks PRIMARY KEY (id),
  CONSTRAINT fk_webhooks_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT ck_webhooks_retry_count CHECK (retry_count >= 0)
);

CREATE INDEX idx_webhooks_user_id ON webhooks (user_id);
CREATE INDEX idx_webhooks_active ON webhooks (user_id) WHERE is_active;

COMMENT ON TABLE webhooks IS 'Addresses that are called when something happens.';
COMMENT ON COLUMN webhooks.id IS 'Primary key.';
COMMENT ON COLUMN webhooks.user_id IS 'Whose it is.';
COMMENT ON COLUMN webhooks.url IS 'Address to call, e.g. https://example.com/hook.';
COMMENT ON COLUMN webhooks.events IS
  'What it is called for, e.g. {transaction.created,transaction.completed}; also '
  'account.created, user.updated.';
COMMENT ON COLUMN webhooks.secret IS 'Key with which calls are signed.
@encrypted';
COMMENT ON COLUMN webhooks.is_active IS 'False if it is not called.';
COMMENT ON COLUMN webhooks.retry_count IS 'Failed calls since the last that succeeded.';
COMMENT ON COLUMN webhooks.last_triggered IS 'Last call.';
COMMENT ON COLUMN webhooks.created_at IS 'When the row was made.';
COMMENT ON COLUMN webhooks.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE webhook_deliveries (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  webhook_id UUID NOT NULL,
  event_type VARCHAR(100) NOT NULL,
  payload JSONB NOT NULL,
  response_status INTEGER,
  response_body TEXT,
  attempts INTEGER NOT NULL DEFAULT 1,
  delivered BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  delivered_at TIMESTAMPTZ,
  CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
  CONSTRAINT fk_webhook_deliveries_webhook_id FOREIGN KEY (webhook_id)
    REFERENCES webhooks (id) ON DELETE CASCADE,
  CONSTRAINT ck_webhook_deliveries_attempts CHECK (attempts >= 0)
);

CREATE INDEX idx_webhook_deliveries_webhook_id ON webhook_deliveries (webhook_id, created_at DESC);
CREATE INDEX idx_webhook_deliveries_undelivered
  ON webhook_deliveries (created_at) WHERE NOT delivered;
CREATE INDEX idx_webhook_deliveries_created_at ON webhook_deliveries (created_at);

COMMENT ON TABLE webhook_deliveries IS 'Calls of webhooks, and what came of them.';
COMMENT ON COLUMN webhook_deliveries.id IS 'Primary key.';
COMMENT ON COLUMN webhook_deliveries.webhook_id IS 'The webhook.';
COMMENT ON COLUMN webhook_deliveries.event_type IS 'What happened, e.g. transaction.created.';
COMMENT ON COLUMN webhook_deliveries.payload IS 'The body that is sent.';
COMMENT ON COLUMN webhook_deliveries.response_status IS
  'HTTP status of the last answer, e.g. 200; null if there was none.';
COMMENT ON COLUMN webhook_deliveries.response_body IS 'Body of the last answer.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'How often it was tried.';
COMMENT ON COLUMN webhook_deliveries.delivered IS 'True once an answer said that it arrived.';
COMMENT ON COLUMN webhook_deliveries.created_at IS 'When it happened.';
COMMENT ON COLUMN webhook_deliveries.delivered_at IS 'When it arrived.';

CREATE TABLE integration_configs (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  integration_type VARCHAR(100) NOT NULL,
  config JSONB NOT NULL,
  credentials JSONB,
  is_active BOOLEAN NOT NULL DEFAULT true,
  last_sync TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_integration_configs PRIMARY KEY (id),
  CONSTRAINT fk_integration_configs_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT ck_integration_configs_integration_type CHECK (integration_type IN (
    'stripe', 'paypal', 'plaid', 'quickbooks', 'salesforce'
  ))
);

CREATE INDEX idx_integration_configs_user_id ON integration_configs (user_id);
CREATE INDEX idx_integration_configs_integration_type ON integration_configs (integration_type);

COMMENT ON TABLE integration_configs IS 'Services of others that a user has connected.';
COMMENT ON COLUMN integration_configs.id IS 'Primary key.';
COMMENT ON COLUMN integration_configs.user_id IS 'Whose it is.';
COMMENT ON COLUMN integration_configs.integration_type IS
  'stripe, paypal, plaid, quickbooks or salesforce.';
COMMENT ON COLUMN integration_configs.config IS 'Settings that are no secret.';
COMMENT ON COLUMN integration_configs.credentials IS
  'The service''s credentials.
@encrypted';
COMMENT ON COLUMN integration_configs.is_active IS 'False if the service is not used.';
COMMENT ON COLUMN integration_configs.last_sync IS 'Last exchange with the service.';
COMMENT ON COLUMN integration_configs.created_at IS 'When the row was made.';
COMMENT ON COLUMN integration_configs.updated_at IS 'Last change of this row, set by trigger.';

-- Row-level security. What no policy allows is refused; service_role bypasses all of them.
--
-- A user sees the user's own rows. What decides over money, permissions or evidence can be read by
-- its owner and is written by the application, as service_role: a policy sees whole rows, so an
-- owner who may update users could set status, and one who may insert api_keys could grant
-- permissions. An administrator is a user with the role admin; user_roles and roles have no policy
-- that asks for it, so that the question does not lead back to itself, and roles are given by
-- service_role alone.

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_kyc ENABLE ROW LEVEL SECURITY;
ALTER TABLE roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE portfolio ENABLE ROW LEVEL SECURITY;
ALTER TABLE portfolio_transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE trades ENABLE ROW LEVEL SECURITY;
ALTER TABLE simulations ENABLE ROW LEVEL SECURITY;
ALTER TABLE deposit_addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE crypto_withdrawals ENABLE ROW LEVEL SECURITY;
ALTER TABLE price_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE fee_config ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE ai_command_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE vector_memory ENABLE ROW LEVEL SECURITY;
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE testimonies ENABLE ROW LEVEL SECURITY;
ALTER TABLE entities ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_configs ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;

-- Users and what is kept about them.

CREATE POLICY user_isolation ON users
  FOR SELECT TO authenticated USING (id = auth.uid());
CREATE POLICY users_admin_select ON users
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));
CREATE POLICY users_admin_update ON users
  FOR UPDATE TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY user_profiles_own ON user_profiles
  FOR ALL TO authenticated USING (user_id = auth.uid())
  WITH CHECK (user_id = auth.uid());
CREATE POLICY user_profiles_admin_select ON user_profiles
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY user_settings_own ON user_settings
  FOR ALL TO authenticated USING (user_id = auth.uid())
  WITH CHECK (user_id = auth.uid());
CREATE POLICY user_settings_admin_select ON user_settings
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- A user hands documents in, and again after a rejection; the verdict is not the user's.
CREATE POLICY user_kyc_select_own ON user_kyc
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY user_kyc_insert_own ON user_kyc
  FOR INSERT TO authenticated
  WITH CHECK (
    user_id = auth.uid() AND verification_status = 'pending'
    AND verified_at IS NULL AND rejected_reason IS NULL
  );
CREATE POLICY user_kyc_update_own ON user_kyc
  FOR UPDATE TO authenticated
  USING (user_id = auth.uid() AND verification_status IN ('pending', 'rejected', 'expired'))
  WITH CHECK (
    user_id = auth.uid() AND verification_status = 'pending'
    AND verified_at IS NULL AND rejected_reason IS NULL
  );
CREATE POLICY user_kyc_admin_select ON user_kyc
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));
CREATE POLICY user_kyc_admin_update ON user_kyc
  FOR UPDATE TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- Access.

CREATE POLICY roles_read ON roles
  FOR SELECT TO authenticated USING (true);

CREATE POLICY user_roles_select_own ON user_roles
  FOR SELECT TO authenticated USING (user_id = auth.uid());

-- To delete a key or a session is to withdraw it.
CREATE POLICY api_keys_select_own ON api_keys
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY api_keys_delete_own ON api_keys
  FOR DELETE TO authenticated USING (user_id = auth.uid());
CREATE POLICY api_keys_admin_select ON api_keys
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY sessions_select_own ON sessions
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY sessions_delete_own ON sessions
  FOR DELETE TO authenticated USING (user_id = auth.uid());
CREATE POLICY sessions_admin_select ON sessions
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- Accounts.

CREATE POLICY accounts_select_own ON accounts
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY accounts_admin_select ON accounts
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY transactions_select_own ON transactions
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM accounts a
    WHERE a.id = transactions.account_id AND a.user_id = auth.uid()
  ));
CREATE POLICY transactions_admin_select ON transactions
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- Crypto.

CREATE POLICY portfolio_select_own ON portfolio
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY portfolio_admin_select ON portfolio
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY portfolio_transactions_select_own ON portfolio_transactions
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY portfolio_transactions_admin_select ON portfolio_transactions
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY trades_select_own ON trades
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY trades_admin_select ON trades
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY simulations_select_own ON simulations
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY simulations_admin_select ON simulations
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY deposit_addresses_select_own ON deposit_addresses
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY deposit_addresses_admin_select ON deposit_addresses
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- A user may ask for a withdrawal, not grant it. Nobody changes or deletes one.
CREATE POLICY crypto_withdrawals_select_own ON crypto_withdrawals
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY crypto_withdrawals_insert_own ON crypto_withdrawals
  FOR INSERT TO authenticated WITH CHECK (user_id = auth.uid() AND status = 'PENDING');

-- Reference data: everybody who is logged in reads it, administrators keep it.

CREATE POLICY price_history_read ON price_history
  FOR SELECT TO authenticated USING (true);
CREATE POLICY price_history_admin_all ON price_history
  FOR ALL TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY exchange_rates_read ON exchange_rates
  FOR SELECT TO authenticated USING (true);
CREATE POLICY exchange_rates_admin_all ON exchange_rates
  FOR ALL TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY fee_config_read ON fee_config
  FOR SELECT TO authenticated USING (true);
CREATE POLICY fee_config_admin_all ON fee_config
  FOR ALL TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- Messages. A notification is marked as read and never deleted, a command is immutable.

CREATE POLICY notifications_select_own ON notifications
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY notifications_update_own ON notifications
  FOR UPDATE TO authenticated USING (user_id = auth.uid())
  WITH CHECK (user_id = auth.uid());

CREATE POLICY ai_command_logs_select_own ON ai_command_logs
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY ai_command_logs_insert_own ON ai_command_logs
  FOR INSERT TO authenticated WITH CHECK (user_id = auth.uid());

CREATE POLICY vector_memory_select_own ON vector_memory
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY vector_memory_insert_own ON vector_memory
  FOR INSERT TO authenticated WITH CHECK (user_id = auth.uid());
CREATE POLICY vector_memory_update_own ON vector_memory
  FOR UPDATE TO authenticated USING (user_id = auth.uid())
  WITH CHECK (user_id = auth.uid());
CREATE POLICY vector_memory_delete_own ON vector_memory
  FOR DELETE TO authenticated USING (user_id = auth.uid());

-- Anybody may write to us; testimonials are public.
CREATE POLICY contacts_insert ON contacts
  FOR INSERT TO anon, authenticated WITH CHECK (true);
CREATE POLICY contacts_admin_select ON contacts
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));
CREATE POLICY contacts_admin_delete ON contacts
  FOR DELETE TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY testimonies_read ON testimonies
  FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY testimonies_admin_all ON testimonies
  FOR ALL TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY entities_own ON entities
  FOR ALL TO authenticated USING (owner_id = auth.uid())
  WITH CHECK (owner_id = auth.uid());
CREATE POLICY entities_admin_all ON entities
  FOR ALL TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ))
  WITH CHECK (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- Integrations.

CREATE POLICY webhooks_own ON webhooks
  FOR ALL TO authenticated USING (user_id = auth.uid())
  WITH CHECK (user_id = auth.uid());
CREATE POLICY webhooks_admin_select ON webhooks
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY webhook_deliveries_select_own ON webhook_deliveries
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM webhooks w
    WHERE w.id = webhook_deliveries.webhook_id AND w.user_id = auth.uid()
  ));
CREATE POLICY webhook_deliveries_admin_select ON webhook_deliveries
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

CREATE POLICY integration_configs_own ON integration_configs
  FOR ALL TO authenticated USING (user_id = auth.uid())
  WITH CHECK (user_id = auth.uid());
CREATE POLICY integration_configs_admin_select ON integration_configs
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- The audit trail is written by the application.

CREATE POLICY audit_logs_select_own ON audit_logs
  FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY audit_logs_admin_select ON audit_logs
  FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = auth.uid() AND r.name = 'admin'
  ));

-- The audit trail. Rows are written once: the only change that one may see is that an actor who is
-- deleted becomes null. 80_triggers.sql enforces it.

CREATE TABLE audit_logs (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID,
  admin_id UUID,
  admin_key TEXT,
  action TEXT NOT NULL,
  entity_type TEXT,
  entity_id UUID,
  old_values JSONB,
  new_values JSONB,
  details JSONB,
  ip_address INET,
  user_agent TEXT,
  status VARCHAR(50) NOT NULL DEFAULT 'success',
  error_message TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_audit_logs PRIMARY KEY (id),
  CONSTRAINT fk_audit_logs_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE SET NULL,
  CONSTRAINT fk_audit_logs_admin_id FOREIGN KEY (admin_id)
    REFERENCES users (id) ON DELETE SET NULL,
  CONSTRAINT ck_audit_logs_status CHECK (status IN ('success', 'failure'))
);

-- What the system does by itself has no actor: those rows are the most, and stay out of both.
CREATE INDEX idx_audit_logs_user_id
  ON audit_logs (user_id, action, created_at) WHERE user_id IS NOT NULL;
CREATE INDEX idx_audit_logs_admin_id ON audit_logs (admin_id) WHERE admin_id IS NOT NULL;
CREATE INDEX idx_audit_logs_entity ON audit_logs (entity_type, entity_id);
CREATE INDEX idx_audit_logs_action ON audit_logs (action);
-- Ascending: read backwards for the newest first, and rows come in order of time.
CREATE INDEX idx_audit_logs_created_at ON audit_logs (created_at);

COMMENT ON TABLE audit_logs IS 'Who did what to what, when and from where.';
COMMENT ON COLUMN audit_logs.id IS 'Primary key.';
COMMENT ON COLUMN audit_logs.user_id IS
  'The user who acted; null for the system, and after the user is gone.';
COMMENT ON COLUMN audit_logs.admin_id IS
  'The administrator who acted for the user, if one did; null after that one is gone.';
COMMENT ON COLUMN audit_logs.admin_key IS
  'Label of the administrative key that was used, if one was. Never the key.';
COMMENT ON COLUMN audit_logs.action IS
  'What was done, e.g. LOGIN_SUCCESS, TRANSACTION_CREATED or UPDATE.';
COMMENT ON COLUMN audit_logs.entity_type IS 'Kind of thing it was done to, e.g. users or AUTH.';
COMMENT ON COLUMN audit_logs.entity_id IS 'Which of them.';
COMMENT ON COLUMN audit_logs.old_values IS
  'Changed columns with their values before, e.g. {"status": "active"}.';
COMMENT ON COLUMN audit_logs.new_values IS
  'The same columns with their values after, e.g. {"status": "closed"}.';
COMMENT ON COLUMN audit_logs.details IS 'What else is worth knowing.';
COMMENT ON COLUMN audit_logs.ip_address IS 'Address the request came from, e.g. 203.0.113.7.';
COMMENT ON COLUMN audit_logs.user_agent IS 'The client''s User-Agent header.';
COMMENT ON COLUMN audit_logs.status IS 'success or failure.';
COMMENT ON COLUMN audit_logs.error_message IS 'Why it failed.';
COMMENT ON COLUMN audit_logs.created_at IS 'When it was done.';

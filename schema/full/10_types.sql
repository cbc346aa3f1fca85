-- Types, and what the triggers of 80_triggers.sql run.

CREATE TYPE ai_status AS ENUM ('PENDING', 'COMPLETED', 'ERROR');

COMMENT ON TYPE ai_status IS
  'A command to the assistant: waits for its answer, has it, or went wrong.';

-- PROCESSING and FAILED are one system's, APPROVED and REJECTED another's; all six are in use.
CREATE TYPE withdrawal_status AS ENUM (
  'PENDING', 'APPROVED', 'PROCESSING', 'COMPLETED', 'REJECTED', 'FAILED'
);

COMMENT ON TYPE withdrawal_status IS
  'A withdrawal: asked for, allowed, being sent; or at its end: sent, refused, or not sent.';

CREATE FUNCTION update_updated_at_column() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := CURRENT_TIMESTAMP;
  RETURN NEW;
END;
$$;

COMMENT ON FUNCTION update_updated_at_column() IS 'Sets updated_at of the row that is updated.';

CREATE FUNCTION refuse_final_transaction_update() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('completed', 'failed')
     AND (NEW.status IS DISTINCT FROM OLD.status
          OR NEW.id IS DISTINCT FROM OLD.id
          OR NEW.account_id IS DISTINCT FROM OLD.account_id
          OR NEW.transaction_type IS DISTINCT FROM OLD.transaction_type
          OR NEW.amount IS DISTINCT FROM OLD.amount
          OR NEW.currency IS DISTINCT FROM OLD.currency
          OR NEW.reference_number IS DISTINCT FROM OLD.reference_number
          OR NEW.created_at IS DISTINCT FROM OLD.created_at
          OR NEW.completed_at IS DISTINCT FROM OLD.completed_at) THEN
    RAISE EXCEPTION 'a completed or failed transaction is final' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END;
$$;

COMMENT ON FUNCTION refuse_final_transaction_update() IS
  'Lets only description and metadata of a completed or failed transaction change.';

CREATE FUNCTION refuse_final_transaction_delete() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('completed', 'failed') THEN
    RAISE EXCEPTION 'a completed or failed transaction is final' USING ERRCODE = '23001';
  END IF;
  RETURN OLD;
END;
$$;

COMMENT ON FUNCTION refuse_final_transaction_delete() IS
  'Lets only a pending transaction be deleted.';

CREATE FUNCTION refuse_audit_update() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.user_id IS NOT NULL AND NEW.user_id IS DISTINCT FROM OLD.user_id)
     OR (NEW.admin_id IS NOT NULL AND NEW.admin_id IS DISTINCT FROM OLD.admin_id)
     OR NEW.id IS DISTINCT FROM OLD.id
     OR NEW.admin_key IS DISTINCT FROM OLD.admin_key
     OR NEW.action IS DISTINCT FROM OLD.action
     OR NEW.entity_type IS DISTINCT FROM OLD.entity_type
     OR NEW.entity_id IS DISTINCT FROM OLD.entity_id
     OR NEW.old_values IS DISTINCT FROM OLD.old_values
     OR NEW.new_values IS DISTINCT FROM OLD.new_values
     OR NEW.details IS DISTINCT FROM OLD.details
     OR NEW.ip_address IS DISTINCT FROM OLD.ip_address
     OR NEW.user_agent IS DISTINCT FROM OLD.user_agent
     OR NEW.status IS DISTINCT FROM OLD.status
     OR NEW.error_message IS DISTINCT FROM OLD.error_message
     OR NEW.created_at IS DISTINCT FROM OLD.created_at THEN
    RAISE EXCEPTION 'audit rows are immutable' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END;
$$;

COMMENT ON FUNCTION refuse_audit_update() IS
  'Refuses every change of an audit row but an actor that becomes null.';

CREATE FUNCTION refuse_audit_delete() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are immutable' USING ERRCODE = '23001';
END;
$$;

COMMENT ON FUNCTION refuse_audit_delete() IS 'Refuses to delete an audit row.';

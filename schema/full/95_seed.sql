-- Rows that every installation has, on every device the same. Ids are version 5 uuids in the URL
-- namespace of ledger:full/<table>/<natural key>, e.g. ledger:full/roles/admin.

INSERT INTO roles (id, name, description, is_system, created_at, updated_at) VALUES
  ('119bbc1a-44a9-55a2-923d-e68b1c65689f', 'admin', 'Full access', true,
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('e28a12b4-b654-5849-8551-a1a6aa537c03', 'user', 'A user''s own data', true,
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('d88f4db4-c0ad-5ce8-944d-9074161091bf', 'viewer', 'Reads, changes nothing', true,
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('00978a4d-21f1-5a63-9358-89bd9e00f3c8', 'moderator', 'Moderates what users write', true,
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('9b8068c0-4a28-53ca-bdc2-91c10acb171b', 'patient', 'Receives care', true,
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('0a3c3484-1257-539a-bab1-d3a401b92046', 'provider', 'Provides care', true,
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00');

INSERT INTO fee_config
  (id, fee_type, percentage_fee, flat_fee, is_active, description, created_at, updated_at) VALUES
  ('f72a4ab6-74c2-5907-8113-019435706a08', 'withdrawal', 0.5, 0, true, 'Withdrawal fee 0.5%',
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('a9259bbe-9771-52c5-88f8-06115c012e34', 'trading', 0.1, 0, true, 'Trading fee 0.1%',
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'),
  ('dbafb46b-2871-5a59-9029-27f8dbf35a26', 'deposit', 0, 0, true, 'Deposit fee (free)',
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00');

-- The administrator cannot log in until a password is set: no password has the hash '!'.
INSERT INTO users
  (id, email, username, password_hash, first_name, last_name,
   email_verified, email_verified_at, created_at, updated_at) VALUES
  ('bcf36794-86ec-5c46-a618-01f8ea20bfd8', 'admin@ledger.local', 'admin', '!', 'Admin', 'User',
   true, '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00');

INSERT INTO user_roles (id, user_id, role_id, assigned_at) VALUES
  ('e156d345-be39-5312-9dbc-6cb5a10ad038', 'bcf36794-86ec-5c46-a618-01f8ea20bfd8',
   '119bbc1a-44a9-55a2-923d-e68b1c65689f', '2026-01-01 00:00:00+00');

INSERT INTO user_settings (id, user_id, theme, language, created_at, updated_at) VALUES
  ('e3ccbe78-2e86-50e2-a2e0-b65f6e4c412f', 'bcf36794-86ec-5c46-a618-01f8ea20bfd8', 'dark', 'en',
   '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00');

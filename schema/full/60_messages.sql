-- What is said to users, by users and for users: notifications, the assistant's commands and
-- memory, messages from the contact form, testimonials, and entities of any other kind.

CREATE TABLE notifications (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  notification_type VARCHAR(50) NOT NULL DEFAULT 'system',
  subtype TEXT,
  title VARCHAR(255),
  message TEXT NOT NULL,
  data JSONB,
  action_url VARCHAR(500),
  is_read BOOLEAN NOT NULL DEFAULT false,
  read_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_notifications PRIMARY KEY (id),
  CONSTRAINT fk_notifications_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT ck_notifications_notification_type CHECK (notification_type IN (
    'transaction', 'withdrawal', 'deposit', 'trade', 'alert', 'system', 'promotion'
  )),
  CONSTRAINT ck_notifications_read_at CHECK (is_read OR read_at IS NULL)
);

CREATE INDEX idx_notifications_user_id ON notifications (user_id, created_at DESC);
CREATE INDEX idx_notifications_unread ON notifications (user_id) WHERE NOT is_read;

COMMENT ON TABLE notifications IS
  'Messages to a user. They are read, and never deleted by the user.';
COMMENT ON COLUMN notifications.id IS 'Primary key.';
COMMENT ON COLUMN notifications.user_id IS 'To whom.';
COMMENT ON COLUMN notifications.notification_type IS
  'transaction, withdrawal, deposit, trade, alert, system or promotion.';
COMMENT ON COLUMN notifications.subtype IS
  'A finer kind that the application chooses, e.g. appointment_reminder.';
COMMENT ON COLUMN notifications.title IS 'Heading.';
COMMENT ON COLUMN notifications.message IS 'The message.';
COMMENT ON COLUMN notifications.data IS
  'What a program needs to act on it, e.g. {"transaction_id": "..."}.';
COMMENT ON COLUMN notifications.action_url IS 'Where a click leads.';
COMMENT ON COLUMN notifications.is_read IS 'True once the user has seen it.';
COMMENT ON COLUMN notifications.read_at IS 'When that was; null if not known.';
COMMENT ON COLUMN notifications.created_at IS 'When it was sent.';

CREATE TABLE ai_command_logs (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  model TEXT NOT NULL,
  input JSONB NOT NULL,
  output JSONB,
  status ai_status NOT NULL DEFAULT 'PENDING',
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_ai_command_logs PRIMARY KEY (id),
  CONSTRAINT fk_ai_command_logs_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE RESTRICT
);

CREATE INDEX idx_ai_command_logs_user_id ON ai_command_logs (user_id, created_at DESC);

COMMENT ON TABLE ai_command_logs IS 'What users asked the assistant, and what it answered.';
COMMENT ON COLUMN ai_command_logs.id IS 'Primary key.';
COMMENT ON COLUMN ai_command_logs.user_id IS 'Who asked.';
COMMENT ON COLUMN ai_command_logs.model IS 'Name of the model that answered.';
COMMENT ON COLUMN ai_command_logs.input IS 'The question, e.g. {"prompt": "..."}.';
COMMENT ON COLUMN ai_command_logs.output IS
  'The answer, e.g. {"response": "..."}; null until there is one.';
COMMENT ON COLUMN ai_command_logs.status IS 'How far it is; see the type.';
COMMENT ON COLUMN ai_command_logs.created_at IS 'When it was asked.';

CREATE TABLE vector_memory (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL,
  embedding JSONB NOT NULL,
  context TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_vector_memory PRIMARY KEY (id),
  CONSTRAINT fk_vector_memory_user_id FOREIGN KEY (user_id)
    REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX idx_vector_memory_user_id ON vector_memory (user_id, created_at DESC);

COMMENT ON TABLE vector_memory IS 'What the assistant remembers about a user.';
COMMENT ON COLUMN vector_memory.id IS 'Primary key.';
COMMENT ON COLUMN vector_memory.user_id IS 'About whom.';
COMMENT ON COLUMN vector_memory.embedding IS 'The embedding, e.g. {"vector": [0.1, 0.2, 0.3]}.';
COMMENT ON COLUMN vector_memory.context IS 'The text it stands for.';
COMMENT ON COLUMN vector_memory.created_at IS 'When it was remembered.';

CREATE TABLE contacts (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  name VARCHAR(255),
  email VARCHAR(255) NOT NULL,
  message TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_contacts PRIMARY KEY (id)
);

CREATE INDEX idx_contacts_created_at ON contacts (created_at DESC);

COMMENT ON TABLE contacts IS 'Messages from the contact form; the sender need not be a user.';
COMMENT ON COLUMN contacts.id IS 'Primary key.';
COMMENT ON COLUMN contacts.name IS 'Name of the sender.';
COMMENT ON COLUMN contacts.email IS 'Where to answer.';
COMMENT ON COLUMN contacts.message IS 'The message.';
COMMENT ON COLUMN contacts.created_at IS 'When it was sent.';

CREATE TABLE testimonies (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  client_name VARCHAR(255) NOT NULL,
  client_image VARCHAR(500),
  title VARCHAR(255),
  rating INTEGER,
  content TEXT NOT NULL,
  is_featured BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_testimonies PRIMARY KEY (id),
  CONSTRAINT ck_testimonies_rating CHECK (rating BETWEEN 1 AND 5)
);

COMMENT ON TABLE testimonies IS 'What clients say, for the public pages.';
COMMENT ON COLUMN testimonies.id IS 'Primary key.';
COMMENT ON COLUMN testimonies.client_name IS 'Name of the client.';
COMMENT ON COLUMN testimonies.client_image IS 'URL or path of the client''s picture.';
COMMENT ON COLUMN testimonies.title IS 'The client''s position or company.';
COMMENT ON COLUMN testimonies.rating IS 'Stars, 1 to 5.';
COMMENT ON COLUMN testimonies.content IS 'What the client says.';
COMMENT ON COLUMN testimonies.is_featured IS 'True if it is shown first.';
COMMENT ON COLUMN testimonies.created_at IS 'When the row was made.';
COMMENT ON COLUMN testimonies.updated_at IS 'Last change of this row, set by trigger.';

CREATE TABLE entities (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  entity_type VARCHAR(100) NOT NULL,
  name VARCHAR(255) NOT NULL,
  data JSONB NOT NULL DEFAULT '{}',
  owner_id UUID,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT pk_entities PRIMARY KEY (id),
  CONSTRAINT fk_entities_owner_id FOREIGN KEY (owner_id)
    REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX idx_entities_entity_type ON entities (entity_type, name);
CREATE INDEX idx_entities_owner_id ON entities (owner_id);

COMMENT ON TABLE entities IS 'Business objects that have no table of their own.';
COMMENT ON COLUMN entities.id IS 'Primary key.';
COMMENT ON COLUMN entities.entity_type IS
  'Kind of entity, e.g. contract; what audit_logs.entity_type says.';
COMMENT ON COLUMN entities.name IS 'Name for people.';
COMMENT ON COLUMN entities.data IS 'Its content; the kind says which keys there are.';
COMMENT ON COLUMN entities.owner_id IS 'Whose it is; null if nobody''s.';
COMMENT ON COLUMN entities.created_at IS 'When the row was made.';
COMMENT ON COLUMN entities.updated_at IS 'Last change of this row, set by trigger.';

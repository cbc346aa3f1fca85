-- A column of every type, for random expressions.
CREATE EXTENSION IF NOT EXISTS citext;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Über', 'a');

CREATE TABLE t (
  id INTEGER PRIMARY KEY,
  b BOOLEAN,
  s SMALLINT,
  i INTEGER,
  l BIGINT,
  n NUMERIC,
  p NUMERIC(12,2),
  q NUMERIC(20,8),
  f DOUBLE PRECISION,
  g REAL,
  t TEXT,
  v VARCHAR(20),
  c CHAR(6),
  ci CITEXT,
  u UUID,
  d DATE,
  h TIME,
  m TIMESTAMP,
  m3 TIMESTAMP(3),
  z TIMESTAMPTZ,
  y INTERVAL,
  j JSONB,
  k JSON,
  a INET,
  r CIDR,
  x BYTEA,
  e mood,
  ta TEXT[],
  ia INTEGER[],
  na NUMERIC[]
);

CREATE TABLE o (
  id INTEGER PRIMARY KEY,
  t_id INTEGER REFERENCES t (id),
  name VARCHAR(20),
  amount NUMERIC(12,2),
  at TIMESTAMP,
  e mood
);

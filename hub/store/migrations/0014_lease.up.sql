CREATE TABLE replica (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  until BIGINT NOT NULL,
  ready BOOLEAN NOT NULL
);
CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  term BIGINT NOT NULL,
  shared BOOLEAN NOT NULL
);
CREATE TABLE job (
  id UUID PRIMARY KEY,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  run_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  error TEXT NOT NULL
);
CREATE INDEX job_by_time ON job (run_at) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX job_open_once ON job (kind, key) WHERE state IN ('waiting', 'running') AND key <> '';

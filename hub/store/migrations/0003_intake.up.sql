CREATE TABLE edge_stream (
  edge TEXT PRIMARY KEY,
  epoch BIGINT NOT NULL,
  epoch_start BIGINT NOT NULL,
  upto BIGINT NOT NULL,
  hash TEXT NOT NULL,
  samples_epoch BIGINT NOT NULL,
  samples_upto BIGINT NOT NULL
);
CREATE TABLE quarantine (
  id TEXT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  edge TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  record TEXT NOT NULL,
  raw BYTES NOT NULL,
  state TEXT NOT NULL,
  closed_at BIGINT NOT NULL DEFAULT 0,
  closed_by TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX quarantine_by_state ON quarantine (state, id);

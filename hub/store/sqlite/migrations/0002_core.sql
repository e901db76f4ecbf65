CREATE TABLE movement (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  reverses TEXT NOT NULL DEFAULT '',
  pass TEXT NOT NULL DEFAULT '',
  evidence TEXT NOT NULL
);
CREATE UNIQUE INDEX movement_reversed_once ON movement (reverses) WHERE reverses <> '';
CREATE INDEX movement_by_kind ON movement (kind, effective_at);
CREATE INDEX movement_by_pass ON movement (pass) WHERE pass <> '';
CREATE TABLE entry (
  movement TEXT NOT NULL REFERENCES movement (id),
  line BIGINT NOT NULL,
  item TEXT NOT NULL,
  lot TEXT NOT NULL DEFAULT '',
  tag TEXT NOT NULL DEFAULT '',
  location TEXT NOT NULL,
  state TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (movement, line)
);
CREATE INDEX entry_by_place ON entry (item, location, movement);
CREATE INDEX entry_by_tag ON entry (tag, movement) WHERE tag <> '';
CREATE TABLE balance (
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  location TEXT NOT NULL,
  state TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (item, location, lot, state)
);
CREATE TABLE tag_position (
  tag TEXT PRIMARY KEY,
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  location TEXT NOT NULL,
  state TEXT NOT NULL,
  movement TEXT NOT NULL,
  source TEXT NOT NULL,
  since BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);
CREATE INDEX tag_position_by_place ON tag_position (item, location);
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
  raw BLOB NOT NULL,
  state TEXT NOT NULL,
  closed_at BIGINT NOT NULL DEFAULT 0,
  closed_by TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX quarantine_by_state ON quarantine (state, id);
CREATE TABLE edge (
  id TEXT PRIMARY KEY,
  site TEXT NOT NULL,
  online BOOLEAN NOT NULL,
  seen_at BIGINT NOT NULL,
  software TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  epoch_start BIGINT NOT NULL,
  head BIGINT NOT NULL,
  samples_head BIGINT NOT NULL,
  samples_thinned BIGINT NOT NULL,
  free_bytes BIGINT NOT NULL,
  clock_unsynced BOOLEAN NOT NULL
);
CREATE TABLE device (
  edge TEXT NOT NULL,
  id TEXT NOT NULL,
  driver TEXT NOT NULL,
  location TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  since BIGINT NOT NULL,
  reads BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  PRIMARY KEY (edge, id)
);
CREATE TABLE pass (
  id TEXT PRIMARY KEY,
  edge TEXT NOT NULL,
  door TEXT NOT NULL,
  direction TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  tags BIGINT NOT NULL,
  moved BIGINT NOT NULL,
  confidence BIGINT NOT NULL
);
CREATE INDEX pass_by_door ON pass (door, opened_at);
CREATE TABLE alarm (
  id TEXT PRIMARY KEY,
  edge TEXT NOT NULL,
  rule TEXT NOT NULL,
  source TEXT NOT NULL,
  location TEXT NOT NULL,
  class TEXT NOT NULL,
  priority BIGINT NOT NULL,
  state BIGINT NOT NULL,
  raised_at BIGINT NOT NULL,
  returned_at BIGINT NOT NULL DEFAULT 0,
  acked_at BIGINT NOT NULL DEFAULT 0,
  acked_by TEXT NOT NULL DEFAULT '',
  comment TEXT NOT NULL DEFAULT '',
  quantity BIGINT NOT NULL,
  value BIGINT,
  limit_value BIGINT,
  reason TEXT NOT NULL,
  shelved_until BIGINT NOT NULL DEFAULT 0,
  shelved_by TEXT NOT NULL DEFAULT '',
  shelve_reason TEXT NOT NULL DEFAULT '',
  updated_at BIGINT NOT NULL
);
CREATE INDEX alarm_by_state ON alarm (state, raised_at);
CREATE INDEX alarm_by_time ON alarm (raised_at);
CREATE INDEX alarm_by_source ON alarm (edge, source, raised_at);
CREATE TABLE alarm_event (
  edge TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  alarm TEXT NOT NULL,
  at BIGINT NOT NULL,
  action TEXT NOT NULL,
  from_state BIGINT NOT NULL,
  to_state BIGINT NOT NULL,
  actor TEXT NOT NULL,
  comment TEXT NOT NULL,
  value BIGINT,
  PRIMARY KEY (edge, epoch, seq)
);
CREATE INDEX alarm_event_by_alarm ON alarm_event (alarm, at);
CREATE TABLE command (
  id TEXT PRIMARY KEY,
  edge TEXT NOT NULL,
  alarm TEXT NOT NULL,
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL,
  body BLOB NOT NULL,
  state TEXT NOT NULL,
  done_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX command_by_edge ON command (edge, state);
CREATE INDEX command_by_alarm ON command (alarm, state);
CREATE TABLE sensor (
  num BIGINT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  edge TEXT NOT NULL,
  device TEXT NOT NULL,
  channel TEXT NOT NULL,
  location TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  last_value BIGINT
);
CREATE TABLE sample (
  sensor BIGINT NOT NULL REFERENCES sensor (num),
  at BIGINT NOT NULL,
  value BIGINT,
  quality BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (sensor, at)
);
CREATE INDEX event_by_time ON event (at)

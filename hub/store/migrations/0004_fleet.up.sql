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
  body BYTES NOT NULL,
  state TEXT NOT NULL,
  done_at BIGINT NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX command_by_edge ON command (edge, state);
CREATE INDEX command_by_alarm ON command (alarm, state);
CREATE TABLE door (
  edge TEXT NOT NULL,
  id TEXT NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (edge, id)
);
CREATE INDEX door_by_id ON door (id);
CREATE TABLE door_device (
  edge TEXT NOT NULL,
  door TEXT NOT NULL,
  device TEXT NOT NULL,
  PRIMARY KEY (edge, door, device)
);
CREATE TABLE site_limit (
  edge TEXT NOT NULL,
  location TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  low BIGINT,
  high BIGINT,
  PRIMARY KEY (edge, location, quantity)
);
CREATE INDEX site_limit_by_place ON site_limit (location, quantity);
CREATE INDEX pass_open ON pass (door, opened_at) WHERE closed_at = 0;
CREATE TABLE excursion (
  id TEXT PRIMARY KEY,
  edge TEXT NOT NULL,
  alarm TEXT NOT NULL,
  rule TEXT NOT NULL,
  source TEXT NOT NULL,
  location TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  kind TEXT NOT NULL,
  limit_value BIGINT NOT NULL,
  began_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  worst BIGINT NOT NULL,
  worst_at BIGINT NOT NULL,
  outside BIGINT NOT NULL,
  cumulative BIGINT NOT NULL,
  mkt BIGINT,
  gap BIGINT NOT NULL,
  gaps BIGINT NOT NULL,
  correction TEXT NOT NULL,
  more BIGINT NOT NULL,
  incomplete BOOLEAN NOT NULL
);
CREATE INDEX excursion_by_time ON excursion (began_at, id);
CREATE INDEX excursion_by_place ON excursion (location, began_at);
CREATE INDEX excursion_by_alarm ON excursion (alarm);
CREATE TABLE excursion_goods (
  excursion TEXT NOT NULL,
  tag BYTES NOT NULL,
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  exposed BIGINT NOT NULL,
  still BOOLEAN NOT NULL,
  PRIMARY KEY (excursion, tag)
);
CREATE INDEX excursion_goods_by_tag ON excursion_goods (tag);
CREATE INDEX excursion_goods_by_lot ON excursion_goods (item, lot);
CREATE TABLE escalation (
  edge TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  alarm TEXT NOT NULL,
  level BIGINT NOT NULL,
  repeated BIGINT NOT NULL,
  notify TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (edge, epoch, seq)
);
CREATE INDEX escalation_by_alarm ON escalation (alarm, at);
CREATE TABLE sum_reset (
  edge TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  rule TEXT NOT NULL,
  source TEXT NOT NULL,
  location TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  outside BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (edge, epoch, seq)
);
CREATE INDEX sum_reset_by_source ON sum_reset (edge, source, at);
CREATE TABLE verdict (
  pass TEXT NOT NULL,
  list TEXT NOT NULL,
  edge TEXT NOT NULL,
  door TEXT NOT NULL,
  direction TEXT NOT NULL,
  signal TEXT NOT NULL,
  at BIGINT NOT NULL,
  matched BIGINT NOT NULL,
  missing BIGINT NOT NULL,
  unexpected BIGINT NOT NULL,
  named TEXT NOT NULL,
  PRIMARY KEY (pass, list)
);
CREATE INDEX verdict_by_door ON verdict (door, at);

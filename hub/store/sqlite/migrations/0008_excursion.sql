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
  excursion TEXT NOT NULL REFERENCES excursion (id),
  tag TEXT NOT NULL,
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
ALTER TABLE command ADD COLUMN answer TEXT NOT NULL DEFAULT ''

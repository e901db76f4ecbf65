CREATE TABLE movement (
  id UUID PRIMARY KEY,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  reverses UUID,
  pass TEXT NOT NULL,
  read_point TEXT NOT NULL,
  biz_step TEXT NOT NULL,
  first_read BIGINT NOT NULL,
  last_read BIGINT NOT NULL,
  reads BIGINT NOT NULL,
  peak_rssi SMALLINT,
  confidence SMALLINT NOT NULL,
  chain SMALLINT NOT NULL,
  link BIGINT NOT NULL,
  hash BYTES NOT NULL
) MONTHLY(id);
CREATE INDEX movement_by_pass ON movement (pass) WHERE pass <> '';
CREATE TABLE movement_line (
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  tag BYTES NOT NULL,
  from_location TEXT NOT NULL,
  from_state SMALLINT NOT NULL,
  to_location TEXT NOT NULL,
  to_state SMALLINT NOT NULL,
  quantity BIGINT NOT NULL CHECK (quantity > 0),
  value BIGINT NOT NULL,
  before_tag UUID,
  before_from UUID,
  before_to UUID,
  PRIMARY KEY (movement, line)
) MONTHLY(movement);
CREATE VIEW entry AS
  SELECT movement, line, item, lot, tag, from_location AS location, from_state AS state, -quantity AS quantity, -value AS value
  FROM movement_line
  UNION ALL
  SELECT movement, line, item, lot, tag, to_location, to_state, quantity, value FROM movement_line;
CREATE TABLE movement_key (key TEXT PRIMARY KEY, movement UUID NOT NULL) CLUSTERED;
CREATE TABLE chain (number SMALLINT PRIMARY KEY, link BIGINT NOT NULL, hash BYTES NOT NULL);
CREATE TABLE balance (
  item TEXT NOT NULL,
  location TEXT NOT NULL,
  lot TEXT NOT NULL,
  state SMALLINT NOT NULL,
  quantity BIGINT NOT NULL,
  reserved BIGINT NOT NULL DEFAULT 0,
  seen_at BIGINT NOT NULL,
  last UUID,
  PRIMARY KEY (item, location, lot, state)
) CHANGING;
CREATE INDEX balance_by_location ON balance (location, item);
CREATE TABLE tag_position (
  tag BYTES PRIMARY KEY,
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  location TEXT NOT NULL,
  state SMALLINT NOT NULL,
  movement UUID NOT NULL,
  source TEXT NOT NULL,
  since BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
) CHANGING;
CREATE TABLE flow_hour (
  item TEXT NOT NULL,
  location TEXT NOT NULL,
  kind TEXT NOT NULL,
  hour BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  PRIMARY KEY (item, location, kind, hour)
) CLUSTERED;
CREATE INDEX tag_position_by_item ON tag_position (item);

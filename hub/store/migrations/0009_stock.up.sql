CREATE TABLE reservation (
  id UUID PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  item TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  state TEXT NOT NULL
);
CREATE INDEX reservation_by_state ON reservation (state, expires);
CREATE INDEX reservation_by_item ON reservation (item, state);
CREATE TABLE reservation_hold (
  reservation UUID NOT NULL,
  location TEXT NOT NULL,
  lot TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  taken BIGINT NOT NULL,
  PRIMARY KEY (reservation, location, lot)
) CLUSTERED;
CREATE TABLE period_close (id UUID PRIMARY KEY, until BIGINT NOT NULL, actor TEXT NOT NULL, at BIGINT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE confidence_policy (
  read_point TEXT PRIMARY KEY,
  threshold SMALLINT NOT NULL,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE aggregation (
  id UUID PRIMARY KEY,
  key TEXT NOT NULL,
  parent BYTES NOT NULL,
  action TEXT NOT NULL,
  at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  source TEXT NOT NULL
);
CREATE INDEX aggregation_by_parent ON aggregation (parent, id);
CREATE TABLE aggregation_child (aggregation UUID NOT NULL, child BYTES NOT NULL, PRIMARY KEY (aggregation, child)) CLUSTERED;
CREATE TABLE contained (child BYTES PRIMARY KEY, parent BYTES NOT NULL, since BIGINT NOT NULL, aggregation UUID NOT NULL);
CREATE INDEX contained_by_parent ON contained (parent);
CREATE TABLE stock_count (
  id UUID PRIMARY KEY,
  state TEXT NOT NULL,
  site TEXT NOT NULL,
  locations TEXT NOT NULL,
  complete BOOLEAN NOT NULL,
  opened_by TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  submitted_by TEXT NOT NULL,
  submitted_at BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  reason TEXT NOT NULL,
  movement UUID,
  variance BIGINT NOT NULL,
  unknown TEXT NOT NULL
);
CREATE INDEX stock_count_by_state ON stock_count (state, id);
CREATE TABLE count_swept (count UUID NOT NULL, location TEXT NOT NULL, PRIMARY KEY (count, location)) CLUSTERED;
CREATE TABLE count_sighting (
  count UUID NOT NULL,
  tag BYTES NOT NULL,
  location TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (count, tag)
) CLUSTERED;
CREATE TABLE count_by_hand (
  count UUID NOT NULL,
  location TEXT NOT NULL,
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (count, location, item, lot)
) CLUSTERED;
CREATE TABLE count_line (
  count UUID NOT NULL,
  line BIGINT NOT NULL,
  location TEXT NOT NULL,
  item TEXT NOT NULL,
  lot TEXT NOT NULL,
  state SMALLINT NOT NULL,
  tag BYTES NOT NULL,
  expected BIGINT NOT NULL,
  counted BIGINT NOT NULL,
  from_location TEXT NOT NULL,
  from_state SMALLINT NOT NULL,
  basis UUID,
  value BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  PRIMARY KEY (count, line)
) CLUSTERED;

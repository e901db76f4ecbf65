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

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
CREATE INDEX pass_open ON pass (door, opened_at) WHERE closed_at = 0

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
  sensor BIGINT NOT NULL,
  at BIGINT NOT NULL,
  value BIGINT,
  quality BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (sensor, at)
) MONTHLY(at);
CREATE TABLE sample_hour (
  sensor BIGINT NOT NULL,
  hour BIGINT NOT NULL,
  low BIGINT NOT NULL,
  low_at BIGINT NOT NULL,
  high BIGINT NOT NULL,
  high_at BIGINT NOT NULL,
  PRIMARY KEY (sensor, hour)
) CLUSTERED;

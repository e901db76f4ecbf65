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
) CHANGING;

CREATE TABLE sample (
  sensor BIGINT NOT NULL,
  at BIGINT NOT NULL,
  value BIGINT,
  quality BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (sensor, at)
) MONTHLY(at);

CREATE TABLE sample_minute (
  sensor BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  n BIGINT NOT NULL,
  sum BIGINT NOT NULL,
  low BIGINT NOT NULL,
  low_at BIGINT NOT NULL,
  high BIGINT NOT NULL,
  high_at BIGINT NOT NULL,
  first BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (sensor, bucket)
) CHANGING;

CREATE TABLE sample_quarter (
  sensor BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  n BIGINT NOT NULL,
  sum BIGINT NOT NULL,
  low BIGINT NOT NULL,
  low_at BIGINT NOT NULL,
  high BIGINT NOT NULL,
  high_at BIGINT NOT NULL,
  first BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (sensor, bucket)
) CHANGING;

CREATE TABLE sample_hour (
  sensor BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  n BIGINT NOT NULL,
  sum BIGINT NOT NULL,
  low BIGINT NOT NULL,
  low_at BIGINT NOT NULL,
  high BIGINT NOT NULL,
  high_at BIGINT NOT NULL,
  first BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (sensor, bucket)
) CHANGING;

CREATE TABLE sample_spool (
  num BIGINT PRIMARY KEY,
  sensor BIGINT NOT NULL,
  at BIGINT NOT NULL,
  value BIGINT,
  quality BIGINT NOT NULL,
  reason TEXT NOT NULL,
  location TEXT NOT NULL,
  put_at BIGINT NOT NULL
);

CREATE TABLE sample_spool_head (
  one SMALLINT PRIMARY KEY,
  num BIGINT NOT NULL,
  waiting BIGINT NOT NULL
) CHANGING;

INSERT INTO sample_spool_head (one, num, waiting) VALUES (1, 0, 0);

CREATE TABLE sample_hour (
  sensor BIGINT NOT NULL REFERENCES sensor (num),
  hour BIGINT NOT NULL,
  low BIGINT NOT NULL,
  low_at BIGINT NOT NULL,
  high BIGINT NOT NULL,
  high_at BIGINT NOT NULL,
  PRIMARY KEY (sensor, hour)
);
INSERT INTO sample_hour (sensor, hour, low, low_at, high, high_at)
  SELECT h.sensor, h.hour, h.low,
    (SELECT min(s.at) FROM sample s WHERE s.sensor = h.sensor AND s.at >= h.hour AND s.at < h.hour + 3600000000 AND s.value = h.low),
    h.high,
    (SELECT min(s.at) FROM sample s WHERE s.sensor = h.sensor AND s.at >= h.hour AND s.at < h.hour + 3600000000 AND s.value = h.high)
  FROM (SELECT sensor, at - at % 3600000000 AS hour, min(value) AS low, max(value) AS high FROM sample WHERE value IS NOT NULL
    GROUP BY sensor, at - at % 3600000000) h

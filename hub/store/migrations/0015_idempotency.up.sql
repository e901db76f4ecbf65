CREATE TABLE idempotency (
  principal TEXT NOT NULL,
  key TEXT NOT NULL,
  request BYTES NOT NULL,
  status SMALLINT NOT NULL,
  header TEXT NOT NULL,
  body BYTES NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (principal, key)
) CLUSTERED;
CREATE INDEX idempotency_by_at ON idempotency (at);

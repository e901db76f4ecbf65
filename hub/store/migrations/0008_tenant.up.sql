CREATE TABLE app_user (
  name TEXT PRIMARY KEY,
  role SMALLINT NOT NULL,
  password TEXT NOT NULL,
  language TEXT NOT NULL,
  changed BIGINT NOT NULL
);
CREATE TABLE session (
  token_hash TEXT PRIMARY KEY,
  app_user TEXT NOT NULL REFERENCES app_user (name),
  opened BIGINT NOT NULL,
  seen BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (app_user);
CREATE TABLE login_attempt (
  id UUID PRIMARY KEY,
  app_user TEXT NOT NULL,
  address TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX login_attempt_by_address ON login_attempt (address, app_user);
CREATE INDEX login_attempt_by_time ON login_attempt (at);

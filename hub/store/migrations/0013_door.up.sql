ALTER TABLE app_user ADD COLUMN kind TEXT NOT NULL DEFAULT 'local';
ALTER TABLE app_user ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE app_user ADD COLUMN made BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE app_user ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX app_user_by_subject ON app_user (subject) WHERE subject <> '';
CREATE TABLE app_grant (
  app_user TEXT NOT NULL REFERENCES app_user (name),
  role TEXT NOT NULL,
  site TEXT NOT NULL,
  PRIMARY KEY (app_user, role, site)
) CLUSTERED;
INSERT INTO app_grant (app_user, role, site)
  SELECT name, CASE role WHEN 1 THEN 'viewer' WHEN 2 THEN 'operator' WHEN 3 THEN 'planner' ELSE 'admin' END, ''
  FROM app_user WHERE role BETWEEN 1 AND 4;
INSERT INTO app_grant (app_user, role, site) SELECT name, 'operator', '' FROM app_user WHERE role = 3;
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';
CREATE INDEX login_attempt_by_user ON login_attempt (app_user, at);
CREATE TABLE factor (
  app_user TEXT PRIMARY KEY,
  secret BYTES NOT NULL,
  confirmed BOOLEAN NOT NULL,
  step BIGINT NOT NULL
);
CREATE TABLE recovery_code (
  app_user TEXT NOT NULL,
  hash BYTES NOT NULL,
  PRIMARY KEY (app_user, hash)
) CLUSTERED;
CREATE TABLE api_token (
  id TEXT PRIMARY KEY,
  hash BYTES NOT NULL,
  app_user TEXT NOT NULL REFERENCES app_user (name),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  sites TEXT NOT NULL,
  made BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT NOT NULL,
  revoked BIGINT NOT NULL
);
CREATE UNIQUE INDEX api_token_by_hash ON api_token (hash);
CREATE INDEX api_token_by_user ON api_token (app_user, made);
CREATE TABLE login_journey (
  hash BYTES PRIMARY KEY,
  next TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX login_journey_by_time ON login_journey (at);
CREATE TABLE sealed (
  label TEXT PRIMARY KEY,
  value BYTES NOT NULL
);
CREATE TABLE audit (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  app_user TEXT NOT NULL,
  token TEXT NOT NULL,
  address TEXT NOT NULL,
  request TEXT NOT NULL,
  permission TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  state_before TEXT NOT NULL,
  state_after TEXT NOT NULL,
  outcome TEXT NOT NULL,
  hash BYTES NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_user ON audit (app_user, seq);
CREATE INDEX audit_by_resource ON audit (resource, id, seq);
CREATE TABLE audit_head (
  one SMALLINT PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash BYTES NOT NULL
);

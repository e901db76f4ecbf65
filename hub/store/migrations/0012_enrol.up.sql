CREATE TABLE enrol_edge (edge TEXT PRIMARY KEY);
CREATE TABLE enrol_token (
  hash BYTES PRIMARY KEY,
  edge TEXT NOT NULL,
  site TEXT NOT NULL,
  replaces BOOLEAN NOT NULL,
  made_by TEXT NOT NULL,
  made BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT NOT NULL,
  serial TEXT NOT NULL
);
CREATE INDEX enrol_token_by_end ON enrol_token (expires);
CREATE TABLE enrol_certificate (
  serial TEXT PRIMARY KEY,
  edge TEXT NOT NULL,
  site TEXT NOT NULL,
  key BYTES NOT NULL,
  generation BIGINT NOT NULL,
  der BYTES NOT NULL,
  not_before BIGINT NOT NULL,
  not_after BIGINT NOT NULL,
  issued BIGINT NOT NULL,
  revoked BIGINT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX enrol_certificate_by_edge ON enrol_certificate (edge, issued);
CREATE INDEX enrol_certificate_by_end ON enrol_certificate (not_after);
CREATE INDEX enrol_certificate_revoked ON enrol_certificate (revoked) WHERE revoked > 0;

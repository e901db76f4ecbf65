CREATE TABLE epcis_event (
  id UUID PRIMARY KEY,
  key TEXT NOT NULL,
  identity TEXT NOT NULL,
  type TEXT NOT NULL,
  action TEXT NOT NULL,
  at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  biz_step TEXT NOT NULL,
  disposition TEXT NOT NULL,
  read_point TEXT NOT NULL,
  biz_location TEXT NOT NULL,
  body TEXT NOT NULL,
  context TEXT NOT NULL
) MONTHLY(id);
CREATE INDEX epcis_event_by_record ON epcis_event (recorded_at, key);
CREATE INDEX epcis_event_by_time ON epcis_event (at, key);
CREATE INDEX epcis_event_by_identity ON epcis_event (identity);
CREATE INDEX epcis_event_by_type ON epcis_event (type, recorded_at);
CREATE INDEX epcis_event_by_step ON epcis_event (biz_step, recorded_at);
CREATE INDEX epcis_event_by_disposition ON epcis_event (disposition, recorded_at);
CREATE INDEX epcis_event_by_read_point ON epcis_event (read_point, recorded_at);
CREATE INDEX epcis_event_by_location ON epcis_event (biz_location, recorded_at);
CREATE TABLE epcis_epc (
  epc TEXT NOT NULL,
  role TEXT NOT NULL,
  event UUID NOT NULL,
  PRIMARY KEY (epc, role, event)
) MONTHLY(event);
CREATE TABLE epcis_key (key TEXT PRIMARY KEY, hash TEXT NOT NULL, event UUID NOT NULL) CLUSTERED;
CREATE TABLE epcis_capture (
  id UUID PRIMARY KEY,
  at BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  actor TEXT NOT NULL,
  behaviour TEXT NOT NULL,
  success BOOLEAN NOT NULL,
  captured BIGINT NOT NULL,
  known BIGINT NOT NULL,
  parked BIGINT NOT NULL,
  errors TEXT NOT NULL
);
CREATE TABLE epcis_query (name TEXT PRIMARY KEY, query TEXT NOT NULL, actor TEXT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE epc_name (epc TEXT PRIMARY KEY, tag BYTES NOT NULL) CLUSTERED;
CREATE TABLE location_gln (gln TEXT PRIMARY KEY, location TEXT NOT NULL) CLUSTERED;

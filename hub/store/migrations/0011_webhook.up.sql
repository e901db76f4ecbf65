CREATE TABLE webhook_endpoint (
  id UUID PRIMARY KEY,
  url TEXT NOT NULL,
  description TEXT NOT NULL,
  events TEXT NOT NULL,
  sites TEXT NOT NULL,
  secret BYTES NOT NULL,
  previous BYTES NOT NULL,
  previous_until BIGINT NOT NULL,
  state TEXT NOT NULL,
  turned_by TEXT NOT NULL,
  turned_why TEXT NOT NULL,
  turned_at BIGINT NOT NULL,
  failing BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  paused BIGINT NOT NULL,
  created BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE TABLE webhook_message (id TEXT PRIMARY KEY, type TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL);
CREATE TABLE webhook_delivery (
  id UUID PRIMARY KEY,
  endpoint UUID NOT NULL,
  message TEXT NOT NULL,
  type TEXT NOT NULL,
  at BIGINT NOT NULL,
  state TEXT NOT NULL,
  tries BIGINT NOT NULL,
  due BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  note TEXT NOT NULL,
  worker TEXT NOT NULL,
  term BIGINT NOT NULL,
  lease_until BIGINT NOT NULL
);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (message, endpoint);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint, due, id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_log ON webhook_delivery (endpoint, id);
CREATE INDEX webhook_delivery_state ON webhook_delivery (endpoint, state, id);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_ended ON webhook_delivery (state, ended);
CREATE TABLE webhook_attempt (
  delivery UUID NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  took BIGINT NOT NULL,
  status BIGINT NOT NULL,
  error TEXT NOT NULL,
  excerpt TEXT NOT NULL,
  worker TEXT NOT NULL,
  PRIMARY KEY (delivery, number)
) CLUSTERED;
ALTER TABLE event_head ADD COLUMN webhooks BIGINT NOT NULL DEFAULT 0;

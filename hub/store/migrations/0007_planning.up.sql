CREATE TABLE plan_run (id TEXT PRIMARY KEY, at BIGINT NOT NULL, considered BIGINT NOT NULL, proposed BIGINT NOT NULL);
CREATE TABLE proposal (
  id TEXT PRIMARY KEY, run TEXT NOT NULL, state TEXT NOT NULL, created_at BIGINT NOT NULL, item TEXT NOT NULL,
  site TEXT NOT NULL, supplier TEXT NOT NULL, quantity BIGINT NOT NULL, unit_cost BIGINT NOT NULL, due_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL DEFAULT 0, decided_by TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  explain TEXT NOT NULL
);
CREATE INDEX proposal_by_state ON proposal (state, created_at);
CREATE UNIQUE INDEX proposal_open_once ON proposal (item, site) WHERE state = 'proposed';
CREATE TABLE purchase_order (
  id TEXT PRIMARY KEY, proposal TEXT NOT NULL, supplier TEXT NOT NULL, item TEXT NOT NULL, site TEXT NOT NULL,
  quantity BIGINT NOT NULL, ordered_at BIGINT NOT NULL, due_at BIGINT NOT NULL, cancelled BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX purchase_order_by_item ON purchase_order (item, site, ordered_at);

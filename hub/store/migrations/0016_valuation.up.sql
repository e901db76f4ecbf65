CREATE TABLE cost_area (location TEXT PRIMARY KEY, area TEXT NOT NULL) CLUSTERED;
INSERT INTO cost_area (location, area)
  SELECT b.location, coalesce(l.site, '') FROM (SELECT DISTINCT location FROM balance) b LEFT JOIN location l ON l.code = b.location
  WHERE b.location NOT IN ('SUPPLIER', 'CUSTOMER', 'PRODUCTION', 'LOSS', 'IN_TRANSIT');
CREATE TABLE cost_due (
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  kind TEXT NOT NULL,
  item TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  from_area TEXT,
  to_area TEXT,
  outside TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  refers UUID,
  refers_line SMALLINT NOT NULL,
  refers_at BIGINT NOT NULL,
  method TEXT NOT NULL,
  PRIMARY KEY (movement, line)
) CLUSTERED;
INSERT INTO cost_due (movement, line, kind, item, effective_at, from_area, to_area, outside, quantity, value, refers, refers_line,
    refers_at, method)
  SELECT l.movement, l.line, 'flow', l.item, CASE WHEN m.effective_at > 0 THEN m.effective_at ELSE 1 END, l.from_area, l.to_area,
    CASE WHEN l.from_area IS NULL THEN l.from_location WHEN l.to_area IS NULL THEN l.to_location ELSE '' END,
    l.quantity, CASE WHEN l.value > 0 THEN l.value ELSE 0 END, m.reverses,
    CASE WHEN m.reverses IS NULL THEN 0 ELSE (SELECT count(*) FROM movement_line c WHERE c.movement = m.id) - 1 - l.line END,
    CASE WHEN m.reverses IS NULL THEN 0 WHEN r.effective_at > 0 THEN r.effective_at ELSE 1 END, ''
  FROM (
    SELECT o.movement, o.line, o.item, o.quantity, o.value, o.from_location, o.to_location,
      CASE WHEN o.from_location = 'IN_TRANSIT' THEN 'IN_TRANSIT' ELSE f.area END AS from_area,
      CASE WHEN o.to_location = 'IN_TRANSIT' THEN 'IN_TRANSIT' ELSE t.area END AS to_area
    FROM movement_line o LEFT JOIN cost_area f ON f.location = o.from_location LEFT JOIN cost_area t ON t.location = o.to_location
  ) l JOIN movement m ON m.id = l.movement LEFT JOIN movement r ON r.id = m.reverses
  WHERE coalesce(l.from_area <> l.to_area, l.from_area IS NOT NULL OR l.to_area IS NOT NULL);
CREATE TABLE valuation_round (round BIGINT PRIMARY KEY, recorded_at BIGINT NOT NULL, events BIGINT NOT NULL);
CREATE INDEX valuation_round_by_time ON valuation_round (recorded_at);
CREATE TABLE cost_event (
  item TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  kind TEXT NOT NULL,
  from_area TEXT,
  to_area TEXT,
  outside TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  refers UUID,
  refers_line SMALLINT NOT NULL,
  refers_at BIGINT NOT NULL,
  method TEXT NOT NULL,
  cost BIGINT NOT NULL,
  round BIGINT NOT NULL,
  PRIMARY KEY (item, effective_at, movement, line)
) CLUSTERED;
CREATE INDEX cost_event_by_movement ON cost_event (movement);
CREATE TABLE valuation (
  item TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  step_movement UUID NOT NULL,
  step_line SMALLINT NOT NULL,
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  area TEXT NOT NULL,
  round BIGINT NOT NULL,
  kind TEXT NOT NULL,
  outside TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  booked_at BIGINT NOT NULL,
  caused_by UUID NOT NULL,
  PRIMARY KEY (item, effective_at, step_movement, step_line, movement, line, area, round)
) CLUSTERED;
CREATE INDEX valuation_by_movement ON valuation (movement);
CREATE INDEX valuation_by_booking ON valuation (booked_at);
CREATE TABLE layer (
  item TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  step_movement UUID NOT NULL,
  step_line SMALLINT NOT NULL,
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  area TEXT NOT NULL,
  round BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  booked_at BIGINT NOT NULL,
  PRIMARY KEY (item, effective_at, step_movement, step_line, movement, line, area, round)
) CLUSTERED;
CREATE TABLE layer_use (
  item TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  step_movement UUID NOT NULL,
  step_line SMALLINT NOT NULL,
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  area TEXT NOT NULL,
  layer_movement UUID NOT NULL,
  layer_line SMALLINT NOT NULL,
  round BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  booked_at BIGINT NOT NULL,
  PRIMARY KEY (item, effective_at, step_movement, step_line, movement, line, area, layer_movement, layer_line, round)
) CLUSTERED;
CREATE TABLE valuation_total (
  item TEXT NOT NULL,
  area TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (item, area)
) CLUSTERED;
CREATE TABLE valuation_head (item TEXT PRIMARY KEY, state TEXT NOT NULL) CLUSTERED;
CREATE TABLE valuation_snapshot (
  item TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  movement UUID NOT NULL,
  line SMALLINT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (item, effective_at, movement, line)
);
CREATE TABLE method_change (
  id UUID PRIMARY KEY,
  item TEXT NOT NULL,
  method TEXT NOT NULL,
  effective_at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor TEXT NOT NULL
);
CREATE INDEX method_change_by_item ON method_change (item, effective_at);
CREATE TABLE cost_statement (
  id UUID NOT NULL,
  line SMALLINT NOT NULL,
  movement UUID NOT NULL,
  movement_line SMALLINT NOT NULL,
  value BIGINT NOT NULL,
  reference TEXT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY (id, line)
);
CREATE INDEX cost_statement_by_movement ON cost_statement (movement, movement_line);
CREATE TABLE valuation_stuck (item TEXT PRIMARY KEY, since BIGINT NOT NULL, reason TEXT NOT NULL);

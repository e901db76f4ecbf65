CREATE INDEX location_by_site ON location (site, code);
CREATE INDEX level_by_location ON level (location, item);
CREATE INDEX edge_by_site ON edge (site, id);
CREATE INDEX sensor_by_edge ON sensor (edge, quantity);
DROP INDEX pass_by_door;
CREATE INDEX pass_by_door ON pass (door, opened_at, id);
DROP INDEX alarm_by_state;
CREATE INDEX alarm_by_rank ON alarm (
  (CASE state WHEN 2 THEN 0 WHEN 4 THEN 1 WHEN 3 THEN 2 WHEN 1 THEN 4 ELSE 3 END), priority, raised_at DESC, id
);
CREATE INDEX alarm_by_edge ON alarm (
  edge, (CASE state WHEN 2 THEN 0 WHEN 4 THEN 1 WHEN 3 THEN 2 WHEN 1 THEN 4 ELSE 3 END), priority, raised_at DESC, id
);
DROP INDEX proposal_by_state;
CREATE INDEX proposal_by_state ON proposal (state, created_at DESC, item, site);
CREATE INDEX proposal_by_time ON proposal (created_at DESC, item, site);
CREATE INDEX proposal_by_site ON proposal (site, state, created_at DESC, item);
CREATE INDEX proposal_by_site_and_time ON proposal (site, created_at DESC, item);

CREATE TABLE item (
  id TEXT PRIMARY KEY, gtin TEXT NOT NULL, name_en TEXT NOT NULL, name_zh TEXT NOT NULL, unit TEXT NOT NULL,
  category TEXT NOT NULL, cost BIGINT NOT NULL
);
CREATE INDEX item_by_gtin ON item (gtin);
CREATE TABLE location (
  code TEXT PRIMARY KEY, site TEXT NOT NULL, parent TEXT NOT NULL, kind TEXT NOT NULL, name_en TEXT NOT NULL,
  name_zh TEXT NOT NULL, x BIGINT NOT NULL, y BIGINT NOT NULL, w BIGINT NOT NULL, h BIGINT NOT NULL
);
CREATE TABLE supplier (id TEXT PRIMARY KEY, name_en TEXT NOT NULL, name_zh TEXT NOT NULL);
CREATE TABLE source (
  item TEXT NOT NULL, supplier TEXT NOT NULL, lead_time DOUBLE NOT NULL, lead_time_sd DOUBLE NOT NULL, moq BIGINT NOT NULL,
  pack_multiple BIGINT NOT NULL, price BIGINT NOT NULL, PRIMARY KEY (item, supplier)
);
CREATE TABLE level (
  item TEXT NOT NULL, location TEXT NOT NULL, min BIGINT NOT NULL, max BIGINT NOT NULL, PRIMARY KEY (item, location)
);
CREATE TABLE tag (tag BYTES PRIMARY KEY, item TEXT NOT NULL, lot TEXT NOT NULL, units BIGINT NOT NULL DEFAULT 1);
CREATE TABLE demand_history (
  item TEXT NOT NULL, site TEXT NOT NULL, day TEXT NOT NULL, quantity BIGINT NOT NULL, PRIMARY KEY (item, site, day)
);
CREATE TABLE pack (
  item TEXT NOT NULL, code TEXT NOT NULL, units BIGINT NOT NULL, gtin TEXT NOT NULL, name_en TEXT NOT NULL, name_zh TEXT NOT NULL,
  PRIMARY KEY (item, code)
);
CREATE INDEX pack_by_gtin ON pack (gtin);
CREATE TABLE lot (
  item TEXT NOT NULL, lot TEXT NOT NULL, made TEXT NOT NULL, expires TEXT NOT NULL, supplier TEXT NOT NULL, PRIMARY KEY (item, lot)
);

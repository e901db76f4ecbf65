DROP TABLE demand_history;
DROP TABLE tag;
DROP TABLE level;
DROP TABLE source;
DROP TABLE supplier;
DROP TABLE location;
DROP TABLE item;

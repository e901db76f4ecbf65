DROP TABLE flow_hour;
DROP TABLE tag_position;
DROP TABLE balance;
DROP TABLE chain;
DROP TABLE movement_key;
DROP VIEW entry;
DROP TABLE movement_line;
DROP TABLE movement;

DROP TABLE sample_spool_head;
DROP TABLE sample_spool;
DROP TABLE sample_hour;
DROP TABLE sample_quarter;
DROP TABLE sample_minute;
DROP TABLE sample;
DROP TABLE sensor;

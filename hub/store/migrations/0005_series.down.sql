DROP TABLE sample_hour;
DROP TABLE sample;
DROP TABLE sensor;

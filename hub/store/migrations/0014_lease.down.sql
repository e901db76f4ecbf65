DROP TABLE job;
DROP TABLE lease;
DROP TABLE replica;

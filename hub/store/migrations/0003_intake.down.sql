DROP TABLE quarantine;
DROP TABLE edge_stream;

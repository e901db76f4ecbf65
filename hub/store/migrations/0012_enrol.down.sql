DROP TABLE enrol_certificate;
DROP TABLE enrol_token;
DROP TABLE enrol_edge;

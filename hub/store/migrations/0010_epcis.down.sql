DROP TABLE location_gln;
DROP TABLE epc_name;
DROP TABLE epcis_query;
DROP TABLE epcis_capture;
DROP TABLE epcis_key;
DROP TABLE epcis_epc;
DROP TABLE epcis_event;

DROP TABLE event_head;
DROP TABLE event;
DROP TABLE meta;

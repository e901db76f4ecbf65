DROP TABLE contained;
DROP TABLE aggregation_child;
DROP TABLE aggregation;
DROP TABLE confidence_policy;
DROP TABLE period_close;
DROP TABLE reservation_hold;
DROP TABLE reservation;

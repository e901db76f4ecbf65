DROP TABLE purchase_order;
DROP TABLE proposal;
DROP TABLE plan_run;

DROP TABLE login_attempt;
DROP TABLE session;
DROP TABLE app_user;

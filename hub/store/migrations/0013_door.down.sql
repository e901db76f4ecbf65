DROP TABLE audit_head;
DROP TABLE audit;
DROP TABLE sealed;
DROP TABLE login_journey;
DROP TABLE api_token;
DROP TABLE recovery_code;
DROP TABLE factor;
DROP INDEX login_attempt_by_user;
DELETE FROM session;
ALTER TABLE session DROP COLUMN agent;
ALTER TABLE session DROP COLUMN address;
UPDATE app_user SET role = CASE
  WHEN disabled OR kind <> 'local' OR NOT EXISTS (SELECT 1 FROM app_grant g WHERE g.app_user = app_user.name AND g.site = '') THEN 0
  WHEN EXISTS (SELECT 1 FROM app_grant g WHERE g.app_user = app_user.name AND g.site = '' AND g.role = 'admin') THEN 4
  WHEN EXISTS (SELECT 1 FROM app_grant g WHERE g.app_user = app_user.name AND g.site = '' AND g.role = 'planner')
    AND EXISTS (SELECT 1 FROM app_grant g WHERE g.app_user = app_user.name AND g.site = '' AND g.role = 'operator') THEN 3
  WHEN EXISTS (SELECT 1 FROM app_grant g WHERE g.app_user = app_user.name AND g.site = '' AND g.role = 'operator') THEN 2
  WHEN EXISTS (SELECT 1 FROM app_grant g WHERE g.app_user = app_user.name AND g.site = '' AND g.role <> 'customer') THEN 1
  ELSE 0 END;
DROP TABLE app_grant;
DELETE FROM app_user WHERE role = 0;
DROP INDEX app_user_by_subject;
ALTER TABLE app_user DROP COLUMN disabled;
ALTER TABLE app_user DROP COLUMN made;
ALTER TABLE app_user DROP COLUMN subject;
ALTER TABLE app_user DROP COLUMN kind;

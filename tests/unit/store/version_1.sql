-- A store of version 1 as SQL, with something of everything that a later version must keep.
PRAGMA application_id = 1413698353;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE ack (
  event           INTEGER PRIMARY KEY,
  at              INTEGER NOT NULL,
  acknowledged_by TEXT NOT NULL
) STRICT;
CREATE TABLE attempt (
  delivery     INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  code         TEXT NOT NULL,
  detail       TEXT,
  server_reply TEXT,
  transcript   TEXT,
  PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempt" VALUES(110,1,1767600000000,'TCP_REFUSED',NULL,NULL,NULL);
CREATE TABLE counter (
  organization INTEGER NOT NULL,
  state        INTEGER NOT NULL,
  value        INTEGER NOT NULL,
  PRIMARY KEY (organization, state)
) STRICT, WITHOUT ROWID;
INSERT INTO "counter" VALUES(0,1,1);
INSERT INTO "counter" VALUES(0,2,1);
INSERT INTO "counter" VALUES(0,4,1);
INSERT INTO "counter" VALUES(1,2,1);
INSERT INTO "counter" VALUES(1,4,1);
INSERT INTO "counter" VALUES(3,1,1);
CREATE TABLE delivery (
  id            INTEGER PRIMARY KEY,
  event         INTEGER,
  organization  INTEGER NOT NULL,
  endpoint      INTEGER NOT NULL,
  state         INTEGER NOT NULL,
  severity      INTEGER NOT NULL,
  sensitive     INTEGER NOT NULL,
  created       INTEGER NOT NULL,
  due           INTEGER,
  lease_owner   INTEGER,
  lease_until   INTEGER,
  attempts      INTEGER NOT NULL,
  uncertain     INTEGER NOT NULL,
  recipient     TEXT NOT NULL,
  route         INTEGER NOT NULL,
  template      INTEGER NOT NULL,
  language      INTEGER NOT NULL,
  message_id    TEXT NOT NULL,
  next_channels TEXT,
  give_up_at    INTEGER,
  tried_at      INTEGER,
  code          TEXT,
  detail        TEXT,
  server_reply  TEXT,
  transcript    TEXT,
  parent        INTEGER,
  superseded_by INTEGER
) STRICT;
INSERT INTO "delivery" VALUES(110,11,1,1,4,2,0,1767600000000,NULL,NULL,NULL,2,0,'ops@example.org',4,5,6,'110@mail.example.org',NULL,NULL,1767600060000,'OK',NULL,'250 Ok',NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(111,11,1,1,2,2,0,1767600000000,1767600090000,NULL,NULL,1,0,'a@example.org',4,5,6,'111@mail.example.org',NULL,NULL,1767600000000,'TCP_REFUSED',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(120,12,3,1,1,3,0,1767600000000,NULL,3,1767603600000,0,0,'ops@example.org',4,5,6,'120@mail.example.org',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE endpoint (
  id           INTEGER PRIMARY KEY,
  channel      INTEGER NOT NULL,
  organization INTEGER NOT NULL,
  UNIQUE (channel, organization)
) STRICT;
INSERT INTO "endpoint" VALUES(1,2,3);
CREATE TABLE event (
  id               INTEGER PRIMARY KEY,
  organization     INTEGER NOT NULL,
  source           TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  type             TEXT NOT NULL,
  severity         INTEGER NOT NULL,
  accepted         INTEGER NOT NULL,
  expires          INTEGER,
  remembered_until INTEGER NOT NULL,
  sensitive        INTEGER NOT NULL,
  key_id           BLOB,
  erased_at        INTEGER,
  payload          BLOB
) STRICT;
INSERT INTO "event" VALUES(11,1,'/license','42','tocsin.license.expiring',2,1767600000000,NULL,1768204800000,0,NULL,NULL,X'0104027B7D');
INSERT INTO "event" VALUES(12,3,'/jobs','7','tocsin.job.faulted',3,1767600000000,NULL,1768204800000,0,NULL,NULL,X'0104027B7D');
CREATE TABLE memory (
  source TEXT NOT NULL,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "memory" VALUES('license','seen','yes');
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('last_identifier','9');
INSERT INTO "meta" VALUES('message_host','mail.example.org');
INSERT INTO "meta" VALUES('owner','3');
CREATE TABLE name (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "name" VALUES(1,'acme');
INSERT INTO "name" VALUES(2,'email');
INSERT INTO "name" VALUES(3,'');
INSERT INTO "name" VALUES(4,'operators');
INSERT INTO "name" VALUES(5,'default');
INSERT INTO "name" VALUES(6,'en');
CREATE TABLE pause (
  endpoint           INTEGER PRIMARY KEY,
  code               TEXT NOT NULL,
  detail             TEXT NOT NULL,
  since              INTEGER NOT NULL,
  probe_at           INTEGER NOT NULL,
  probes             INTEGER NOT NULL,
  server_fingerprint INTEGER NOT NULL
) STRICT;
INSERT INTO "pause" VALUES(1,'AUTH_REJECTED','535',1767600000000,1767600300000,0,77);
CREATE TABLE quota (
  endpoint INTEGER NOT NULL,
  starts   INTEGER NOT NULL,
  used     INTEGER NOT NULL,
  PRIMARY KEY (endpoint, starts)
) STRICT, WITHOUT ROWID;
CREATE TABLE secret (
  organization INTEGER NOT NULL,
  name         TEXT NOT NULL,
  key_id       BLOB NOT NULL,
  sealed       BLOB NOT NULL,
  changed_at   INTEGER NOT NULL,
  changed_by   TEXT NOT NULL,
  PRIMARY KEY (organization, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE setting (
  organization INTEGER NOT NULL,
  key          TEXT NOT NULL,
  value        TEXT NOT NULL,
  changed_at   INTEGER NOT NULL,
  changed_by   TEXT NOT NULL,
  PRIMARY KEY (organization, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE silence (
  id           INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  matcher      TEXT NOT NULL,
  starts       INTEGER NOT NULL,
  ends         INTEGER NOT NULL,
  recurrence   TEXT,
  comment      TEXT NOT NULL,
  created_by   TEXT NOT NULL
) STRICT;
CREATE TABLE token (
  name         TEXT PRIMARY KEY,
  hash         BLOB NOT NULL UNIQUE,
  scope        TEXT NOT NULL,
  organization INTEGER,
  types        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_key ON event (external_id, source, organization);
CREATE INDEX delivery_due ON delivery (endpoint, severity, due) WHERE due IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_by_event ON delivery (event);
CREATE INDEX delivery_by_organization ON delivery (organization);
CREATE INDEX delivery_by_state ON delivery (state) WHERE state NOT IN (1, 4);
CREATE INDEX delivery_by_parent ON delivery (parent) WHERE parent IS NOT NULL;
CREATE INDEX silence_by_end ON silence (ends);
COMMIT;

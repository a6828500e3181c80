// The store's tables and the steps that bring an older store up to them.
#include "core/store/schema.hpp"

#include <array>
#include <string>

namespace tocsin::sqlite {
namespace {

// A step is never changed once it was released: add another one below it.
constexpr const char* first_schema = R"sql(
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE name (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE endpoint (
  id           INTEGER PRIMARY KEY,
  channel      INTEGER NOT NULL,
  organization INTEGER NOT NULL,
  UNIQUE (channel, organization)
) STRICT;

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
CREATE INDEX event_by_key ON event (external_id, source, organization);

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
CREATE INDEX delivery_due ON delivery (endpoint, severity, due) WHERE due IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_by_event ON delivery (event);
CREATE INDEX delivery_by_organization ON delivery (organization);
CREATE INDEX delivery_by_state ON delivery (state) WHERE state NOT IN (1, 4);
CREATE INDEX delivery_by_parent ON delivery (parent) WHERE parent IS NOT NULL;

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

CREATE TABLE counter (
  organization INTEGER NOT NULL,
  state        INTEGER NOT NULL,
  value        INTEGER NOT NULL,
  PRIMARY KEY (organization, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
  endpoint           INTEGER PRIMARY KEY,
  code               TEXT NOT NULL,
  detail             TEXT NOT NULL,
  since              INTEGER NOT NULL,
  probe_at           INTEGER NOT NULL,
  probes             INTEGER NOT NULL,
  server_fingerprint INTEGER NOT NULL
) STRICT;

CREATE TABLE quota (
  endpoint INTEGER NOT NULL,
  starts   INTEGER NOT NULL,
  used     INTEGER NOT NULL,
  PRIMARY KEY (endpoint, starts)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
  source TEXT NOT NULL,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
  organization INTEGER NOT NULL,
  key          TEXT NOT NULL,
  value        TEXT NOT NULL,
  changed_at   INTEGER NOT NULL,
  changed_by   TEXT NOT NULL,
  PRIMARY KEY (organization, key)
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

CREATE TABLE token (
  name         TEXT PRIMARY KEY,
  hash         BLOB NOT NULL UNIQUE,
  scope        TEXT NOT NULL,
  organization INTEGER,
  types        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  revoked_at   INTEGER
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
CREATE INDEX silence_by_end ON silence (ends);

CREATE TABLE ack (
  event           INTEGER PRIMARY KEY,
  at              INTEGER NOT NULL,
  acknowledged_by TEXT NOT NULL
) STRICT;
)sql";

// Who waits where, so that organizations take turns. Listings by recipient and by source, and how often an event came
// again. An index over the source's hash is small whatever sources are called; what it finds is compared with the
// source itself.
constexpr const char* second_schema = R"sql(
CREATE TABLE waiting (
  endpoint     INTEGER NOT NULL,
  organization INTEGER NOT NULL,
  first_due    INTEGER NOT NULL,
  turn         INTEGER,
  PRIMARY KEY (endpoint, organization)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_by_due ON waiting (endpoint, first_due) WHERE turn IS NULL;
CREATE INDEX waiting_by_turn ON waiting (endpoint, turn) WHERE turn IS NOT NULL;
INSERT INTO waiting (endpoint, organization, first_due)
  SELECT endpoint, organization, min(due) FROM delivery WHERE due IS NOT NULL GROUP BY endpoint, organization;
DROP INDEX delivery_due;
ALTER TABLE delivery ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
DROP TABLE quota;
CREATE INDEX delivery_waiting ON delivery (endpoint, organization, severity, due) WHERE due IS NOT NULL;

CREATE TABLE duplicate (
  event INTEGER PRIMARY KEY,
  times INTEGER NOT NULL,
  last  INTEGER NOT NULL
) STRICT;

ALTER TABLE delivery ADD COLUMN source_hash INTEGER;
UPDATE delivery SET source_hash = (SELECT tocsin_hash(source) FROM event WHERE event.id = delivery.event);
CREATE INDEX delivery_by_recipient ON delivery (recipient);
CREATE INDEX delivery_by_source ON delivery (source_hash);
)sql";

constexpr std::array steps = {first_schema, second_schema};

}  // namespace

std::int64_t schema_version() { return static_cast<std::int64_t>(steps.size()); }

std::int64_t schema_version_of(connection& database) { return database.value_of("PRAGMA user_version"); }

void migrate(connection& database, std::int64_t version) {
  const auto from = static_cast<std::size_t>(schema_version_of(database));
  const auto end = static_cast<std::size_t>(version);
  if (from >= end) {
    return;
  }
  database.execute("BEGIN IMMEDIATE");
  try {
    for (std::size_t step = from; step < end; ++step) {
      database.execute(steps[step]);
    }
    database.execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
    database.execute(("PRAGMA user_version = " + std::to_string(version)).c_str());
    database.execute("COMMIT");
  } catch (const failure&) {
    if (database.in_transaction()) {
      database.execute("ROLLBACK");
    }
    throw;
  }
}

}  // namespace tocsin::sqlite

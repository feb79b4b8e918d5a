/** Written into the file: https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION = 0x74_61_6c_6f
/** Of the tables below: whoever changes them raises it. A file of a later one, or with other tables, is left alone. */
export const VERSION = 2

/** The text of an event lies apart from how far it got: what changes often is small. */
export const SCHEMA = `
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  state INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  urgency INTEGER NOT NULL,
  received REAL NOT NULL,
  trace_id TEXT NOT NULL,
  parent_span_id TEXT,
  -- 0: the sender asked not to record its trace.
  sampled INTEGER NOT NULL,
  repeats INTEGER NOT NULL DEFAULT 0,
  until REAL NOT NULL,
  length REAL NOT NULL,
  asked REAL,
  finished REAL
) STRICT;
CREATE INDEX turns ON entries (state, turn, urgency);
CREATE TABLE bodies (seq INTEGER PRIMARY KEY, raw TEXT NOT NULL) STRICT;
CREATE TABLE facts (
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (seq, kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE letters (
  place INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  notifier TEXT NOT NULL,
  report TEXT NOT NULL,
  UNIQUE (id, notifier)
) STRICT;
PRAGMA application_id = ${APPLICATION};
PRAGMA user_version = ${VERSION};
`

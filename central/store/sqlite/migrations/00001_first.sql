-- Times are Unix nanoseconds, 0 for none. Severities are ranks, so that "at least" is a comparison. NULL stands for an absent text.

-- +goose Up

-- A place is a device at a grid: what many alerts share, written once.
CREATE TABLE places (
  ref    INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  edge   TEXT NOT NULL,
  device TEXT NOT NULL,
  grid   TEXT NOT NULL,
  UNIQUE (source, grid)
) STRICT;
CREATE INDEX places_device ON places (edge, device);
CREATE INDEX places_grid ON places (grid);

-- The alert log. The position is the rowid: an index on anything is an index on (anything, position).
CREATE TABLE alerts (
  position       INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  case_ref       INTEGER,              -- NULL: a clear that found no case
  place          INTEGER NOT NULL,
  received_at    INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  object         TEXT,
  state          TEXT NOT NULL,
  situation      TEXT,                 -- of a cleared alert; a raised one is its own
  key            TEXT NOT NULL,
  severity       INTEGER NOT NULL,
  zone           TEXT,
  occurred_at    INTEGER NOT NULL,
  clock          TEXT NOT NULL,
  uncertainty_ms INTEGER NOT NULL,
  raised_at      INTEGER NOT NULL,
  score          REAL,
  count_bucket   TEXT,
  quantity       TEXT,
  value          REAL,
  unit           TEXT,
  origin         TEXT NOT NULL,
  exercise       INTEGER NOT NULL
) STRICT;
CREATE INDEX alerts_case ON alerts (case_ref);
CREATE INDEX alerts_place ON alerts (place);

-- Situations that were cleared while their raise was still on its way.
CREATE TABLE ended (
  situation TEXT PRIMARY KEY,
  at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_at ON ended (at);

-- What the events of a case add up to.
CREATE TABLE cases (
  ref       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  key       TEXT NOT NULL,
  exercise  INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  class     TEXT NOT NULL,
  grid      TEXT NOT NULL,
  source    TEXT NOT NULL,
  zone      TEXT,
  previous  TEXT,
  opened_at INTEGER NOT NULL,
  state     TEXT NOT NULL,
  level     TEXT NOT NULL,
  severity  INTEGER NOT NULL,
  active    INTEGER NOT NULL,
  situation TEXT,
  alerts    INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  closed_by TEXT,
  reason    TEXT,
  position  INTEGER NOT NULL
) STRICT;
CREATE INDEX cases_key ON cases (key, exercise);
CREATE UNIQUE INDEX cases_one_open ON cases (key, exercise) WHERE state <> 'closed';
CREATE INDEX cases_state ON cases (state, position);

-- The case-event log. previous is the position of the event before it of the same case, 0 for the first: a history is read
-- along this chain from the position of its case, so that appending maintains no index.
CREATE TABLE case_events (
  position INTEGER PRIMARY KEY,
  case_ref INTEGER NOT NULL,
  previous INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  event    TEXT NOT NULL            -- JSON
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER case_events_stay BEFORE UPDATE ON case_events
BEGIN SELECT RAISE(ABORT, 'case events are only ever appended'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER case_events_remain BEFORE DELETE ON case_events
BEGIN SELECT RAISE(ABORT, 'case events are only ever appended'); END;
-- +goose StatementEnd

CREATE TABLE evidence (
  position    INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  source      TEXT NOT NULL,
  alert_id    TEXT NOT NULL,
  sha256      TEXT NOT NULL,
  media_type  TEXT NOT NULL,
  bytes       INTEGER NOT NULL,
  sealed      INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_alert ON evidence (alert_id);

CREATE TABLE edges (
  id          TEXT PRIMARY KEY,
  last_sync   INTEGER NOT NULL,
  skew_ms     INTEGER NOT NULL,
  report      TEXT NOT NULL,           -- JSON
  reported_at INTEGER NOT NULL
) STRICT;

-- Staff accounts. There is no other person.
CREATE TABLE users (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  role TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
  sha256  TEXT PRIMARY KEY,
  name    TEXT NOT NULL,
  edge    TEXT NOT NULL,
  scopes  TEXT NOT NULL,               -- separated by spaces
  expires INTEGER NOT NULL
) STRICT;

-- Less to write for each alert: ids are 16 bytes, what no list filters by is one JSON text, what changes of a case is a narrow row
-- of its own, and no index of the alert log but the one on ids is kept up with each alert: the alerts of a case are a chain, those
-- of a place are noted segment by segment.

-- +goose Up

CREATE TABLE alert_log (
  position    INTEGER PRIMARY KEY,
  id          BLOB NOT NULL UNIQUE,  -- the 16 bytes of the UUID
  case_ref    INTEGER,               -- NULL: a clear that found no case
  earlier     INTEGER NOT NULL,      -- position of the alert before it of the same case, 0 for the first
  place       INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL,
  severity    INTEGER NOT NULL,
  rest        TEXT NOT NULL          -- JSON: the type rest
) STRICT;

INSERT INTO alert_log
SELECT a.position, unhex(replace(a.id, '-', '')), a.case_ref,
  coalesce((SELECT max(b.position) FROM alerts b WHERE b.case_ref = a.case_ref AND b.position < a.position), 0),
  a.place, a.received_at, a.kind, a.state, a.severity,
  json_object('key', a.key, 'object', a.object, 'situation', a.situation, 'zone', a.zone, 'occurred', a.occurred_at,
    'clock', a.clock, 'uncertaintyMs', a.uncertainty_ms, 'raised', a.raised_at, 'score', a.score, 'countBucket', a.count_bucket,
    'quantity', a.quantity, 'value', a.value, 'unit', a.unit, 'origin', a.origin, 'exercise', a.exercise)
FROM alerts a ORDER BY a.position;

-- What changes of a case. line is the row of the first case of the same key and exercise flag, by which "one open case" is held;
-- last_alert is where the chain of its alerts begins.
CREATE TABLE case_states (
  ref        INTEGER PRIMARY KEY,
  line       INTEGER NOT NULL,
  state      INTEGER NOT NULL,       -- 0 open, 1 acknowledged, 2 closed
  level      TEXT NOT NULL,
  severity   INTEGER NOT NULL,
  active     INTEGER NOT NULL,
  situation  TEXT,
  alerts     INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  closed_at  INTEGER NOT NULL,
  closed_by  TEXT,
  reason     TEXT,
  hold       TEXT,
  position   INTEGER NOT NULL,
  last_alert INTEGER NOT NULL
) STRICT;

INSERT INTO case_states
SELECT c.ref, (SELECT min(f.ref) FROM cases f WHERE f.key = c.key AND f.exercise = c.exercise), CASE c.state WHEN 'open' THEN 0 WHEN 'acknowledged' THEN 1 ELSE 2 END, c.level, c.severity, c.active,
  c.situation, c.alerts, c.last_at, c.closed_at, c.closed_by, c.reason, c.hold, c.position,
  coalesce((SELECT max(position) FROM alerts a WHERE a.case_ref = c.ref), 0)
FROM cases c ORDER BY c.ref;
CREATE UNIQUE INDEX case_states_one_open ON case_states (line) WHERE state < 2;
CREATE INDEX case_states_state ON case_states (state, position);

-- What a case is about; it does not change.
CREATE TABLE case_openings (
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
  opened_at INTEGER NOT NULL
) STRICT;
INSERT INTO case_openings SELECT ref, id, key, exercise, kind, class, grid, source, zone, previous, opened_at FROM cases ORDER BY ref;

DROP TABLE alerts;
DROP TABLE cases;
ALTER TABLE alert_log RENAME TO alerts;
ALTER TABLE case_openings RENAME TO cases;
CREATE INDEX cases_key ON cases (key, exercise);

-- The alerts of a place: positions are cut into segments of 16,384; once one is full, each place has a row with the offsets of its
-- alerts in it, 2 bytes each, big-endian, ascending. What is behind the last full segment is read from the log.
CREATE TABLE place_segments (
  segment INTEGER NOT NULL,
  place   INTEGER NOT NULL,
  offsets BLOB NOT NULL,
  PRIMARY KEY (segment, place)
) STRICT, WITHOUT ROWID;

-- Cases that are being deleted: next is the newest position of what is left of the history, alert that of the chain of alerts.
ALTER TABLE pruning ADD COLUMN alert INTEGER NOT NULL DEFAULT 0;

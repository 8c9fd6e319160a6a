-- The loop of a case, lists by all that a case can be asked by, in the order of their opening, and jobs that follow the events.
-- No index has anything that a mere join changes: the indexes of what lists filter by are touched when a case opens or takes a step.

-- +goose Up

DROP INDEX case_states_state;
ALTER TABLE case_states ADD COLUMN step TEXT;
ALTER TABLE case_states ADD COLUMN unit TEXT;
ALTER TABLE case_states ADD COLUMN assignee TEXT;
ALTER TABLE case_states ADD COLUMN parent TEXT;
ALTER TABLE case_states ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;  -- of a case that is not closed
ALTER TABLE case_states ADD COLUMN next_at INTEGER NOT NULL DEFAULT 0; -- of a case that is not closed
ALTER TABLE cases ADD COLUMN origin TEXT;
ALTER TABLE cases ADD COLUMN place TEXT; -- JSON: cases.LonLat

-- Where a case stands in its loop, written only when that changes. A case that did nothing but gather alerts has no row.
CREATE TABLE case_work (
  ref  INTEGER PRIMARY KEY,
  work TEXT NOT NULL -- JSON: cases.Work
) STRICT;

-- Whoever acknowledged a case has it in hand.
INSERT INTO case_work
SELECT case_ref, json_object('assignee', actor) FROM (
  SELECT case_ref, max(position), json_extract(event, '$.actor') AS actor FROM case_events
  WHERE event LIKE '%"acknowledged"%' AND json_extract(event, '$.type') = 'acknowledged' GROUP BY case_ref
) WHERE actor <> '' AND case_ref IN (SELECT ref FROM case_states);
UPDATE case_states SET assignee = (SELECT json_extract(work, '$.assignee') FROM case_work w WHERE w.ref = case_states.ref)
WHERE ref IN (SELECT ref FROM case_work);

CREATE INDEX case_states_state ON case_states (state);
CREATE INDEX case_states_closed ON case_states (closed_at) WHERE state = 2 AND hold IS NULL; -- for retention
CREATE INDEX case_states_severity ON case_states (severity);
CREATE INDEX case_states_level ON case_states (level);
CREATE INDEX case_states_step ON case_states (step) WHERE step IS NOT NULL;
CREATE INDEX case_states_unit ON case_states (unit, state) WHERE unit IS NOT NULL;
CREATE INDEX case_states_assignee ON case_states (assignee, state) WHERE assignee IS NOT NULL;
CREATE INDEX case_states_parent ON case_states (parent) WHERE parent IS NOT NULL;
CREATE INDEX case_states_due ON case_states (due_at) WHERE due_at > 0;
CREATE INDEX case_states_next ON case_states (next_at) WHERE next_at > 0;

CREATE INDEX cases_kind ON cases (kind);
CREATE INDEX cases_class2 ON cases (substr(class, 1, 2));
CREATE INDEX cases_class4 ON cases (substr(class, 1, 4));
CREATE INDEX cases_grid9 ON cases (substr(grid, 1, 9));
CREATE INDEX cases_grid12 ON cases (substr(grid, 1, 12));
CREATE INDEX cases_grid15 ON cases (substr(grid, 1, 15));
CREATE INDEX cases_exercise ON cases (exercise); -- whole: of a partial one SQLite would plan each query anew that binds the flag

-- How far each job has followed the case-event log.
CREATE TABLE job_cursors (
  job      TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What jobs counted: by source, and the same added up over all sources, by day and by month.
CREATE TABLE counts (
  measure  TEXT NOT NULL,
  exercise INTEGER NOT NULL,
  period   TEXT NOT NULL, -- 2006-01-02, or M2006-01 for a whole month; A before either for all grids together
  grid     TEXT NOT NULL,
  unit     TEXT NOT NULL,
  class    TEXT NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (measure, exercise, period, grid, unit, class)
) STRICT, WITHOUT ROWID;
CREATE TABLE source_counts (
  measure  TEXT NOT NULL,
  exercise INTEGER NOT NULL,
  period   TEXT NOT NULL,
  source   TEXT NOT NULL,
  grid     TEXT NOT NULL,
  unit     TEXT NOT NULL,
  class    TEXT NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (measure, exercise, period, source, grid, unit, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
  ref      INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  case_id  TEXT NOT NULL,
  position INTEGER NOT NULL,
  channel  TEXT NOT NULL,
  whom     TEXT NOT NULL,
  template TEXT NOT NULL,
  urgent   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  state    TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  trouble  TEXT NOT NULL,
  done     INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_waiting ON notices (at) WHERE state = 'waiting';
CREATE INDEX notices_case ON notices (case_id);
CREATE INDEX notices_done ON notices (done) WHERE state <> 'waiting';

-- +goose Up

-- What is done here once reads whole tables, which the program never does.
SET LOCAL enable_seqscan = on;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

-- An alert knows its case (0: it is a clear that found none) and the alert before it of the same case (0: none), so that the alerts of
-- a case are a chain from heads.tail, its newest, and no index is kept up with each alert for it. Alerts are written in the section from
-- now on: their positions become visible in their order.
ALTER TABLE alerts ADD COLUMN case_ref bigint NOT NULL DEFAULT 0, ADD COLUMN earlier bigint NOT NULL DEFAULT 0;
UPDATE alerts a SET case_ref = m.case_ref, earlier = m.earlier FROM (
  SELECT position, case_ref, lag(position, 1, 0::bigint) OVER (PARTITION BY case_ref ORDER BY position) AS earlier FROM members WHERE case_ref <> 0
) m WHERE m.position = a.position;
ALTER TABLE alerts ALTER COLUMN case_ref DROP DEFAULT, ALTER COLUMN earlier DROP DEFAULT;
CREATE INDEX alerts_stray ON alerts (position) WHERE case_ref = 0;

ALTER TABLE heads ADD COLUMN tail bigint NOT NULL DEFAULT 0;
UPDATE heads h SET tail = m.tail FROM (SELECT case_ref, max(position) AS tail FROM members GROUP BY case_ref) m WHERE m.case_ref = h.ref;
ALTER TABLE heads ALTER COLUMN tail DROP DEFAULT;

-- alert is the newest alert of the case that is still there, 0 for none.
ALTER TABLE pruning ADD COLUMN alert bigint NOT NULL DEFAULT 0;
UPDATE pruning p SET alert = m.tail FROM (SELECT case_ref, max(position) AS tail FROM members GROUP BY case_ref) m WHERE m.case_ref = p.case_ref;
ALTER TABLE pruning ALTER COLUMN alert DROP DEFAULT;
DROP TABLE members;

-- A join changes active, situation, alerts, last_at, position and tail of heads. No index has one of them: the new version of a row goes
-- into the same page and into no index (HOT).
DROP INDEX heads_state;
CREATE INDEX heads_state ON heads (state, ref);
CREATE INDEX heads_ended ON heads (closed_at) WHERE state = 'closed' AND hold = '';
CREATE INDEX heads_severity ON heads (severity, ref);
CREATE INDEX heads_level ON heads (level, ref);

-- The loop of a case. work is JSON of cases.Work, '' for a case that did nothing but gather alerts; due_at and next_at are those of a case
-- that is not closed, 0 for none.
ALTER TABLE heads
  ADD COLUMN step     text NOT NULL DEFAULT '',
  ADD COLUMN unit     text NOT NULL DEFAULT '',
  ADD COLUMN assignee text NOT NULL DEFAULT '',
  ADD COLUMN parent   text NOT NULL DEFAULT '',
  ADD COLUMN due_at   bigint NOT NULL DEFAULT 0,
  ADD COLUMN next_at  bigint NOT NULL DEFAULT 0,
  ADD COLUMN work     text NOT NULL DEFAULT '';
-- Whoever acknowledged a case has it in hand.
UPDATE heads h SET assignee = e.actor, work = json_build_object('assignee', e.actor)::text FROM (
  SELECT DISTINCT ON (case_ref) case_ref, event::json ->> 'actor' AS actor FROM case_events
  WHERE event LIKE '%"type":"acknowledged"%' ORDER BY case_ref, position DESC
) e WHERE e.case_ref = h.ref AND e.actor <> '';
CREATE INDEX heads_step ON heads (step, ref) WHERE step <> '';
CREATE INDEX heads_unit ON heads (unit, state, ref) WHERE unit <> '';
CREATE INDEX heads_assignee ON heads (assignee, state, ref) WHERE assignee <> '';
CREATE INDEX heads_parent ON heads (parent, ref) WHERE parent <> '';
CREATE INDEX heads_next ON heads (next_at) WHERE next_at > 0;

-- origin: who opened a case that no alert opened. place is JSON of cases.LonLat, '' for none.
ALTER TABLE cases ADD COLUMN origin text NOT NULL DEFAULT '', ADD COLUMN place text NOT NULL DEFAULT '';
CREATE INDEX cases_kind ON cases (kind, ref);
CREATE INDEX cases_class2 ON cases (left(class, 2), ref);
CREATE INDEX cases_class4 ON cases (left(class, 4), ref);
CREATE INDEX cases_grid9 ON cases (left(grid, 9), ref);
CREATE INDEX cases_grid12 ON cases (left(grid, 12), ref);
CREATE INDEX cases_grid15 ON cases (left(grid, 15), ref);
CREATE INDEX cases_exercise ON cases (ref) WHERE exercise;
CREATE INDEX cases_origin ON cases (origin, ref) WHERE origin <> '';

-- How far each job has followed the case-event log.
CREATE TABLE job_cursors (
  job      text COLLATE "C" PRIMARY KEY,
  position bigint NOT NULL
);

-- What jobs counted: by source, and the same added up over all sources, by day (2006-01-02) and by month (M2006-01: apart from days).
CREATE TABLE counts (
  measure  text COLLATE "C" NOT NULL,
  exercise boolean NOT NULL,
  period   text COLLATE "C" NOT NULL,
  grid     text COLLATE "C" NOT NULL,
  unit     text COLLATE "C" NOT NULL,
  class    text COLLATE "C" NOT NULL,
  n        bigint NOT NULL,
  PRIMARY KEY (measure, exercise, period, grid, unit, class)
);
CREATE TABLE source_counts (
  measure  text COLLATE "C" NOT NULL,
  exercise boolean NOT NULL,
  period   text COLLATE "C" NOT NULL,
  source   text COLLATE "C" NOT NULL,
  grid     text COLLATE "C" NOT NULL,
  unit     text COLLATE "C" NOT NULL,
  class    text COLLATE "C" NOT NULL,
  n        bigint NOT NULL,
  PRIMARY KEY (measure, exercise, period, source, grid, unit, class)
);

CREATE TABLE notices (
  ref      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id       text COLLATE "C" NOT NULL UNIQUE,
  case_id  text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  channel  text NOT NULL,
  whom     text NOT NULL,
  template text NOT NULL,
  urgent   boolean NOT NULL,
  at       bigint NOT NULL,
  state    text NOT NULL,
  attempts bigint NOT NULL,
  trouble  text NOT NULL,
  done     bigint NOT NULL
);
CREATE INDEX notices_waiting ON notices (at, ref) WHERE state = 'waiting';
CREATE INDEX notices_case ON notices (case_id, ref);
CREATE INDEX notices_done ON notices (done) WHERE state <> 'waiting';

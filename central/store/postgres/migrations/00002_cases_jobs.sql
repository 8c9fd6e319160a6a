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

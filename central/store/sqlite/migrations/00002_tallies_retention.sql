-- Sequence numbers of edges, holds, and what retention needs to work in slices.

-- +goose Up

-- What came, what was shed and what is missing, see store.Tally. The runs are texts like "1-5,7".
CREATE TABLE tallies (
  edge    TEXT NOT NULL,
  lane    TEXT NOT NULL,
  epoch   TEXT NOT NULL,
  lowest  INTEGER NOT NULL,
  above   TEXT NOT NULL,
  missing TEXT NOT NULL,
  lost    INTEGER NOT NULL,
  came    INTEGER NOT NULL,
  shed    INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (edge, lane, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX tallies_gap ON tallies (at) WHERE missing <> '' OR lost > 0;

ALTER TABLE cases ADD COLUMN hold TEXT; -- the reason, NULL: not held

-- Cases that are being deleted: the case is gone, its alerts and its history go slice by slice. next is the newest position
-- of its history that is still there, 0 for none.
CREATE TABLE pruning (
  case_ref INTEGER PRIMARY KEY,
  next     INTEGER NOT NULL
) STRICT;

-- Objects whose last evidence row was deleted.
CREATE TABLE orphans (
  sha256 TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE INDEX evidence_object ON evidence (sha256);

DROP TRIGGER case_events_remain;
-- +goose StatementBegin
CREATE TRIGGER case_events_remain BEFORE DELETE ON case_events WHEN NOT EXISTS (SELECT 1 FROM pruning WHERE case_ref = OLD.case_ref)
BEGIN SELECT RAISE(ABORT, 'case events are only ever appended; they go with their whole case'); END;
-- +goose StatementEnd

-- What a staff account and a token may see, sessions that outlive the process, and the audit log.

-- +goose Up

ALTER TABLE users ADD COLUMN grids TEXT NOT NULL DEFAULT '';      -- prefixes, separated by spaces; '': all
ALTER TABLE users ADD COLUMN unit TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject <> '';

ALTER TABLE tokens ADD COLUMN grids TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN at INTEGER NOT NULL DEFAULT 0;

CREATE TABLE sessions (
  sha256  TEXT PRIMARY KEY,
  user    TEXT NOT NULL,
  stamp   TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user, expires);
CREATE INDEX sessions_expires ON sessions (expires);

-- The audit log. The entry is one JSON text, which holds all; position and at stand beside it for order and time.
CREATE TABLE audit (
  position INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  entry    TEXT NOT NULL
) STRICT;
CREATE INDEX audit_actor ON audit (json_extract(entry, '$.actor'), position);
CREATE INDEX audit_action ON audit (json_extract(entry, '$.action'), position);

-- One row: the last entry that was pruned and the newest one, 0 for none.
CREATE TABLE audit_ends (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  pruned      INTEGER NOT NULL,
  pruned_hash TEXT NOT NULL,
  head        INTEGER NOT NULL,
  head_hash   TEXT NOT NULL
) STRICT;
INSERT INTO audit_ends VALUES (1, 0, '', 0, '');

-- +goose StatementBegin
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_remains BEFORE DELETE ON audit WHEN OLD.position > (SELECT pruned FROM audit_ends)
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended; its oldest part goes once its last hash is kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_follows BEFORE INSERT ON audit WHEN NEW.position <> (SELECT head + 1 FROM audit_ends)
BEGIN SELECT RAISE(ABORT, 'an entry of the audit log follows the newest one'); END;
-- +goose StatementEnd

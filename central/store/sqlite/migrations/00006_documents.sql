-- What a centre sets up: grids, units, event classes, calendars, workflows, rules. Every version stays; documents says which is the
-- newest of each. The revision grows with every put.

-- +goose Up

CREATE TABLE documents (
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  version INTEGER NOT NULL,
  gone    INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE document_versions (
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  version INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  gone    INTEGER NOT NULL,
  body    TEXT NOT NULL,          -- JSON; '' for one that is gone
  PRIMARY KEY (kind, id, version)
) STRICT;

CREATE TABLE documents_revision (n INTEGER NOT NULL) STRICT;
INSERT INTO documents_revision VALUES (0);

-- +goose StatementBegin
CREATE TRIGGER document_versions_stay BEFORE UPDATE ON document_versions
BEGIN
  SELECT RAISE(ABORT, 'versions of documents are only ever appended');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER document_versions_remain BEFORE DELETE ON document_versions
BEGIN
  SELECT RAISE(ABORT, 'versions of documents are only ever appended');
END;
-- +goose StatementEnd

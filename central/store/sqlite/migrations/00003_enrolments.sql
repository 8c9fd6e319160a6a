-- +goose Up

-- The edges that were added, and the one-time code that is open for each.
CREATE TABLE enrolments (
  edge         TEXT PRIMARY KEY,
  added        INTEGER NOT NULL,
  code         TEXT,                   -- SHA-256; NULL: none is open
  code_expires INTEGER NOT NULL,
  revoked      INTEGER NOT NULL
) STRICT;

-- Bearer tokens of edges; a few rows for each.
CREATE TABLE credentials (
  sha256  TEXT PRIMARY KEY,
  edge    TEXT NOT NULL,
  issued  INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  used    INTEGER NOT NULL             -- for the first time
) STRICT;
CREATE INDEX credentials_edge ON credentials (edge);

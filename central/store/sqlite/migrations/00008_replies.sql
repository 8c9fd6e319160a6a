-- What requests with an idempotency key were answered.

-- +goose Up

CREATE TABLE replies (
  principal TEXT NOT NULL,
  key       TEXT NOT NULL,
  hash      TEXT NOT NULL,
  at        INTEGER NOT NULL,
  status    INTEGER NOT NULL,   -- 0: still at work
  etag      TEXT NOT NULL,
  type      TEXT NOT NULL,
  body      BLOB NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX replies_of ON replies (principal, at);
CREATE INDEX replies_at ON replies (at);

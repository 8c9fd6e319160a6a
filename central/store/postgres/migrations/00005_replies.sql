-- What requests with an idempotency key were answered.

-- +goose Up

CREATE TABLE replies (
  principal text COLLATE "C" NOT NULL,
  key       text COLLATE "C" NOT NULL,
  hash      text NOT NULL,
  at        bigint NOT NULL,
  status    integer NOT NULL,   -- 0: still at work
  etag      text NOT NULL,
  type      text NOT NULL,
  body      bytea NOT NULL,
  PRIMARY KEY (principal, key)
);
CREATE INDEX replies_of ON replies (principal, at);
CREATE INDEX replies_at ON replies (at);

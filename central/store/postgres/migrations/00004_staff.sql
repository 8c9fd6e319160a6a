-- What a staff account and a token may see, sessions that outlive the process, and the audit log.

-- +goose Up

ALTER TABLE users
  ADD COLUMN grids text NOT NULL DEFAULT '',      -- prefixes, separated by spaces; '': all
  ADD COLUMN unit text NOT NULL DEFAULT '',
  ADD COLUMN disabled boolean NOT NULL DEFAULT false,
  ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN at bigint NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject <> '';

ALTER TABLE tokens
  ADD COLUMN grids text NOT NULL DEFAULT '',
  ADD COLUMN actor text NOT NULL DEFAULT '',
  ADD COLUMN at bigint NOT NULL DEFAULT 0;

CREATE TABLE sessions (
  sha256  text COLLATE "C" PRIMARY KEY,
  account text COLLATE "C" NOT NULL,
  stamp   text NOT NULL,
  expires bigint NOT NULL
);
CREATE INDEX sessions_account ON sessions (account, expires);
CREATE INDEX sessions_expires ON sessions (expires);

-- The audit log. The entry is one JSON text, which holds all; position and at stand beside it for order and time.
CREATE TABLE audit (
  position bigint PRIMARY KEY,
  at       bigint NOT NULL,
  entry    text NOT NULL
);
CREATE INDEX audit_actor ON audit (((entry::json) ->> 'actor') COLLATE "C", position);
CREATE INDEX audit_action ON audit (((entry::json) ->> 'action') COLLATE "C", position);

-- One row: the last entry that was pruned and the newest one, 0 for none. Whoever appends holds its lock until the commit.
CREATE TABLE audit_ends (
  only_one    integer PRIMARY KEY CHECK (only_one = 1),
  pruned      bigint NOT NULL,
  pruned_hash text NOT NULL,
  head        bigint NOT NULL,
  head_hash   text NOT NULL
);
INSERT INTO audit_ends VALUES (1, 0, '', 0, '');

-- +goose StatementBegin
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.position <= (SELECT pruned FROM audit_ends WHERE only_one = 1) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit log is only ever appended; its oldest part goes once its last hash is kept';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays();
-- +goose StatementBegin
CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever appended';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_is_kept BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();

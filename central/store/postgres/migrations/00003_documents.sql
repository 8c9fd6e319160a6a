-- What a centre sets up: grids, units, event classes, calendars, workflows, rules. Every version stays; documents says which is the
-- newest of each. The revision grows with every put; its row is locked by whoever puts, so that puts follow each other.

-- +goose Up

CREATE TABLE documents (
  kind    text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  gone    boolean NOT NULL,
  PRIMARY KEY (kind, id)
);

CREATE TABLE document_versions (
  kind    text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  at      bigint NOT NULL,
  actor   text NOT NULL,
  gone    boolean NOT NULL,
  body    text NOT NULL,               -- JSON; '' for one that is gone
  PRIMARY KEY (kind, id, version)
);

CREATE TABLE documents_revision (
  one boolean PRIMARY KEY CHECK (one),
  n   bigint NOT NULL
);
INSERT INTO documents_revision VALUES (true, 0);

-- +goose StatementBegin
CREATE FUNCTION refuse_document_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'versions of documents are only ever appended';
END $$;
-- +goose StatementEnd
CREATE TRIGGER document_versions_stay BEFORE UPDATE OR DELETE ON document_versions FOR EACH ROW EXECUTE FUNCTION refuse_document_change();
CREATE TRIGGER document_versions_remain BEFORE TRUNCATE ON document_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change();

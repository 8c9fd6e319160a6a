-- Handovers are kept as documents and let go after their time; what a centre sets up stays in all its versions.

-- +goose Up

DROP TRIGGER document_versions_remain;
-- +goose StatementBegin
CREATE TRIGGER document_versions_remain BEFORE DELETE ON document_versions WHEN OLD.kind <> 'handover'
BEGIN
  SELECT RAISE(ABORT, 'versions of documents are only ever appended');
END;
-- +goose StatementEnd

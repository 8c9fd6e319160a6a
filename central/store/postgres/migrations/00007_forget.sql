-- Handovers are kept as documents and let go after their time; what a centre sets up stays in all its versions.

-- +goose Up

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_document_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.kind = 'handover' THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'versions of documents are only ever appended';
END $$;
-- +goose StatementEnd

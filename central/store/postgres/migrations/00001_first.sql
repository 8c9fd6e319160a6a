-- Times are Unix nanoseconds, 0 for none. Severities are ranks, so that "at least" is a comparison. '' stands for an absent text.
-- Texts that are compared by prefix or listed in order are collated by byte ("C"), whatever the database's locale.

-- +goose Up

-- A place is a device at a grid: what many alerts share, written once.
CREATE TABLE places (
  ref    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  edge   text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  grid   text COLLATE "C" NOT NULL,
  UNIQUE (source, grid)
);
CREATE INDEX places_device ON places (edge, device);
CREATE INDEX places_grid ON places (grid);

-- The alert log. Rows are written before the section in which cases are decided, so positions of groups that came at the same
-- moment may become visible in another order than they have. What no list filters by is in body (JSON).
CREATE SEQUENCE alert_positions;
CREATE TABLE alerts (
  position    bigint PRIMARY KEY,
  id          uuid NOT NULL UNIQUE,
  place       bigint NOT NULL,
  received_at bigint NOT NULL,
  kind        text NOT NULL,
  state       text NOT NULL,
  severity    smallint NOT NULL,
  body        text NOT NULL
);
CREATE INDEX alerts_place ON alerts (place, position);

-- Which case an alert joined; case_ref 0: a clear that found none.
CREATE TABLE members (
  position bigint PRIMARY KEY,
  case_ref bigint NOT NULL
);
CREATE INDEX members_case ON members (case_ref, position);

-- Situations that were cleared while their raise was still on its way.
CREATE TABLE ended (
  situation text COLLATE "C" PRIMARY KEY,
  at        bigint NOT NULL
);
CREATE INDEX ended_at ON ended (at);

-- What a case is about; it does not change.
CREATE TABLE cases (
  ref       bigint PRIMARY KEY,
  id        uuid NOT NULL UNIQUE,
  key       text COLLATE "C" NOT NULL,
  exercise  boolean NOT NULL,
  kind      text NOT NULL,
  class     text NOT NULL,
  grid      text COLLATE "C" NOT NULL,
  source    text NOT NULL,
  zone      text NOT NULL,
  previous  text NOT NULL,
  opened_at bigint NOT NULL
);
CREATE INDEX cases_key ON cases (key, exercise, ref);

-- The cases that are not closed: one for each key and exercise flag.
CREATE TABLE open_cases (
  ref      bigint PRIMARY KEY,
  key      text COLLATE "C" NOT NULL,
  exercise boolean NOT NULL,
  UNIQUE (key, exercise)
);

-- How a case stands: what its events add up to. Apart from cases, since nearly each alert changes it and a new version of a row
-- has to enter each index of its table.
CREATE TABLE heads (
  ref       bigint PRIMARY KEY,
  state     text NOT NULL,
  level     text NOT NULL,
  severity  smallint NOT NULL,
  active    boolean NOT NULL,
  situation text NOT NULL,
  alerts    bigint NOT NULL,
  last_at   bigint NOT NULL,
  closed_at bigint NOT NULL,
  closed_by text NOT NULL,
  reason    text NOT NULL,
  hold      text NOT NULL,
  position  bigint NOT NULL
) WITH (fillfactor = 60);
CREATE INDEX heads_state ON heads (state, position);

-- The case-event log. previous is the position of the event before it of the same case, 0 for the first: a history is read
-- along this chain from the position of its case, so that appending maintains no further index.
CREATE TABLE case_events (
  position bigint PRIMARY KEY,
  case_ref bigint NOT NULL,
  previous bigint NOT NULL,
  at       bigint NOT NULL,
  event    text NOT NULL
);

-- Cases that are being deleted: the case is gone, its alerts and its history go slice by slice. next is the newest position
-- of its history that is still there, 0 for none. The sequence tells other processes to forget the cases that they remember.
CREATE TABLE pruning (
  case_ref bigint PRIMARY KEY,
  next     bigint NOT NULL
);
CREATE SEQUENCE prunings;

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM pruning WHERE case_ref = OLD.case_ref) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'case events are only ever appended; they go with their whole case';
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_events_stay BEFORE UPDATE OR DELETE ON case_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER case_events_remain BEFORE TRUNCATE ON case_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE evidence (
  position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id          text COLLATE "C" NOT NULL UNIQUE,
  source      text NOT NULL,
  alert_id    text COLLATE "C" NOT NULL,
  sha256      text COLLATE "C" NOT NULL,
  media_type  text NOT NULL,
  bytes       bigint NOT NULL,
  sealed      boolean NOT NULL,
  at          bigint NOT NULL,
  received_at bigint NOT NULL
);
CREATE INDEX evidence_alert ON evidence (alert_id);
CREATE INDEX evidence_object ON evidence (sha256);

-- Objects whose last evidence row was deleted.
CREATE TABLE orphans (
  sha256 text COLLATE "C" PRIMARY KEY
);

-- What came, what was shed and what is missing, see store.Tally. The runs are texts like "1-5,7".
CREATE TABLE tallies (
  edge    text COLLATE "C" NOT NULL,
  lane    text COLLATE "C" NOT NULL,
  epoch   text COLLATE "C" NOT NULL,
  lowest  bigint NOT NULL,
  above   text NOT NULL,
  missing text NOT NULL,
  lost    bigint NOT NULL,
  came    bigint NOT NULL,
  shed    bigint NOT NULL,
  at      bigint NOT NULL,
  PRIMARY KEY (edge, lane, epoch)
);
CREATE INDEX tallies_gap ON tallies (at) WHERE missing <> '' OR lost > 0;

CREATE TABLE edges (
  id          text COLLATE "C" PRIMARY KEY,
  last_sync   bigint NOT NULL,
  skew_ms     bigint NOT NULL,
  report      text NOT NULL,           -- JSON
  reported_at bigint NOT NULL
);

-- Staff accounts. There is no other person.
CREATE TABLE users (
  name text COLLATE "C" PRIMARY KEY,
  hash text NOT NULL,
  role text NOT NULL
);

CREATE TABLE tokens (
  sha256  text COLLATE "C" PRIMARY KEY,
  name    text NOT NULL,
  edge    text COLLATE "C" NOT NULL,
  scopes  text NOT NULL,               -- separated by spaces
  expires bigint NOT NULL
);

-- The edges that were added, and the one-time code that is open for each.
CREATE TABLE enrolments (
  edge         text COLLATE "C" PRIMARY KEY,
  added        bigint NOT NULL,
  code         text NOT NULL,          -- SHA-256; '': none is open
  code_expires bigint NOT NULL,
  revoked      bigint NOT NULL
);

-- Bearer tokens of edges; a few rows for each.
CREATE TABLE credentials (
  sha256  text COLLATE "C" PRIMARY KEY,
  edge    text COLLATE "C" NOT NULL,
  issued  bigint NOT NULL,
  expires bigint NOT NULL,
  used    bigint NOT NULL              -- for the first time
);
CREATE INDEX credentials_edge ON credentials (edge);

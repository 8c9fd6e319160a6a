-- +goose Up

DROP INDEX case_states_state;
CREATE INDEX case_states_state ON case_states (state);

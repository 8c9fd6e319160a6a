package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// AddEvidence implements [store.Store].
func (s *Store) AddEvidence(ctx context.Context, evidence []alert.Evidence, now time.Time) ([]ingest.Outcome, error) {
	if len(evidence) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := make([]ingest.Outcome, len(evidence))
	err := s.writer.transact(func() error {
		for i, e := range evidence {
			res, err := s.writer.c.exec(`INSERT INTO evidence (id, source, alert_id, sha256, media_type, bytes, sealed, at, received_at)
				VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING`,
				e.ID, e.Source, e.AlertID, e.SHA256, e.MediaType, e.Bytes, e.Sealed, store.Nanos(e.At), store.Nanos(now))
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			out[i] = ingest.Duplicate
			if n > 0 {
				out[i] = ingest.Accepted
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("add evidence: %w", err)
	}
	return out, nil
}

// EvidenceOf implements [store.Store].
func (s *Store) EvidenceOf(ctx context.Context, id string) ([]alert.Evidence, error) {
	items := []store.StoredAlert{{}}
	items[0].ID = id
	if err := s.attachEvidence(ctx, items); err != nil {
		return nil, fmt.Errorf("evidence of %s: %w", id, err)
	}
	return items[0].Evidence, nil
}

const selectEvidence = `SELECT id, source, alert_id, sha256, media_type, bytes, sealed, at FROM (
		SELECT *, row_number() OVER (PARTITION BY alert_id ORDER BY at, position) AS n FROM evidence
		WHERE alert_id IN (SELECT value FROM json_each(?))
	) WHERE n <= ? ORDER BY at, position`

// attachEvidence completes alerts with what is known of each, in the order of the pictures.
func (s *Store) attachEvidence(ctx context.Context, items []store.StoredAlert) error {
	if len(items) == 0 {
		return nil
	}
	byID := make(map[string]*store.StoredAlert, len(items))
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = items[i].ID
		byID[ids[i]] = &items[i]
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	rows, err := s.evidence.QueryContext(ctx, string(list), store.MaxEvidence)
	evidence, err := collect(rows, err, func(scan func(...any) error) (e alert.Evidence, err error) {
		var at int64
		err = scan(&e.ID, &e.Source, &e.AlertID, &e.SHA256, &e.MediaType, &e.Bytes, &e.Sealed, &at)
		e.At = store.Instant(at)
		return e, err
	})
	for _, e := range evidence {
		a := byID[e.AlertID]
		a.Evidence = append(a.Evidence, e)
	}
	return err
}

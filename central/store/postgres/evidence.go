package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// AddEvidence implements [store.Store]. Rows are written in the order of their ids, so that two groups never wait for each other.
func (s *Store) AddEvidence(ctx context.Context, evidence []alert.Evidence, now time.Time) ([]ingest.Outcome, error) {
	if len(evidence) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := make([]ingest.Outcome, len(evidence))
	order := make([]int, len(evidence))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(evidence[a].ID, evidence[b].ID) })
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	err := pgx.BeginFunc(ctx, s.write, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		for _, i := range order {
			e := &evidence[i]
			b.Queue(`INSERT INTO evidence (id, source, alert_id, sha256, media_type, bytes, sealed, at, received_at)
				VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) ON CONFLICT (id) DO NOTHING`,
				e.ID, e.Source, e.AlertID, e.SHA256, e.MediaType, e.Bytes, e.Sealed, store.Nanos(e.At), store.Nanos(now))
		}
		results := tx.SendBatch(ctx, b)
		for _, i := range order {
			tag, err := results.Exec()
			if err != nil {
				_ = results.Close() // says the same
				return err
			}
			out[i] = ingest.Duplicate
			if tag.RowsAffected() > 0 {
				out[i] = ingest.Accepted
			}
		}
		return results.Close()
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
	rows, err := s.read.Query(ctx, `SELECT e.id, e.source, e.alert_id, e.sha256, e.media_type, e.bytes, e.sealed, e.at
		FROM unnest($1::text[]) AS a (id) CROSS JOIN LATERAL
		(SELECT * FROM evidence WHERE alert_id = a.id ORDER BY at, position LIMIT $2) e ORDER BY e.at, e.position`, ids, store.MaxEvidence)
	evidence, err := collect(rows, err, func(scan scanner) (e alert.Evidence, err error) {
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

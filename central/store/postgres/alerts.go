package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	strict "github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// body is what no list filters by; times in Unix nanoseconds.
type body struct {
	Key           string         `json:"k"`
	Situation     string         `json:"s,omitempty"` // of a cleared alert; a raised one is its own
	Object        alert.Object   `json:"o,omitempty"`
	Zone          string         `json:"z,omitempty"`
	OccurredAt    int64          `json:"t"`
	RaisedAt      int64          `json:"r"`
	Clock         alert.Clock    `json:"c,omitempty"`
	UncertaintyMs int64          `json:"u,omitzero"`
	Score         *float64       `json:"p,omitzero"`
	CountBucket   string         `json:"n,omitempty"`
	Reading       *alert.Measure `json:"m,omitzero"`
	Origin        string         `json:"d,omitempty"`
	Exercise      bool           `json:"x,omitzero"`
}

// columnsOfAlerts are those of [copyAlerts].
const columnsOfAlerts = "alerts (position, id, place, received_at, kind, state, severity, case_ref, earlier, body)"

// copyAlerts makes the rows of alerts.
func copyAlerts(alerts []alertRow, places map[placeKey]int64) (*copying, error) {
	c := newCopying(10, len(alerts), 400)
	for i := range alerts {
		a := &alerts[i]
		text, err := strict.Marshal(bodyOf(a.Received))
		if err != nil {
			return nil, fmt.Errorf("encode alert %s: %w", a.ID, err)
		}
		c.row()
		c.int64(a.position)
		c.bytes(a.id[:])
		c.int64(places[placeKey{source: a.Source, grid: a.Grid}])
		c.int64(store.Nanos(a.ReceivedAt))
		c.text(string(a.Kind))
		c.text(string(a.State))
		c.int16(int16(a.Severity.Rank()))
		c.int64(a.ref)
		c.int64(a.earlier)
		c.bytes(text)
	}
	return c, nil
}

func bodyOf(a *store.Received) body {
	b := body{
		Key: a.Key, Object: a.Object, Zone: a.Zone, OccurredAt: store.Nanos(a.OccurredAt), RaisedAt: store.Nanos(a.RaisedAt), Clock: a.Clock,
		UncertaintyMs: a.Uncertainty.Milliseconds(), Score: a.Score, CountBucket: a.CountBucket, Reading: a.Reading,
		Origin: a.Origin, Exercise: a.Exercise,
	}
	if a.State == alert.Cleared {
		b.Situation = a.Situation
	}
	return b
}

// fill is the inverse of bodyOf; id and state are known already.
func (b *body) fill(a *store.StoredAlert) {
	a.Key, a.Situation, a.Object, a.Zone = b.Key, b.Situation, b.Object, b.Zone
	a.OccurredAt, a.RaisedAt, a.Clock = store.Instant(b.OccurredAt), store.Instant(b.RaisedAt), b.Clock
	a.Uncertainty = time.Duration(b.UncertaintyMs) * time.Millisecond
	a.Score, a.CountBucket, a.Reading = b.Score, b.CountBucket, b.Reading
	a.Origin, a.Exercise = b.Origin, b.Exercise
	if a.State == alert.Raised {
		a.Situation = a.ID
	}
}

// maxPlaces bounds what is remembered of places; beyond it all is forgotten and read again.
const maxPlaces = 100_000

type placeKey struct{ source, grid string }

// places remembers the rows of places. A row never changes and never goes.
type places struct {
	mu   sync.RWMutex
	refs map[placeKey]int64
}

func newPlaces() *places { return &places{refs: make(map[placeKey]int64)} }

// refsOf returns the rows of the places of alerts. New ones are written at once, whatever becomes of the alerts.
func (p *places) refsOf(ctx context.Context, s *Store, alerts []store.Received) (map[placeKey]int64, error) {
	refs := make(map[placeKey]int64)
	unknown := p.recall(alerts, refs)
	if len(unknown) == 0 {
		return refs, nil
	}
	var sources, edges, devices, grids []string
	for _, k := range unknown {
		edge, _, device, err := alert.ParseSource(k.source)
		if err != nil {
			return nil, err
		}
		sources, edges, devices, grids = append(sources, k.source), append(edges, edge), append(devices, device), append(grids, k.grid)
	}
	_, err := s.write.Exec(ctx, `INSERT INTO places (source, edge, device, grid)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT (source, grid) DO NOTHING`, sources, edges, devices, grids)
	if err != nil {
		return nil, err
	}
	return refs, p.read(ctx, s, sources, grids, refs)
}

// recall fills refs with what is known and returns the other places of alerts, each once, sorted: two processes that add the same
// ones never wait for each other.
func (p *places) recall(alerts []store.Received, refs map[placeKey]int64) []placeKey {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var unknown []placeKey
	for i := range alerts {
		k := placeKey{source: alerts[i].Source, grid: alerts[i].Grid}
		if ref, ok := p.refs[k]; ok {
			refs[k] = ref
		} else {
			unknown = append(unknown, k)
		}
	}
	slices.SortFunc(unknown, func(a, b placeKey) int {
		return cmp.Or(strings.Compare(a.source, b.source), strings.Compare(a.grid, b.grid))
	})
	return slices.Compact(unknown)
}

// read learns the rows of places that are there.
func (p *places) read(ctx context.Context, s *Store, sources, grids []string, refs map[placeKey]int64) error {
	rows, err := s.write.Query(ctx, `SELECT p.ref, p.source, p.grid FROM unnest($1::text[], $2::text[]) AS u (source, grid)
		JOIN places p ON p.source = u.source AND p.grid = u.grid`, sources, grids)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refs) >= maxPlaces {
		clear(p.refs)
	}
	var k placeKey
	var ref int64
	_, err = pgx.ForEachRow(rows, []any{&ref, &k.source, &k.grid}, func() error {
		p.refs[k], refs[k] = ref, ref
		return nil
	})
	return err
}

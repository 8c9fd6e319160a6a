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
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// alertRows are the alerts of a group, column by column, each id once.
type alertRows struct {
	index           []int // in the group
	id              []uuid.UUID
	place, received []int64
	kind, state     []string
	severity        []int16
	body            []string
}

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

// encode makes the rows of alerts. Of an id that is repeated the first counts.
func (s *Store) encode(ctx context.Context, alerts []store.Received) (*alertRows, error) {
	refs, err := s.spots.refsOf(ctx, s, alerts)
	if err != nil {
		return nil, fmt.Errorf("places of alerts: %w", err)
	}
	r := &alertRows{}
	seen := make(map[uuid.UUID]bool, len(alerts))
	for i := range alerts {
		a := &alerts[i]
		id, err := uuid.Parse(a.ID)
		if err != nil {
			return nil, fmt.Errorf("alert %d: its id is no UUID", i)
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		text, err := strict.Marshal(bodyOf(a))
		if err != nil {
			return nil, fmt.Errorf("encode alert %s: %w", a.ID, err)
		}
		r.index, r.id = append(r.index, i), append(r.id, id)
		r.place, r.received = append(r.place, refs[placeKey{source: a.Source, grid: a.Grid}]), append(r.received, store.Nanos(a.ReceivedAt))
		r.kind, r.state = append(r.kind, string(a.Kind)), append(r.state, string(a.State))
		r.severity, r.body = append(r.severity, int16(a.Severity.Rank())), append(r.body, string(text))
	}
	return r, nil
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

package watch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Device is the device of an edge that its own situation is about, and Origin what raised it.
const (
	Device = "edge-node"
	Origin = "watch"
)

// Everybody stands in the place of an edge's name where the network is meant; no edge may have it.
const Everybody = "all-edges"

// syncEvery is how often an edge syncs: it fell silent within so long of its last sync.
const syncEvery = time.Minute

// keyOf is the key of an edge's situation.
func keyOf(edge string) string { return alert.KeyOf(edge, Device, "", alert.DeviceOffline) }

// idOf is a UUIDv7 (RFC 9562, section 5.7) that follows from what happened: the same is never raised twice.
func idOf(edge string, since time.Time, state alert.State) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", edge, since.UnixNano(), state))
	var id uuid.UUID
	copy(id[:], sum[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(0, since.UnixMilli())))
	copy(id[:6], ms[2:])
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

// raised is the alert that opens a situation.
func raised(edge string, s situation, now time.Time) alert.Alert {
	return alert.Alert{
		ID: s.id, Situation: s.id, State: alert.Raised, Source: alert.SensorSource(edge, Device), Kind: alert.DeviceOffline,
		Key: keyOf(edge), Severity: alert.Major, Grid: s.grid, OccurredAt: s.since.Add(syncEvery / 2).UTC(), Uncertainty: syncEvery / 2,
		Clock: alert.ReceiveClock, RaisedAt: now.UTC(), Origin: Origin,
	}
}

// cleared is the alert that ends it: the edge was heard of at `back`.
func cleared(edge string, s situation, back, now time.Time) alert.Alert {
	a := raised(edge, s, now)
	a.ID, a.State, a.OccurredAt, a.Uncertainty = idOf(edge, s.since, alert.Cleared), alert.Cleared, back.UTC(), 0
	return a
}

// recall finds the open situations among the cases of a state.
func (j *Job) recall(ctx context.Context, state cases.State) error {
	q := store.Query{Kind: alert.DeviceOffline, State: string(state), Limit: 500}
	for {
		page, next, err := j.o.Store.Cases(ctx, q)
		if err != nil {
			return fmt.Errorf("find the open situations of edges: %w", err)
		}
		for _, c := range page {
			edge, _, _ := strings.Cut(c.Key, "/")
			if !c.Active || c.Key != keyOf(edge) {
				continue
			}
			if err := j.remember(ctx, edge, c); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.Cursor = next
	}
}

// remember reads the alert that raised the situation of a case.
func (j *Job) remember(ctx context.Context, edge string, c cases.Case) error {
	found, _, err := j.o.Store.Alerts(ctx, store.Query{CaseID: c.ID, State: string(alert.Raised), Limit: 1})
	if err != nil {
		return fmt.Errorf("read the situation of %s: %w", edge, err)
	}
	if len(found) > 0 {
		a := found[0]
		j.open[edge] = situation{id: a.ID, grid: a.Grid, since: a.OccurredAt.Add(-syncEvery / 2)}
	}
	return nil
}

// clear ends the situations of edges that synced again or are awaited no more, and the network's.
func (j *Job) clear(ctx context.Context, seen view, now time.Time) error {
	over := map[string]time.Time{}
	for edge, s := range j.open {
		at := seen.last[edge]
		switch {
		case edge == Everybody:
			if !seen.stillWidespread() {
				over[edge] = now
			}
		case at.After(s.since):
			over[edge] = at
		case !seen.expected[edge]:
			over[edge] = now
		}
	}
	var alerts []alert.Alert
	for edge, back := range over {
		if s := j.open[edge]; s.grid != "" {
			alerts = append(alerts, cleared(edge, s, back, now))
		}
	}
	if err := j.commit(ctx, alerts, now, "cleared"); err != nil {
		return err
	}
	for edge, back := range over {
		j.o.Logger.Info("an edge is back, or awaited no more", "edge", edge, "seconds", back.Sub(j.open[edge].since).Seconds())
		delete(j.open, edge)
	}
	j.note()
	return nil
}

// fresh are the situations that are to be raised: one for all while it is the network, else one for each edge.
func (j *Job) fresh(ctx context.Context, seen view) (map[string]situation, error) {
	fresh := map[string]situation{}
	add := func(name string, since time.Time, silent ...silence) (err error) {
		s := situation{id: idOf(name, since, alert.Raised), since: since}
		s.grid, err = j.placeOf(ctx, silent)
		fresh[name] = s
		return err
	}
	if _, open := j.open[Everybody]; open {
		return fresh, nil // each has its own once the network is back and the edge is not
	}
	if seen.widespread() {
		last := slices.MaxFunc(seen.silent, func(a, b silence) int { return a.since.Compare(b.since) })
		return fresh, add(Everybody, last.since, seen.silent...)
	}
	for _, s := range seen.ripe() {
		if _, known := j.open[s.edge]; known {
			continue
		}
		if err := add(s.edge, s.since, s); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// raise opens what is new.
func (j *Job) raise(ctx context.Context, seen view, now time.Time) error {
	fresh, err := j.fresh(ctx, seen)
	if err != nil {
		return err
	}
	var alerts []alert.Alert
	for edge, s := range fresh {
		if s.grid != "" { // an edge that never told of a device stands nowhere: metrics and the list of edges tell of it
			alerts = append(alerts, raised(edge, s, now))
		}
	}
	if err := j.commit(ctx, alerts, now, "raised"); err != nil {
		return err
	}
	for edge, s := range fresh {
		j.open[edge] = s
		j.o.Logger.Warn("an edge is silent", "edge", edge, "lastSync", s.since.UTC(), "silent", len(seen.silent), "awaited", seen.heard)
	}
	j.note()
	return nil
}

// placeOf is where the devices of silent edges are, as far as they told.
func (j *Job) placeOf(ctx context.Context, silent []silence) (string, error) {
	var grids []string
	for _, s := range silent[:min(len(silent), maxPlaces)] {
		e, err := j.o.Store.Edge(ctx, s.edge)
		if err != nil {
			return "", fmt.Errorf("read where %s stands: %w", s.edge, err)
		}
		for _, d := range e.Report.Devices {
			grids = append(grids, d.Grid)
		}
	}
	return place(grids), nil
}

// commit stores alerts as if an edge had sent them.
func (j *Job) commit(ctx context.Context, alerts []alert.Alert, now time.Time, did string) error {
	slices.SortFunc(alerts, func(a, b alert.Alert) int { return strings.Compare(a.Source, b.Source) })
	for part := range slices.Chunk(alerts, maxBatch) {
		g := store.Group{}
		for _, a := range part {
			if err := a.Validate(); err != nil {
				return fmt.Errorf("make the situation of a silent edge: %w", err)
			}
			g.Alerts = append(g.Alerts, store.Received{Alert: a, ReceivedAt: now.UTC()})
		}
		if _, err := j.o.Store.Ingest(ctx, g, j.o.Decide, now); err != nil {
			return fmt.Errorf("store the situations of silent edges: %w", err)
		}
		j.did.WithLabelValues(did).Add(float64(len(part)))
		j.o.OnCommit()
	}
	return nil
}
